import type { PostgresServer } from '../../clients/postgres/server.ts';
import { INTAKES, QUEUE, TABLES, TOPIC } from './channels.ts';
import { emptyStream, Freshness, note } from './ledger.ts';
import { readQueue } from './queue-reader.ts';
import { type ReceiverPort, receiverPort } from './receiver.ts';
import type { Servers } from './servers.ts';
import { rowsOf, watchTables } from './tables.ts';
import { deadLettersIn, recordsOf } from './topic.ts';
import { type DestinationVerdict, verdictOf } from './verdict.ts';

/** Whoever gets what the hubs send: an MLLP receiver, tables, a queue's consumer and a topic's. */
export class Destinations {
  readonly freshness: Freshness;
  /** Connections to the receiver that are made from now on belong to another life of their hub. */
  life = 1;
  readonly #servers: Servers;
  readonly #warehouse: PostgresServer;
  readonly #received = emptyStream();
  readonly #taken = emptyStream();

  constructor(servers: Servers, warehouse: PostgresServer, keysPerChannel: number) {
    this.#servers = servers;
    this.#warehouse = warehouse;
    this.freshness = new Freshness(['receiver', 'queue', ...TABLES], INTAKES, keysPerChannel);
  }

  /** Where the receiver takes what one hub sends, so that lives of hubs can be told apart. */
  receiverOf(hub: number): Promise<ReceiverPort> {
    return receiverPort(
      () => hub * 1_000_000 + this.life,
      (controlId, life) => {
        note(this.#received, controlId, '', life);
        this.freshness.arrived('receiver', controlId);
      },
    );
  }

  /** Consumes the queue and watches the tables until `signal` aborts. */
  async read(signal: AbortSignal): Promise<void> {
    const queue = readQueue(this.#servers.services.rabbitmq.address, QUEUE, signal, ({ content, properties }) => {
      const controlId = content.toString('latin1', 0, 256).split('|', 10)[9]!;
      note(this.#taken, controlId, String(properties.messageId));
      this.freshness.arrived('queue', controlId);
    });
    const tables = watchTables(this.#warehouse, TABLES, signal, (table, id) => this.freshness.arrived(table, id));
    await Promise.all([queue, tables]);
  }

  /** What every destination has to show for what was acknowledged. */
  async verdicts(acknowledged: readonly number[]): Promise<readonly DestinationVerdict[]> {
    const records = await recordsOf(this.#servers.services.kafka.address, TOPIC);
    return [...(await this.untilNow(acknowledged)), verdictOf('Kafka consumer', records, acknowledged, 'by-id')];
  }

  /** The same without the topic, which is read as a whole. */
  async untilNow(acknowledged: readonly number[]): Promise<readonly DestinationVerdict[]> {
    const [written, consumed] = await Promise.all(TABLES.map((table) => rowsOf(this.#warehouse, table)));
    return [
      verdictOf('MLLP receiver', this.#received, acknowledged, 'unknown'),
      verdictOf('RabbitMQ consumer', this.#taken, acknowledged, 'by-id'),
      verdictOf('PostgreSQL', written!, acknowledged, 'each'),
      verdictOf('Kafka to PostgreSQL', consumed!, acknowledged, 'each'),
    ];
  }

  /** Events that the reader of the topic refused. */
  refusedEvents(): Promise<number> {
    return deadLettersIn(this.#servers.services.kafka.address);
  }
}
