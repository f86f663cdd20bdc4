import type { Servers } from './servers.ts';

export const TOPIC = 'chaos.adt.v1';
export const QUEUE = 'chaos-adt';
/** Tables of the warehouse: what the channels write themselves, and what the reader of the topic writes. */
export const TABLES = ['written', 'consumed'] as const;
/** Channels with a listener; there is one more that reads the topic. */
export const INTAKES = 2;

export interface HubPlace {
  readonly name: string;
  /** Of its MLLP listeners, one for each intake. */
  readonly ports: readonly number[];
  /** Where the receiver takes this hub's messages. */
  readonly receiver: number;
  /** Of the network between it and the database. */
  readonly database: number;
}

const retry = '{ initialMs: 100, maxMs: 1000 }';

/** What a hub of the run has in its folder; both have the same channels. */
export function filesOf({ name, ports, receiver, database }: HubPlace, servers: Servers): Record<string, string> {
  const { user, password } = servers.database;
  const queues = new URL(servers.services.rabbitmq.address);
  const postgres = (named: string) =>
    `{ kind: postgres, host: 127.0.0.1, port: ${database}, database: ${named}, user: ${user}, password: '\${file:../../postgres.txt}' }`;
  const listeners = ports.map((port, at) => `  in-${at + 1}: { kind: tcp-listen, listen: ${port} }\n`);
  return {
    'postgres.txt': password ?? '',
    'rabbitmq.txt': decodeURIComponent(queues.password),
    'redis.txt': servers.services.redis.address,
    'weir.yaml': `hub: ${name}
store: { postgres: { endpoint: database } }
events: { kafka: { endpoint: brokers } }
redis: { url: '\${file:redis.txt}' }
`,
    'channels/env/test.yaml': `endpoints:
${listeners.join('')}  receiver: { kind: tcp-connect, host: 127.0.0.1, port: ${receiver} }
  brokers: { kind: kafka, brokers: ${JSON.stringify(servers.services.kafka.address.split(','))} }
  queues: { kind: rabbitmq, nodes: ['${queues.host}'], user: ${queues.username}, password: '\${file:../../rabbitmq.txt}' }
  database: ${postgres('weir')}
  warehouse: ${postgres('warehouse')}
`,
    ...Object.fromEntries(ports.map((_, at) => [`channels/adt-${at + 1}.channel.yaml`, intake(at + 1)])),
    'channels/reader.channel.yaml': `channel: reader
source: { events: { topic: ${TOPIC} } }
duplicates: detect
destinations:
  consumed: { to: ${rows('consumed')}, retry: ${retry} }
`,
  };
}

function intake(number: number): string {
  return `channel: adt-${number}
source: { mllp: { endpoint: in-${number} } }
key: ['PID-3[5=MR]']
duplicates: detect
destinations:
  receiver: { to: { mllp: { endpoint: receiver, connections: 4 } }, retry: ${retry} }
  written: { to: ${rows('written')}, retry: ${retry} }
  topic: { to: { publish: { topic: ${TOPIC}, partitions: 6 } }, retry: ${retry} }
  queue: { to: { rabbitmq: { endpoint: queues, routingKey: ${QUEUE}, declare: { queues: { ${QUEUE}: {} } } } }, retry: ${retry} }
`;
}

function rows(table: string): string {
  const columns = `{ control_id: '\${meta.hl7.controlId}', effect_id: '\${effectId}' }`;
  return `{ postgres: { endpoint: warehouse, into: { table: ${table}, columns: ${columns} }, createInbox: true } }`;
}
