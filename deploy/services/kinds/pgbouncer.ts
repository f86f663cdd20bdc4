import { configurationFile, lines } from '../configuration.ts';
import { programs } from '../packages.ts';
import type { ServiceKind } from '../service.ts';
import { answersWithoutTls } from './postgres.ts';

const obtain = (shared: string) => programs(shared, ['pgbouncer'], ['pgbouncer']);

/** PgBouncer in transaction mode, in front of the PostgreSQL of the same checkout; users and databases are those of the latter. */
export const pgbouncer: ServiceKind = {
  obtain,
  async plan(place) {
    const { path, env } = await obtain(place.shared);
    const server = new URL(place.behind ?? '');
    const port = await place.port('pgbouncer');
    const users = configurationFile(place, 'users.txt', `"${server.username}" "${server.password}"\n`);
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: users,
      admin_users: server.username,
      pool_mode: 'transaction',
      max_client_conn: 500,
      default_pool_size: 20,
      // As in an installation: else a database that was away is looked for again after 15 s.
      server_login_retry: 1,
      // What clients in common send at the start, and what the pool cannot keep for one of them.
      ignore_startup_parameters: 'extra_float_digits',
      ...place.options.settings,
    };
    const databases = `[databases]\n* = host=${server.hostname} port=${server.port}\n`;
    const file = configurationFile(place, 'pgbouncer.ini', `${databases}[pgbouncer]\n${lines(settings, ' = ')}`);
    return {
      processes: [{ name: 'pgbouncer', command: path('pgbouncer'), args: [file], env, stop: 'SIGTERM' }],
      address: `postgres://${server.username}:${server.password}@127.0.0.1:${port}/postgres`,
      probe: () => answersWithoutTls(port),
    };
  },
};
