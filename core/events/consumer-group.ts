import { asHubError, type HubError } from '../errors.ts';
import type { ConsumeOptions, EventBatch, StoredEvent } from './event-log.ts';
import type { PartitionSource } from './partition-source.ts';

/** How long a partition pauses after a failure: `firstMs`, doubled with each further one in a row up to `maxMs`. */
export interface RetryDelays {
  readonly firstMs: number;
  readonly maxMs: number;
}

export type BatchHandler = (batch: EventBatch) => Promise<void>;

interface Member {
  readonly maxBatch: number;
  readonly handler: BatchHandler;
  readonly left: PromiseWithResolvers<void>;
}

/** One partition as the group reads it: at most one batch is in memory, so a slow handler costs no more than that. */
interface Lane {
  readonly partition: number;
  position: number;
  /** Ends the lane's current wait, for events or for the end of a pause. */
  wake: (() => void) | undefined;
  pausing: boolean;
  /** Who was handed the latest batch, and when that turn ends. */
  owner: Member | undefined;
  turn: Promise<unknown>;
  /** The latest offset commit; resolves with the reason if it failed. */
  commit: Promise<HubError | undefined>;
  isCommitting: boolean;
  /** It has gone on since that commit began. */
  isBehind: boolean;
}

/**
 * The consumers of one topic under one name. Each partition has one loop, which hands every batch to the member that owns the
 * partition at that moment: joining and leaving moves ownership between two batches and never lets two members hold one event.
 */
export class ConsumerGroup {
  readonly #source: PartitionSource;
  readonly #topic: string;
  readonly #group: string;
  readonly #delays: RetryDelays;
  readonly #onError: (error: HubError) => void;
  readonly #lanes: readonly Lane[];
  readonly #loops: readonly Promise<void>[];
  #members: readonly Member[] = [];
  #closed = false;

  /** `starts` holds the offset at which each partition goes on; `onError` is told of failures that the group retries. */
  constructor(
    source: PartitionSource,
    name: { readonly topic: string; readonly group: string },
    starts: readonly number[],
    delays: RetryDelays,
    onError: (error: HubError) => void,
  ) {
    this.#source = source;
    this.#topic = name.topic;
    this.#group = name.group;
    this.#delays = delays;
    this.#onError = onError;
    this.#lanes = starts.map((position, partition) => ({
      partition,
      position,
      wake: undefined,
      pausing: false,
      owner: undefined,
      turn: Promise.resolve(),
      commit: Promise.resolve(undefined),
      isCommitting: false,
      isBehind: false,
    }));
    this.#loops = this.#lanes.map((lane) => this.#run(lane));
  }

  /**
   * Makes `handler` a member until the signal aborts; resolves when its batches in hand have ended and their offsets are
   * committed. Rejects with `event-log-failed` when the log is lost for good or the last commit failed.
   */
  async consume(options: ConsumeOptions, handler: BatchHandler): Promise<void> {
    if (options.signal.aborted || this.#closed) return;
    const member: Member = { maxBatch: options.maxBatch, handler, left: Promise.withResolvers() };
    const leave = () => this.#leave(member);
    options.signal.addEventListener('abort', leave, { once: true });
    this.#members = [...this.#members, member];
    for (const lane of this.#lanes) lane.wake?.();
    try {
      await member.left.promise;
    } finally {
      options.signal.removeEventListener('abort', leave);
      this.#leave(member);
    }
    for (const lane of this.#lanes) {
      if (lane.owner !== member) continue;
      await lane.turn;
      const failure = await lane.commit;
      if (failure) throw failure;
    }
  }

  /** New events of the partition are durable. */
  appended(partition: number): void {
    const lane = this.#lanes[partition];
    if (lane && !lane.pausing) lane.wake?.();
  }

  /** Every member leaves; resolves when no handler runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const member of this.#members) this.#leave(member);
    for (const lane of this.#lanes) lane.wake?.();
    await Promise.all(this.#loops);
    await Promise.all(this.#lanes.map((lane) => lane.commit));
  }

  #leave(member: Member): void {
    this.#members = this.#members.filter((other) => other !== member);
    member.left.resolve();
  }

  #ownerOf(lane: Lane): Member | undefined {
    return this.#members[lane.partition % this.#members.length];
  }

  async #run(lane: Lane): Promise<void> {
    let failures = 0;
    while (!this.#closed) {
      const owner = this.#ownerOf(lane);
      const end = this.#source.end(this.#topic, lane.partition);
      if (!owner || lane.position >= end) {
        await wait(lane);
        continue;
      }
      const done = await this.#readAndHand(lane, owner, end);
      failures = done ? 0 : failures + 1;
      if (failures > 0 && !this.#closed) await wait(lane, pauseMs(this.#delays, failures));
    }
  }

  /** One batch; false when the lane has to pause before it tries again. */
  async #readAndHand(lane: Lane, reader: Member, end: number): Promise<boolean> {
    let events: readonly StoredEvent[];
    try {
      events = await this.#source.read(this.#topic, lane.partition, lane.position, reader.maxBatch);
    } catch (thrown) {
      this.#failed(asHubError(thrown, 'event-log-failed', `reading topic ${this.#topic}`, 'transient'));
      return false;
    }
    if (events.length === 0) {
      lane.position = end; // all that was durable before the read is gone: retention took it
      return true;
    }
    const owner = this.#ownerOf(lane); // may have changed during the read
    if (!owner) return true;
    const turn = this.#hand(lane, owner, events.slice(0, owner.maxBatch) as [StoredEvent, ...StoredEvent[]]);
    lane.owner = owner;
    lane.turn = turn;
    return await turn;
  }

  async #hand(lane: Lane, owner: Member, events: readonly [StoredEvent, ...StoredEvent[]]): Promise<boolean> {
    try {
      await owner.handler({ partition: lane.partition, events });
    } catch {
      return false; // the handler's own affair: it rejects to see the events again
    }
    lane.position = events[events.length - 1]!.offset + 1;
    // The next batch waits for no commit of an offset: on a busy disk one takes as long as several batches, and the last says it all.
    lane.isBehind = true;
    if (!lane.isCommitting) lane.commit = this.#commitUpTo(lane);
    return true;
  }

  /** One commit of a lane at a time, of where it is by then. */
  async #commitUpTo(lane: Lane): Promise<HubError | undefined> {
    lane.isCommitting = true;
    let failure: HubError | undefined;
    while (lane.isBehind) {
      lane.isBehind = false;
      failure = await this.#commit(lane);
    }
    lane.isCommitting = false;
    return failure;
  }

  async #commit(lane: Lane): Promise<HubError | undefined> {
    try {
      await this.#source.commit(this.#topic, this.#group, lane.partition, lane.position);
      return undefined;
    } catch (thrown) {
      const error = asHubError(thrown, 'event-log-failed', `committing offsets of ${this.#group}`, 'transient');
      this.#failed(error);
      return error;
    }
  }

  /** Transient failures are told and tried again; after a permanent one consuming has no sense any more. */
  #failed(error: HubError): void {
    this.#onError(error);
    if (error.kind === 'transient') return;
    for (const member of this.#members) member.left.reject(error);
    this.#members = [];
  }
}

/** Until events arrive or members change; or, with `pause`, until that many milliseconds have passed or members change. */
function wait(lane: Lane, pause?: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = pause === undefined ? undefined : setTimeout(() => lane.wake?.(), pause);
    lane.pausing = pause !== undefined;
    lane.wake = () => {
      clearTimeout(timer);
      lane.wake = undefined;
      lane.pausing = false;
      resolve();
    };
  });
}

function pauseMs(delays: RetryDelays, failures: number): number {
  return Math.min(delays.maxMs, delays.firstMs * 2 ** Math.min(failures - 1, 30));
}
