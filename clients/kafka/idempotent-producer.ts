import { setTimeout as sleep } from 'node:timers/promises';
import type { Base, ClusterMetadata, CreateRecordsBatchOptions, produceV11 } from '@platformatic/kafka';
import type { EndpointOf } from '../../core/endpoint.ts';
import { type Api, apiOf } from './api.ts';
import { askSilentLast, type ConnectionChoices, clientOptions, type KafkaDriver, kafkaDriver } from './connection.ts';
import { answered, answerIn, passing } from './errors.ts';
import { partitionOfKey } from './partitioner.ts';
import type { PreparedRecord } from './record.ts';
import { whenSlow } from './slow.ts';

type ProduceResponse = produceV11.ProduceResponse;
type Produce = Api<[number, number, PreparedRecord[], Partial<CreateRecordsBatchOptions>], boolean | ProduceResponse>;
type InitProducerId = Api<[string | null, number, bigint, number], { producerId: bigint; producerEpoch: number }>;

export interface ProducerOptions extends ConnectionChoices {
  readonly endpoint: EndpointOf<'kafka'>;
  /**
   * One that a newer producer is made with takes over from this one: from its first record to a partition on, the brokers refuse
   * every record of this one there.
   */
  readonly transactionalId?: string;
}

interface Identity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** Records of one partition, in order; at most one request of a partition is under way. */
interface Stream {
  readonly topic: string;
  readonly partition: number;
  /** Each as large as a request may be; the first is the next to go. */
  readonly chunks: PreparedRecord[][];
}

/** Of one partition in one request. A topic takes 1 MiB unless it is told otherwise. */
const chunkBytes = 900 * 1024;
/** Of one request. */
const requestBytes = 8 * 1024 * 1024;
const sequences = 2 ** 31;
/** About as long as a cluster takes to give the partitions of a broker that is silent to others: the same request goes there then. */
const requestTimeoutMs = 10_000;
const none = -1n;
const transactionTimeoutMs = 60_000;

/**
 * Writes records so that a request which is repeated has one effect (acks=all, one producer id, a sequence for each partition).
 * One call of `deliver` at a time. The driver’s own producer is not used for it, because it looks for the leader of the first
 * partition of a request only, and gives up its id and with it the sequences at an error.
 */
export class IdempotentProducer {
  readonly #options: ProducerOptions;
  readonly #next = new Map<string, number>();
  #driver: KafkaDriver | undefined;
  #client: Base | undefined;
  #identity: Identity | undefined;
  /** The one before: with it the coordinator of a transactional id sees that nobody has taken over since. */
  #former: Identity | undefined;
  #keyless = 0;
  #closed = false;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /**
   * Resolves when every record is either on all in-sync replicas or refused for good, with the errors of those that were refused.
   * Records behind a refused one of its partition are not sent where `stopAtRefusal`; they are refused with the same error.
   * Rejects when `signal` aborts, or something that concerns them all is wrong: what is then written is not known. Undefined once
   * `mayBegin` has answered false, which is asked right before each request: what was in requests before may be written.
   */
  async deliver(
    records: readonly PreparedRecord[],
    signal: AbortSignal,
    stopAtRefusal: boolean,
    onTrouble: (thrown: unknown) => void,
    mayBegin: () => boolean = () => true,
  ): Promise<ReadonlyMap<PreparedRecord, unknown> | undefined> {
    const refused = new Map<PreparedRecord, unknown>();
    let begun = false;
    const topics = [...new Set(records.map(({ topic }) => topic))];
    let streams: Stream[] | undefined;
    const given = Promise.withResolvers<never>();
    given.promise.catch(() => undefined);
    const giveUp = (): void => given.reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      for (let failures = 0; ; ) {
        signal.throwIfAborted();
        const slow = whenSlow(onTrouble);
        try {
          const client = await this.#connected();
          const metadata = await Promise.race([client.metadata({ topics, forceUpdate: failures > 0 }), given.promise]);
          streams ??= this.#streamsOf(records, metadata);
          // A new id takes over from whoever has the transactional one: that, too, is for those alone who may begin.
          if (this.#identity === undefined && mayBegin())
            this.#identity = await Promise.race([this.#newIdentity(client), given.promise]);
          if (!mayBegin()) {
            if (begun) this.#forget();
            return undefined;
          }
          begun = true;
          const round = this.#round(client, metadata, streams, refused, stopAtRefusal);
          const trouble = await Promise.race([round, given.promise]);
          streams = streams.filter(({ chunks }) => chunks.length > 0);
          if (streams.length === 0) return refused;
          if (trouble === undefined) {
            failures = 0;
            continue;
          }
          onTrouble(trouble);
        } catch (thrown) {
          if (signal.aborted || !passing(thrown)) throw thrown;
          onTrouble(thrown);
        } finally {
          clearTimeout(slow);
        }
        await sleep(Math.min(1000, 50 * 2 ** failures++), undefined, { signal });
      }
    } catch (thrown) {
      // Nobody knows what of it is written: the sequences of what follows must not continue from there.
      this.#forget();
      if (signal.aborted) this.#drop();
      throw thrown;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** After it was fenced: what is delivered next begins as a new holder of the transactional id, and fences whoever has it then. */
  takeAnew(): void {
    this.#forget();
    this.#former = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client?.close();
  }

  async #connected(): Promise<Base> {
    this.#driver ??= await kafkaDriver();
    if (this.#closed) throw new Error('the producer is closed');
    this.#client ??= askSilentLast(
      new this.#driver.Base(clientOptions(this.#options.endpoint, { requestTimeoutMs, ...this.#options })),
    );
    return this.#client;
  }

  async #newIdentity(client: Base): Promise<Identity> {
    const { transactionalId = null } = this.#options;
    const init: InitProducerId = await apiOf(this.#driver!, client, 'InitProducerId');
    const { producerId, producerEpoch } = this.#former ?? { producerId: none, producerEpoch: -1 };
    const coordinator = await this.#coordinator(client);
    const identity = await init(coordinator, transactionalId, transactionTimeoutMs, producerId, producerEpoch);
    this.#next.clear();
    return identity;
  }

  async #coordinator(client: Base) {
    const { transactionalId } = this.#options;
    const { brokers } = await client.metadata({ topics: [] });
    const [any] = brokers.values();
    const first = await client.connections.get(any!);
    if (transactionalId === undefined) return first;
    const find: Api<[number, string[]], { coordinators: { nodeId: number }[] }> = await apiOf(
      this.#driver!,
      client,
      'FindCoordinator',
    );
    const { coordinators } = await find(first, this.#driver!.FindCoordinatorKeyTypes.TRANSACTION, [transactionalId]);
    return await client.connections.get(brokers.get(coordinators[0]!.nodeId)!);
  }

  /** Ends the connections: an answer that comes late is to nothing that still goes on. */
  #drop(): void {
    this.#client?.close().catch(() => undefined);
    this.#client = undefined;
  }

  #forget(): void {
    if (this.#options.transactionalId !== undefined) this.#former = this.#identity ?? this.#former;
    this.#identity = undefined;
    this.#next.clear();
  }

  #streamsOf(records: readonly PreparedRecord[], { topics }: ClusterMetadata): Stream[] {
    const streams = new Map<string, { stream: Stream; bytes: number }>();
    // Those without a key go together, one partition after the other, so that they do not make a request for each.
    const keyless = this.#keyless++;
    for (const record of records) {
      const { topic, key, bytes } = record;
      const count = topics.get(topic)!.partitionsCount;
      record.partition ??= key ? partitionOfKey(key, count) : keyless % count;
      const name = `${topic}:${record.partition}`;
      let of = streams.get(name);
      if (!of) streams.set(name, (of = { stream: { topic, partition: record.partition, chunks: [[]] }, bytes: 0 }));
      const { chunks } = of.stream;
      if (of.bytes > 0 && of.bytes + bytes > chunkBytes) {
        chunks.push([]);
        of.bytes = 0;
      }
      of.bytes += bytes;
      chunks[chunks.length - 1]!.push(record);
    }
    return [...streams.values()].map(({ stream }) => stream);
  }

  /** Sends the first chunk of every stream to its leader; what keeps one from being written for now, if anything does. */
  async #round(
    client: Base,
    metadata: ClusterMetadata,
    streams: readonly Stream[],
    refused: Map<PreparedRecord, unknown>,
    stopAtRefusal: boolean,
  ): Promise<unknown> {
    const byLeader = new Map<number, Stream[]>();
    for (const stream of streams) {
      const leader = metadata.topics.get(stream.topic)?.partitions[stream.partition]?.leader ?? -1;
      const led = byLeader.get(leader);
      if (led) led.push(stream);
      else byLeader.set(leader, [stream]);
    }
    const produce: Produce = await apiOf(this.#driver!, client, 'Produce');
    let trouble: unknown;
    const send = async (leader: number, led: readonly Stream[]): Promise<void> => {
      for (const some of requestsOf(led)) {
        const error = await this.#request(client, metadata, produce, leader, some);
        if (this.#client !== client) return; // given up meanwhile
        for (const stream of some) {
          const failure = error === undefined ? undefined : this.#outcome(error, stream);
          if (failure === undefined) this.#written(stream);
          else if (!this.#refuse(failure, stream, refused, stopAtRefusal)) trouble = failure;
        }
      }
    };
    await Promise.all([...byLeader].map(([leader, led]) => send(leader, led)));
    return trouble;
  }

  /** What was thrown; undefined where every partition was written. */
  async #request(
    client: Base,
    metadata: ClusterMetadata,
    produce: Produce,
    leader: number,
    streams: readonly Stream[],
  ) {
    const first = new this.#driver!.NumericMap();
    for (const { topic, partition } of streams)
      first.set(`${topic}:${partition}`, this.#next.get(`${topic}:${partition}`) ?? 0);
    const records = streams.flatMap(({ chunks }) => chunks[0]!);
    // The broker is to say first that others of its partition are late.
    const replicasMs = Math.ceil(0.8 * (this.#options.requestTimeoutMs ?? requestTimeoutMs));
    try {
      const connection = await client.connections.get(metadata.brokers.get(leader)!);
      await produce(connection, -1, replicasMs, records, { ...this.#identity, sequences: first });
      return undefined;
    } catch (thrown) {
      return thrown ?? new Error('produce failed');
    }
  }

  /** How a partition fared in a request of which some part failed; undefined: it is written. */
  #outcome(thrown: unknown, { topic, partition }: Stream): unknown {
    const answer = answerIn<ProduceResponse>(thrown);
    if (!answer) return thrown;
    const part = answer.responses
      .find(({ name }) => name === topic)
      ?.partitionResponses.find(({ index }) => index === partition);
    if (!part) return thrown;
    if (part.errorCode === 0) return undefined;
    const error = new this.#driver!.ProtocolError(part.errorCode);
    // Written by the request before, of which the answer was lost.
    return error.apiId === 'DUPLICATE_SEQUENCE_NUMBER' ? undefined : error;
  }

  #written({ topic, partition, chunks }: Stream): void {
    const name = `${topic}:${partition}`;
    this.#next.set(name, ((this.#next.get(name) ?? 0) + chunks.shift()!.length) % sequences);
  }

  /** False: the same has to go again. Halves what is too large together, down to the one record that is too large by itself. */
  #refuse(
    failure: unknown,
    { chunks }: Stream,
    refused: Map<PreparedRecord, unknown>,
    stopAtRefusal: boolean,
  ): boolean {
    if (answered(failure, 'UNKNOWN_PRODUCER_ID', 'OUT_OF_ORDER_SEQUENCE_NUMBER')) {
      // The leader has lost what it knew of us, with the end of its log or after a week of silence: a new id begins anew.
      this.#forget();
      return false;
    }
    if (passing(failure)) return false;
    const chunk = chunks[0]!;
    if (chunk.length > 1 && answered(failure, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD')) {
      const half = chunk.length >> 1;
      chunks.splice(0, 1, chunk.slice(0, half), chunk.slice(half));
      return true;
    }
    const gone = stopAtRefusal ? chunks.splice(0).flat() : chunks.shift()!;
    for (const record of gone) refused.set(record, failure);
    return true;
  }
}

/** As many streams in one request as its size allows, one at least. */
function* requestsOf(streams: readonly Stream[]): Generator<readonly Stream[]> {
  let some: Stream[] = [];
  let bytes = 0;
  for (const stream of streams) {
    const size = stream.chunks[0]!.reduce((sum, record) => sum + record.bytes, 0);
    if (some.length > 0 && bytes + size > requestBytes) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(stream);
    bytes += size;
  }
  if (some.length > 0) yield some;
}
