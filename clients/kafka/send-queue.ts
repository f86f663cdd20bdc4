import { HubError } from '../../core/errors.ts';
import { kafkaError } from './errors.ts';
import { IdempotentProducer, type ProducerOptions } from './idempotent-producer.ts';
import type { PreparedRecord } from './record.ts';

export interface SendQueueOptions extends ProducerOptions {
  /** Records that the brokers did not take for so long are given up. */
  readonly deliveryTimeoutMs: number;
  /** Hears what keeps records from being written while they are tried again: once for each row of failures. */
  readonly onTrouble: (error: HubError) => void;
}

interface Job {
  readonly records: readonly PreparedRecord[];
  readonly bytes: number;
  readonly since: number;
  readonly stopAtRefusal: boolean;
  readonly mayBegin: (() => boolean) | undefined;
  readonly done: PromiseWithResolvers<ReadonlyMap<PreparedRecord, unknown>>;
}

/** What goes to the brokers at once, for all partitions together. */
const togetherBytes = 4 * 1024 * 1024;
/** What may wait; whoever comes then waits for room. */
const waitingBytes = 32 * 1024 * 1024;

/**
 * Gathers what is sent while the brokers still write what came before, and sends it in the order of the calls: the more comes, the
 * more goes with one request and one sync of the disk, and no record overtakes another of its key.
 */
export class SendQueue {
  readonly #options: SendQueueOptions;
  readonly #producer: IdempotentProducer;
  readonly #waiting: Job[] = [];
  /** Calls that wait for room, one behind the other, and what wakes the first of them. */
  #queueing = 0;
  #turn: Promise<void> = Promise.resolve();
  #freed: () => void = () => undefined;
  readonly #closing = new AbortController();
  #bytes = 0;
  #running: Promise<void> | undefined;
  #troubled = false;

  constructor(options: SendQueueOptions) {
    this.#options = options;
    this.#producer = new IdempotentProducer(options);
  }

  /**
   * Resolves when every record is on all in-sync replicas, or refused for good, with the errors of those that were. Records of one
   * key keep the order of the calls. Rejects with HubError when the brokers did not take them in time, or cannot at all: then nobody
   * knows which are written. So it does once `mayBegin` answers false, which is asked right before each request of this call; a call
   * that stops at a refusal goes in requests of its own, others must not ask.
   */
  async send(
    records: readonly PreparedRecord[],
    stopAtRefusal = false,
    mayBegin?: () => boolean,
  ): Promise<ReadonlyMap<PreparedRecord, HubError>> {
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    const done = Promise.withResolvers<ReadonlyMap<PreparedRecord, unknown>>();
    const job: Job = { records, bytes, since: performance.now(), stopAtRefusal, mayBegin, done };
    if (this.#queueing === 0 && this.#hasRoom(bytes)) this.#add(job);
    else await this.#addInTurn(job);
    const refused = await job.done.promise;
    return new Map([...refused].map(([record, thrown]) => [record, kafkaError(thrown, 'sending to Kafka')]));
  }

  /**
   * After a `not-allowed`, by whoever still has the lease that the transactional id stands for: what is sent next fences the one who
   * took over, as this one was fenced.
   */
  takeAnew(): void {
    this.#producer.takeAnew();
  }

  /** Ends once what was given is sent or given up, after `graceMs` at the latest; what is left then is rejected. */
  async close(graceMs: number): Promise<void> {
    const cancel = setTimeout(() => this.#closing.abort(), graceMs);
    for (let running = this.#running; running !== undefined; running = this.#running) await running;
    clearTimeout(cancel);
    this.#closing.abort();
    this.#freed();
    await this.#producer.close();
  }

  #hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= waitingBytes || this.#closing.signal.aborted;
  }

  async #addInTurn(job: Job): Promise<void> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    this.#queueing++;
    try {
      await before;
      while (!this.#hasRoom(job.bytes)) await new Promise<void>((freed) => (this.#freed = freed));
      this.#add(job);
    } finally {
      this.#queueing--;
      resolve();
    }
  }

  #add(job: Job): void {
    if (this.#closing.signal.aborted)
      throw new HubError('event-log-failed', 'permanent', 'sending to Kafka: the client is closed');
    this.#bytes += job.bytes;
    this.#waiting.push(job);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // calls of the same moment go together
    while (this.#waiting.length > 0) {
      const jobs = this.#together();
      await this.#deliver(jobs);
      for (const { bytes } of jobs) this.#bytes -= bytes;
      this.#freed();
    }
    this.#running = undefined; // in the same breath as the look at what waits
  }

  #together(): readonly Job[] {
    const { stopAtRefusal } = this.#waiting[0]!;
    let bytes = 0;
    let count = 0;
    for (const job of this.#waiting) {
      if (count > 0 && (bytes + job.bytes > togetherBytes || job.stopAtRefusal !== stopAtRefusal)) break;
      bytes += job.bytes;
      count++;
      if (stopAtRefusal) break; // one refused record stops those behind it, but only of its own call
    }
    return this.#waiting.splice(0, count);
  }

  async #deliver(jobs: readonly Job[]): Promise<void> {
    const records = jobs.length === 1 ? jobs[0]!.records : jobs.flatMap((job) => job.records);
    const left = jobs[0]!.since + this.#options.deliveryTimeoutMs - performance.now();
    // What has waited long behind others is tried all the same.
    const late = AbortSignal.timeout(Math.ceil(Math.max(left, Math.min(1000, this.#options.deliveryTimeoutMs))));
    const stop = AbortSignal.any([late, this.#closing.signal]);
    let trouble: unknown;
    try {
      const { stopAtRefusal, mayBegin } = jobs[0]!;
      const onTrouble = (thrown: unknown): void => {
        trouble = thrown;
        if (this.#troubled) return;
        this.#troubled = true;
        this.#options.onTrouble(kafkaError(thrown, 'sending to Kafka'));
      };
      const refused = await this.#producer.deliver(records, stop, stopAtRefusal, onTrouble, mayBegin);
      if (!refused) throw noTimeLeft();
      this.#troubled = false;
      for (const { records: own, done } of jobs)
        done.resolve(refused.size === 0 ? refused : new Map([...refused].filter(([record]) => own.includes(record))));
    } catch (thrown) {
      if (jobs.length > 1 && !stop.aborted) {
        // What is wrong with one of them, a topic that is gone, need not be wrong with the others.
        for (const job of jobs) await this.#deliver([job]);
        return;
      }
      const error = stop.aborted ? this.#givenUp(trouble) : kafkaError(thrown, 'sending to Kafka');
      for (const { done } of jobs) done.reject(error);
    }
  }

  #givenUp(trouble: unknown): HubError {
    if (trouble !== undefined) return kafkaError(trouble, 'sending to Kafka');
    const what = `the brokers did not confirm within ${this.#options.deliveryTimeoutMs} ms`;
    return new HubError('reply-timeout', 'transient', `sending to Kafka: ${what}`, { scope: 'destination' });
  }
}

function noTimeLeft(): HubError {
  const what = 'no request may begin any more';
  return new HubError('write-failed', 'transient', `sending to Kafka: ${what}`, { scope: 'destination' });
}
