import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readEnvironment } from '../core/config/environment.ts';
import { readSettings } from '../hub/settings.ts';
import { startArguments, workplace } from '../hub/testing/hub-process.ts';
import { command } from './services/command.ts';
import { ownFolder } from './services/folder.ts';
import { alone } from './services/lock.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');

const service = z.looseObject({
  image: z.string(),
  restart: z.string().optional(),
  user: z.string().optional(),
  read_only: z.boolean().optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  ports: z.array(z.string()).optional(),
  networks: z.array(z.string()).optional(),
  secrets: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  deploy: z.looseObject({ resources: z.looseObject({ limits: z.record(z.string(), z.unknown()) }) }).optional(),
});
const composeFile = z.looseObject({
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().optional() }).nullable()).optional(),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })).optional(),
});
const compose = composeFile.parse(parse(read('docker-compose.yml'), { merge: true }));
const forTests = composeFile.parse(parse(read('deploy/services/compose.yml')));
const services = Object.entries(compose.services);
const databases = ['postgres', 'pgbouncer', 'redis', 'kafka', 'rabbitmq'];

/** The tools of deploy/lint, or why there are none. */
async function lintTools(): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const requirements = join(root, 'deploy/lint/requirements.txt');
  const folder = join(ownFolder, 'lint');
  mkdirSync(folder, { recursive: true });
  try {
    await alone(folder, async () => {
      const made = join(folder, 'requirements.txt');
      if (existsSync(made) && readFileSync(made, 'utf8') === readFileSync(requirements, 'utf8')) return;
      const pip = ['-m', 'pip', 'install', '-q', '--upgrade', '--target', join(folder, 'tools'), '-r', requirements];
      await command('python3', pip, { env: { PIP_ROOT_USER_ACTION: 'ignore' } });
      cpSync(requirements, made);
    });
    return { folder: join(folder, 'tools') };
  } catch (thrown) {
    return { missing: (thrown as Error).message };
  }
}

/** The files that a module imports when it runs, by its own imports and theirs, and the packages as `package <name>`. */
function imported(module: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(module)) return found;
  found.add(module);
  const named =
    /^(?:import|export) (?!type )[^;']*from '([^']+)'|\bimport\(\s*'([^']+)'|new URL\(\s*'(\.[^']+\.ts)', import\.meta/gm;
  for (const [, from, lazily, beside] of module.endsWith('.ts') ? read(module).matchAll(named) : []) {
    const name = from ?? lazily ?? beside ?? '';
    if (name.startsWith('.')) imported(join(dirname(module), name), found);
    else if (!isBuiltin(name)) found.add(`package ${/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0]}`);
  }
  return found;
}

const tools = await lintTools();
const missing = 'missing' in tools ? tools.missing : undefined;
if (missing !== undefined && process.env.CI === 'true') throw new Error(missing);
if (missing !== undefined)
  process.stderr.write(`SKIPPED: docker-compose.yml and Dockerfile are not checked by their tools (${missing})\n`);
const folder = 'folder' in tools ? tools.folder : '';

describe.skipIf(missing)('by the tools of the formats', { timeout: 60_000 }, () => {
  const schema = (file: string) =>
    run('python3', ['-m', 'check_jsonschema', '--builtin-schema', 'vendor.compose-spec', file], {
      cwd: root,
      env: { ...process.env, PYTHONPATH: folder },
    });

  it.each([
    'docker-compose.yml',
    'deploy/services/compose.yml',
  ])('%s is what the Compose specification says', async (file) => {
    await expect(schema(file)).resolves.toMatchObject({ stdout: expect.stringContaining('ok') });
  });

  it('the schema refuses a key that the specification does not have', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'weir-compose-'));
    onTestFinished(() => rmSync(broken, { recursive: true }));
    writeFileSync(
      join(broken, 'compose.yml'),
      read('docker-compose.yml').replace('    healthcheck:', '    healthchek:'),
    );
    await expect(schema(join(broken, 'compose.yml'))).rejects.toMatchObject({
      stdout: expect.stringContaining("'healthchek' was unexpected"),
    });
  });

  it('the Dockerfile has nothing that hadolint finds', async () => {
    await expect(run(join(folder, 'bin/hadolint'), [join(root, 'Dockerfile')])).resolves.toMatchObject({ stdout: '' });
  });
});

describe('docker-compose.yml', () => {
  it('has two hubs and everything they need', () => {
    const names = ['hub-1', 'hub-2', 'kafka', 'mosquitto', 'pgbouncer', 'postgres', 'rabbitmq', 'redis'];
    expect(services.map(([name]) => name).sort()).toEqual(names);
  });

  it.each(services)('%s is watched, limited and started again', (_, each) => {
    expect(each.healthcheck?.test[0]).toMatch(/^CMD/);
    expect(Object.keys(each.deploy?.resources.limits ?? {}).sort()).toEqual(['cpus', 'memory', 'pids']);
    expect(each.restart).toBe('unless-stopped');
  });

  it.each(services)('%s has an image of one version', (_, { image }) => {
    expect(image).toMatch(/^[\w/-]+:v?\d+\.\d+[\w.-]*$/);
  });

  it.each(services)('%s has no secret in its environment', (_, { environment = {} }) => {
    for (const [name, value] of Object.entries(environment))
      if (/PASS|SECRET|TOKEN|KEY|CREDENTIAL|_URL$/.test(name)) expect(String(value)).toMatch(/^\/run\/secrets\//);
  });

  it.each(databases)('%s is not published', (name) => {
    expect(compose.services[name]?.ports).toBeUndefined();
    expect(compose.services[name]?.networks).not.toContain('edge');
  });

  it('gives every network but the edge no way out', () => {
    const open = Object.entries(compose.networks ?? {}).filter(([, network]) => network?.internal !== true);
    expect(open.map(([name]) => name)).toEqual(['edge']);
  });

  it('lets a hub reach PostgreSQL through PgBouncer only', () => {
    expect(compose.services['hub-1']?.networks).toEqual(['edge', 'app', 'cache', 'broker']);
    expect(compose.services.postgres?.networks).toEqual(['db']);
    expect(compose.services.pgbouncer?.networks).toEqual(['app', 'db']);
  });

  it('has a PgBouncer that looks for a database that was away at once, and waits for no hub when it ends', () => {
    expect(read('deploy/pgbouncer/pgbouncer.ini')).toMatch(/^server_login_retry = 1$/m);
    expect(compose.services.pgbouncer).toMatchObject({ stop_signal: 'SIGINT' });
  });

  it.each(['hub-1', 'hub-2'])('%s runs without root on a root file system it cannot write', (name) => {
    expect(compose.services[name]).toMatchObject({ user: '10001:10001', read_only: true, cap_drop: ['ALL'] });
  });

  it('opens the admin API on this machine alone', () => {
    for (const name of ['hub-1', 'hub-2']) {
      const ports = compose.services[name]?.ports ?? [];
      expect(ports.filter((port) => port.endsWith(':8640') && !port.startsWith('127.0.0.1:'))).toEqual([]);
    }
  });

  it('mounts files that are there', () => {
    const mounted = services.flatMap(([, each]) => each.volumes ?? []).map((volume) => volume.split(':')[0] ?? '');
    for (const path of mounted.filter((each) => each.startsWith('./'))) expect(existsSync(join(root, path))).toBe(true);
  });

  it('has the images that the tests run against', () => {
    for (const [name, { image }] of Object.entries(forTests.services))
      expect(compose.services[name]?.image).toBe(image);
  });

  it('has the broker of the version that runs without Docker', () => {
    const [, version] = /<version>(\d[\d.]*\.\d+)</.exec(read('deploy/services/kafka-broker/pom.xml')) ?? [];
    expect(compose.services.kafka?.image).toBe(`apache/kafka:${version}`);
  });
});

it('the services of tests are published on this machine alone', () => {
  for (const { ports = [] } of Object.values(forTests.services))
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
});

describe('the secrets that are made', () => {
  const secrets = mkdtempSync(join(tmpdir(), 'weir-secrets-'));
  afterAll(() => rmSync(secrets, { recursive: true }));
  const make = () =>
    execFileSync(process.execPath, [join(root, 'deploy/make-secrets.ts'), secrets], { encoding: 'utf8' });

  it('are all that docker-compose.yml and its configuration mount, and stay as they are', () => {
    make();
    const made = readdirSync(secrets);
    for (const { file } of Object.values(compose.secrets ?? {})) {
      expect(file).toMatch(/^deploy\/secrets\//);
      expect(made).toContain(file.replace('deploy/secrets/', ''));
    }
    const token = readFileSync(join(secrets, 'admin-token'), 'utf8');
    expect(make()).not.toContain('made');
    expect(readFileSync(join(secrets, 'admin-token'), 'utf8')).toBe(token);
    expect(statSync(secrets).mode & 0o777).toBe(0o700);
  });

  it('are all mounted by somebody', () => {
    const made = [...make().matchAll(/^(?:made|kept) (.+)$/gm)].flatMap(([, names]) => names?.split(', ') ?? []);
    const mounted = new Set(services.flatMap(([, each]) => each.secrets ?? []));
    expect(made.filter((name) => !mounted.has(name))).toEqual([]);
    expect(made).toContain('admin-token');
  });

  it('are those of the endpoints that deploy/production.yaml has for channels', () => {
    const text = read('deploy/production.yaml')
      .replaceAll('/run/secrets', secrets)
      .replaceAll(/^ {2}# (?=\S+: \{)/gm, '  ');
    const options = { environment: {}, stateDir: secrets, readFile: (path: string) => readFileSync(path, 'utf8') };
    expect(readEnvironment('production.yaml', '/production.yaml', text, options)).toMatchObject({
      ok: true,
      value: { endpoints: { 'ward-broker': { kind: 'mqtt' }, queues: { kind: 'rabbitmq' } } },
    });
  });

  it('are declared, those that services mount', () => {
    const declared = Object.keys(compose.secrets ?? {});
    for (const [, each] of services) for (const name of each.secrets ?? []) expect(declared).toContain(name);
  });

  it('are what each configuration names, for the service that mounts it', () => {
    for (const [, each] of services) {
      const files = (each.volumes ?? [])
        .map((volume) => volume.split(':')[0] ?? '')
        .filter((path) => path.startsWith('./deploy/'));
      const named = files.flatMap((file) =>
        [...read(file).matchAll(/\/run\/secrets[/:]([\w.-]+)/g)].map((match) => match[1]),
      );
      for (const name of named) expect(each.secrets).toContain(name);
    }
  });

  it('are what settings and environment of the hubs name, which name each other’s endpoints', () => {
    const here = (name: string) => read(name).replaceAll('/run/secrets', secrets);
    const config = join(secrets, 'weir.yaml');
    writeFileSync(config, here('deploy/weir.yaml'));
    const settings = readSettings({ config }, {});
    const environment = readEnvironment('production.yaml', '/production.yaml', here('deploy/production.yaml'), {
      ...{ environment: {}, stateDir: settings.stateDir },
      readFile: (path) => readFileSync(path, 'utf8'),
    });
    expect(environment).toMatchObject({
      ok: true,
      value: {
        endpoints: {
          [settings.store.postgres?.endpoint ?? '']: { kind: 'postgres', host: 'pgbouncer' },
          [settings.events.kafka?.endpoint ?? '']: { kind: 'kafka', brokers: ['kafka:9092'] },
        },
      },
    });
    for (const [, name] of `${read('deploy/weir.yaml')}${read('deploy/production.yaml')}`.matchAll(
      /\/run\/secrets\/([\w-]+)/g,
    ))
      expect(compose.services['hub-1']?.secrets).toContain(name);
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile');
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
    (match[1] ?? '').split(' '),
  );

  it('runs the Node that the tests run on', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
    expect(/^ARG NODE_VERSION=(.+)$/m.exec(dockerfile)?.[1]).toBe(devDependencies.node);
    expect(read('docs/installation.md')).toContain(` node:${devDependencies.node}-bookworm-slim `);
  });

  it('has all that a hub imports', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const needed = [...imported('hub/main.ts')];
    const has = (name: string) =>
      name.startsWith('package ')
        ? name.slice('package '.length) in dependencies
        : copied.some((path) => name === path || name.startsWith(`${path}/`));
    expect(needed.length).toBeGreaterThan(500);
    expect(needed.filter((name) => !has(name))).toEqual([]);
  });

  it('starts as it is', { timeout: 60_000 }, async () => {
    await using app = await workplace({
      'channels/env/test.yaml': 'endpoints: {}\n',
      'channels/one.channel.yaml':
        'channel: one\nsource: { schedule: { name: yearly, cron: "0 0 1 1 *" } }\ndestinations: { gone: { to: { discard: {} } } }\n',
    });
    for (const name of copied)
      cpSync(join(root, name), join(app.directory, 'image', name), {
        recursive: true,
        filter: (path) => !path.endsWith('.test.ts'),
      });
    symlinkSync(join(root, 'node_modules'), join(app.directory, 'image/node_modules'));
    const args = startArguments(app.directory);
    const hub = spawn(process.execPath, [join(app.directory, 'image/hub/main.ts'), ...args], { cwd: app.directory });
    let said = '';
    for (const stream of [hub.stdout, hub.stderr]) stream.on('data', (chunk: Buffer) => void (said += String(chunk)));
    const ended = once(hub, 'exit');
    await vi.waitFor(() => expect(hub.exitCode !== null || said.includes('up after')).toBe(true), { timeout: 30_000 });
    hub.kill();
    expect({ said, ended: await ended }).toMatchObject({ said: expect.stringContaining('up after'), ended: [0, null] });
  });

  it('sends the builder what it copies, and nothing else', () => {
    const sent = read('.dockerignore')
      .match(/^![\w.-]+$/gm)
      ?.map((line) => line.slice(1));
    expect([...new Set(copied)].sort()).toEqual([...(sent ?? [])].sort());
  });

  it('ends as a user that is not root', () => {
    expect(dockerfile.match(/^USER .+$/gm)).toEqual(['USER 10001:10001']);
  });
});
