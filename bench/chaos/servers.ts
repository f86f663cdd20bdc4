import type { PostgresServer } from '../../clients/postgres/server.ts';
import { serverOf } from '../../clients/postgres/testing/database.ts';
import { type OwnService, type OwnServiceOptions, ownService, type ServiceName } from '../../core/testing/services.ts';

/** The servers of a run, of its own, so that they can be broken. */
export interface Servers {
  readonly services: Readonly<Record<'postgres' | 'kafka' | 'rabbitmq' | 'redis', OwnService>>;
  /** The database that PostgreSQL has from the start. */
  readonly database: PostgresServer;
}

/** What takes long, or waits for a lock, is in PostgreSQL's log. */
const postgresSettings = {
  log_lock_waits: 'on',
  log_min_duration_statement: '2s',
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '2s',
  'auto_explain.log_nested_statements': 'on',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_timing': 'off',
};

/** Starts them all; rejects with the reason where one cannot be had. They end with `stack`. */
export async function startServers(stack: AsyncDisposableStack, brokers: number): Promise<Servers> {
  const start = async (name: ServiceName, options: OwnServiceOptions = {}) => {
    const own = await ownService(name, import.meta.filename);
    if (own.missing !== undefined) throw new Error(`chaos: there is no ${name}: ${own.missing}`);
    return stack.use(await own.start(options));
  };
  const [postgres, kafka, rabbitmq, redis] = await Promise.all([
    start('postgres', { settings: postgresSettings }),
    start('kafka', { brokers }),
    start('rabbitmq'),
    start('redis'),
  ]);
  return { services: { postgres, kafka, rabbitmq, redis }, database: serverOf(postgres.address) };
}
