import { join } from 'node:path';
import type { PostgresServer } from '../clients/postgres/server.ts';
import type { Channel } from '../core/builder.ts';
import type { Log } from '../core/component.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { openEmbeddedLog } from '../core/events/embedded-log.ts';
import { createEngine } from '../core/runtime/create-engine.ts';
import type { Engine } from '../core/runtime/engine.ts';
import { openSqliteStore } from '../core/store/sqlite/sqlite-store.ts';
import { systemClock } from '../hub/system-clock.ts';

/** Where the message store is, if not in the directory. */
export interface PostgresSettings {
  readonly server: PostgresServer;
  /** Names the hub in the store. */
  readonly hub: string;
}

export interface EngineSettings {
  readonly directory: string;
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  readonly postgres?: PostgresSettings | undefined;
  /** Brokers of Kafka, where the events are if not in the directory. */
  readonly kafka?: readonly string[] | undefined;
}

const silent = () => undefined;
const log: Log = {
  debug: silent,
  info: silent,
  warn: silent,
  error: (fields, text) => console.error(text, JSON.stringify(fields)),
};

/** An engine as the hub runs it, with fsync on: on the embedded store and event log, PostgreSQL, Kafka. Resolves when its channels listen. */
export async function startEngine(
  { directory, endpoints, postgres, kafka }: EngineSettings,
  channels: readonly Channel<never, never>[],
): Promise<Engine> {
  const store = postgres
    ? await postgresStore(postgres)
    : await openSqliteStore({ directory: join(directory, 'messages'), now: systemClock.now });
  const events = kafka ? await kafkaLog(kafka) : await embeddedLog(directory);
  const engine = await createEngine({
    store,
    events,
    clock: systemClock,
    random: Math.random,
    log,
    endpoints: { get: (name) => endpoints[name] },
  });
  for (const { definition } of channels) await engine.deploy(definition, 'bench');
  return engine;
}

/** Drivers are loaded where they are used, as the hub does. */
async function postgresStore({ server, hub }: PostgresSettings) {
  const { openPostgresStore } = await import('../connectors/postgres/message-store/postgres-store.ts');
  return openPostgresStore({ server, hub, now: systemClock.now, log });
}

function embeddedLog(directory: string) {
  return openEmbeddedLog({
    directory: join(directory, 'events'),
    now: systemClock.now,
    onError: (error) => log.error({ code: error.code }, error.message),
  });
}

async function kafkaLog(brokers: readonly string[]) {
  const { openKafkaLog } = await import('../connectors/kafka/event-log/kafka-log.ts');
  return openKafkaLog({
    endpoint: { brokers: [...brokers] },
    onError: (error) => log.error({ code: error.code }, error.message),
    onNotice: (text) => log.warn({}, text),
  });
}
