import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { kafkaDriver } from '../clients/kafka/connection.ts';
import type { Log } from '../core/component.ts';
import { readEnvironment } from '../core/config/environment.ts';
import { describeProblem } from '../core/config/problem.ts';
import { unknownName } from '../core/config/registry.ts';
import type { Endpoint, EndpointKind, EndpointOf } from '../core/endpoint.ts';
import { describeThrown, errorRecord, HubError } from '../core/errors.ts';
import { openEmbeddedLog } from '../core/events/embedded-log.ts';
import type { EventLog } from '../core/events/event-log.ts';
import type { MessageStore } from '../core/store/message-store.ts';
import { openSqliteStore } from '../core/store/sqlite/sqlite-store.ts';
import { openedAtLast } from './opened-at-last.ts';
import { readOrNothing, type Settings } from './settings.ts';
import { systemClock } from './system-clock.ts';
import { unreadableEnvironment } from './unreadable-environment.ts';

/** What a hub stands on. */
export interface Backends {
  readonly store: MessageStore;
  readonly events: EventLog;
  /** Where the message store is, if it is in PostgreSQL. */
  readonly database: EndpointOf<'postgres'> | undefined;
  /** Resolves when either is lost for good: the process can only end. */
  readonly failed: Promise<HubError>;
}

type Opened<T> = T & AsyncDisposable & { readonly failed?: Promise<HubError> };

/**
 * Opens the message store and the event log that `weir.yaml` names, both at once: the embedded ones, PostgreSQL, Kafka. Whichever opens
 * is closed with `opened`, also when the other one fails. A database that is away is waited for, until `signal`. Throws HubError
 * `store-locked`, `store-failed` or `config-invalid`, saying where.
 */
export async function openBackends(
  settings: Settings,
  log: Log,
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Backends> {
  await makeStateFolder(settings.stateDir);
  const { postgres } = settings.store;
  const { kafka } = settings.events;
  const endpoints = postgres || kafka ? await endpointsOf(settings) : {};
  const database = postgres && endpointNamed('postgres', postgres.endpoint, endpoints);
  const brokers = kafka && endpointNamed('kafka', kafka.endpoint, endpoints);
  await Promise.all([database && postgresStore(), brokers && kafkaLog(), brokers && kafkaDriver()]);
  const store: Promise<Opened<MessageStore>> = database
    ? openedAtLast('the message store', () => openPostgres(settings, database, postgres.schema, log), { log, signal })
    : openSqlite(settings);
  const events: Promise<Opened<EventLog>> = brokers ? openKafka(brokers, kafka, log) : openEmbedded(settings, log);
  for (const each of await Promise.allSettled([store, events])) if (each.status === 'fulfilled') opened.use(each.value);
  const both = [await store, await events] as const;
  const failed = Promise.race(both.map((each) => each.failed).filter((each) => each !== undefined));
  return { store: both[0], events: both[1], database, failed };
}

function openSqlite({ stateDir, store, timeZone }: Settings) {
  const { maxBacklogBytes, lowWaterBytes } = store;
  const bounds = { maxBacklogBytes, lowWaterBytes, ...(timeZone !== undefined && { timeZone }) };
  return below(stateDir, openSqliteStore({ directory: join(stateDir, 'messages'), now: systemClock.now, ...bounds }));
}

function openEmbedded({ stateDir }: Settings, log: Log) {
  const onError = (error: HubError) => log.warn({ ...errorRecord(error) }, 'the event log tries again');
  return below(stateDir, openEmbeddedLog({ directory: join(stateDir, 'events'), now: systemClock.now, onError }));
}

// Drivers of what a hub does not stand on are not loaded; the others before anything connects, as loading them holds up every answer.
const postgresStore = () => import('../connectors/postgres/message-store/postgres-store.ts');
const kafkaLog = () => import('../connectors/kafka/event-log/kafka-log.ts');

async function openPostgres(
  { store, hub, timeZone }: Settings,
  server: EndpointOf<'postgres'>,
  schema: string,
  log: Log,
) {
  const { openPostgresStore } = await postgresStore();
  const { maxBacklogBytes } = store;
  const zone = timeZone === undefined ? {} : { timeZone };
  return openPostgresStore({
    ...{ server, hub: hub ?? hostname(), schema, now: systemClock.now, maxBacklogBytes, log },
    ...zone,
  });
}

async function openKafka(
  endpoint: EndpointOf<'kafka'>,
  { prefix, replication }: NonNullable<Settings['events']['kafka']>,
  log: Log,
) {
  const { openKafkaLog } = await kafkaLog();
  return openKafkaLog({
    endpoint,
    prefix,
    ...(replication !== undefined && { replication }),
    deadLetterSuffix: '.dead-letters',
    onError: (error) => log.warn({ ...errorRecord(error) }, 'the event log tries again'),
    onNotice: (text) => log.warn({}, text),
  });
}

/** The endpoints of the environment, for what is opened before the channels are read. Throws HubError `config-invalid`. */
async function endpointsOf({ channels, environment, stateDir }: Settings): Promise<Readonly<Record<string, Endpoint>>> {
  const path = join(channels, 'env', `${environment}.yaml`);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const read =
    text === undefined
      ? { ok: false as const, problems: [await unreadableEnvironment(channels, environment, path)] }
      : readEnvironment(path, path, text, { environment: process.env, readFile: readOrNothing, stateDir });
  if (read.ok) return read.value.endpoints;
  throw invalid(read.problems.map(describeProblem).join('\n'));
}

function endpointNamed<K extends EndpointKind>(
  kind: K,
  name: string,
  endpoints: Readonly<Record<string, Endpoint>>,
): EndpointOf<K> {
  const found = Object.hasOwn(endpoints, name) ? endpoints[name] : undefined;
  if (!found) {
    const known = Object.entries(endpoints).flatMap(([each, { kind: its }]) => (its === kind ? [each] : []));
    throw invalid(`weir.yaml: the environment has no endpoint ${name}${unknownName(name, known)}`);
  }
  if (found.kind !== kind) throw invalid(`weir.yaml: endpoint ${name} is of kind ${found.kind}, not ${kind}`);
  return found as EndpointOf<K>;
}

async function makeStateFolder(stateDir: string): Promise<void> {
  try {
    await mkdir(stateDir, { recursive: true });
  } catch (thrown) {
    const why = (thrown as NodeJS.ErrnoException).code ?? describeThrown(thrown);
    const doing = `making the state folder ${stateDir}`;
    throw new HubError('config-invalid', 'permanent', `${doing}: ${why}`, { cause: thrown });
  }
}

/** A failure of what has its files in the state folder names it. */
async function below<T>(stateDir: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    const { code, kind, message } = thrown;
    const why = code === 'store-locked' ? 'another hub has it open' : message;
    throw new HubError(code, kind, `opening the state folder ${stateDir}: ${why}`, { cause: thrown });
  }
}

function invalid(message: string): HubError {
  return new HubError('config-invalid', 'permanent', message);
}
