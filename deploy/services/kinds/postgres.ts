import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.ts';
import { configurationFile, passwordOf } from '../configuration.ts';
import { programs } from '../packages.ts';
import { expectAnswer } from '../probe.ts';
import type { Place, ServiceKind } from '../service.ts';

const obtain = (shared: string) => programs(shared, ['postgresql'], ['postgres', 'initdb', 'pg_isready']);

/** PostgreSQL with a superuser `weir`, who gives a password (SCRAM-SHA-256), and with its defaults: fsync and synchronous commits on. */
export const postgres: ServiceKind = {
  obtain,
  async plan(place) {
    const { path, env } = await obtain(place.shared);
    const data = join(place.directory, 'data');
    const password = passwordOf(place);
    if (!existsSync(data)) await initialise(place, path('initdb'), env);
    const port = await place.port('postgres');
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      // Paths of sockets are limited to 107 bytes, and nobody here uses them.
      unix_socket_directories: '',
      max_connections: 200,
      // Containers have 64 MB of /dev/shm.
      dynamic_shared_memory_type: 'mmap',
      ...place.options.settings,
    };
    const lines = Object.entries(settings).map(
      ([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`,
    );
    const file = configurationFile(place, 'weir.conf', `include '${join(data, 'postgresql.conf')}'\n${lines.join('')}`);
    const args = ['-D', data, '-c', `config_file=${file}`];
    return {
      processes: [{ name: 'postgres', command: path('postgres'), args, env, stop: 'SIGINT' }],
      address: `postgres://weir:${password}@127.0.0.1:${port}/postgres`,
      probe: async () => void (await command(path('pg_isready'), ['-h', '127.0.0.1', '-p', String(port)], { env })),
    };
  },
};

/** Made elsewhere and then renamed: a start that was cut short leaves no half of it behind. */
async function initialise(place: Place, initdb: string, env: Readonly<Record<string, string>>): Promise<void> {
  const making = join(place.directory, 'data.making');
  rmSync(making, { recursive: true, force: true });
  const options = ['-U', 'weir', '-A', 'scram-sha-256', '--pwfile', join(place.directory, 'password')];
  const args = ['-D', making, ...options, '-E', 'UTF8', '--locale', 'C.UTF-8'];
  await command(initdb, args, { env, directory: place.directory }, place.user);
  renameSync(making, join(place.directory, 'data'));
}

/** SSLRequest of the PostgreSQL protocol; without TLS the answer is the letter N. */
export const answersWithoutTls = (port: number): Promise<void> =>
  expectAnswer(port, Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]), 'N');
