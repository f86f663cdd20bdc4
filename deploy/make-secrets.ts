import { createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes the secrets of docker-compose.yml, each in a file of `deploy/secrets` (or of the folder that is given), random, and in the
 * form that its reader wants. Files that are there stay: a password is changed where it is used, too.
 */
const folder = process.argv[2] ?? join(import.meta.dirname, 'secrets');

const made = () => randomBytes(24).toString('hex');
const postgres = made();
const [redis, mosquitto, rabbitmq] = [made(), made(), made()];

/** Mosquitto: PBKDF2 with SHA-512, 101 rounds. */
function mosquittoHash(password: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512');
  return `$7$101$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** RabbitMQ: four bytes of salt, and the SHA-256 of them and the password. */
function rabbitmqHash(password: string): string {
  const salt = randomBytes(4);
  return Buffer.concat([salt, createHash('sha256').update(salt).update(password).digest()]).toString('base64');
}

const definitions = {
  users: [
    {
      name: 'weir',
      password_hash: rabbitmqHash(rabbitmq),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: [],
    },
  ],
  vhosts: [{ name: '/' }],
  permissions: [{ user: 'weir', vhost: '/', configure: '.*', write: '.*', read: '.*' }],
};

// The files that belong together are made together, or not at all.
const groups: readonly Readonly<Record<string, string>>[] = [
  { 'admin-token': made() },
  {
    'postgres-password': postgres,
    'pgbouncer-users': `"weir" "${postgres}"\n`,
  },
  { 'kafka-password': made() },
  {
    'redis-users': `user default off\nuser weir on >${redis} ~* &* +@all\n`,
    'redis-url': `redis://weir:${redis}@redis:6379`,
  },
  {
    'mosquitto-users': `weir:${mosquittoHash(mosquitto)}\n`,
    'mosquitto-password': mosquitto,
  },
  {
    'rabbitmq-definitions.json': `${JSON.stringify(definitions, null, 2)}\n`,
    'rabbitmq-password': rabbitmq,
  },
];

mkdirSync(folder, { recursive: true, mode: 0o700 });
// Compose mounts the files as they are, and each is read by another user: the folder keeps people out.
chmodSync(folder, 0o700);
for (const group of groups) {
  const names = Object.keys(group);
  const present = names.filter((name) => existsSync(join(folder, name)));
  if (present.length > 0 && present.length < names.length) {
    process.stderr.write(`making secrets: ${present.join(', ')} is there without the rest of ${names.join(', ')}\n`);
    process.exitCode = 1;
  } else if (present.length === names.length) process.stdout.write(`kept ${names.join(', ')}\n`);
  else {
    for (const [name, value] of Object.entries(group)) writeFileSync(join(folder, name), value, { mode: 0o444 });
    process.stdout.write(`made ${names.join(', ')}\n`);
  }
}
