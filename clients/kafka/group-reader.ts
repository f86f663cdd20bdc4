import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, ConsumerGroupJoinPayload, GroupAssignment } from '@platformatic/kafka';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { type Api, apiOf } from './api.ts';
import { assignPartitions } from './assignment.ts';
import { Commits } from './commits.ts';
import { askSilentLast, type ConnectionChoices, clientOptions, type KafkaDriver, kafkaDriver } from './connection.ts';
import { kafkaError, passing } from './errors.ts';
import { Fetching } from './fetching.ts';
import { type BatchHandler, Lane, type Pauses } from './lane.ts';
import { whenSlow } from './slow.ts';

export interface GroupReaderOptions extends ConnectionChoices {
  readonly endpoint: EndpointOf<'kafka'>;
  readonly topics: readonly string[];
  readonly group: string;
  /**
   * One member of the group has this name at a time: the one that joins with it last has the partitions of the one before, at once, and
   * ends that one’s membership. Without it the partitions of a member that is gone are given out when its session ends.
   */
  readonly instanceId?: string;
  /** Where a group starts that has no offset of a partition: decided once, and committed. */
  readonly from: 'earliest' | 'latest';
  readonly maxBatch: number;
  readonly pauses: Pauses;
  /** A member of which the brokers hear nothing for so long is dead, and others get its partitions. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** How long the members wait for a handler before its partition goes to another. */
  readonly rebalanceTimeoutMs: number;
  /** Hears what is tried again: once for each row of failures. */
  readonly onTrouble: (error: HubError) => void;
  /** Partitions that this member reads from now on, or goes on to read after trouble; the brokers answer. */
  readonly onAssigned: (partitions: number) => void;
}

/** Longest time that leaving takes for the last commit. */
const lastCommitMs = 5000;
const longestPauseMs = 1000;
/** So long a group that is new waits for more members, as brokers are set up; beyond the session of one that has died. */
const joinMs = 3_000;
/** About as long as a cluster takes to give the partitions of a broker that is silent to others. */
const fetchTimeoutMs = 10_000;

/**
 * Reads topics as a member of a group until `signal` aborts: one batch of a partition at a time, in order, its offset committed when
 * the handler resolves. Before a partition goes to another member, its batch in hand ends and is committed: the join that hands it
 * over is sent after that. Resolves after the last commit. Rejects with HubError when the group cannot be joined at all (unknown
 * topic, rights, login), or the last commit failed; what can pass is tried again.
 */
export async function readGroup(
  options: GroupReaderOptions,
  handler: BatchHandler,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const driver = await kafkaDriver();
  const reader = new GroupReader(driver, options, handler);
  const stopped = Promise.withResolvers<void>();
  const stop = (): void => {
    reader.stop();
    stopped.resolve();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await Promise.race([reader.join(signal), stopped.promise]);
    await Promise.race([reader.broken, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    await reader.close();
  }
}

class GroupReader {
  readonly #driver: KafkaDriver;
  readonly #options: GroupReaderOptions;
  readonly #handler: BatchHandler;
  readonly #member: Consumer;
  readonly #commits: Commits;
  readonly #fetching: Fetching;
  readonly #broken = Promise.withResolvers<never>();
  #lanes: readonly Lane[] = [];
  #joining: Promise<unknown> = Promise.resolve();
  #ending: Promise<unknown> = Promise.resolve();
  #joined = false;
  #closed = false;
  #troubled = false;
  readonly #closing = new AbortController();

  constructor(driver: KafkaDriver, options: GroupReaderOptions, handler: BatchHandler) {
    this.#driver = driver;
    this.#options = options;
    this.#handler = handler;
    const client = clientOptions(options.endpoint, options);
    const member = new driver.Consumer({
      ...client,
      groupId: options.group,
      ...(options.instanceId !== undefined && { groupInstanceId: options.instanceId }),
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: options.heartbeatMs,
      rebalanceTimeout: Math.max(options.rebalanceTimeoutMs, options.sessionTimeoutMs),
      partitionAssigner: (_current, members, _topics, metadata) => assignPartitions(members, metadata),
      // Asked for before every join is sent: the place to let go of what is in hand.
      protocolsMetadata: async () => {
        this.#refuseToReturn();
        await this.#letGo();
        return Buffer.alloc(0);
      },
    });
    this.#member = askSilentLast(member);
    for (const topic of options.topics) this.#member.topics.track(topic);
    this.#member.on('consumer:group:join', (joined) => this.#began(joined));
    this.#member.on('consumer:heartbeat:error', ({ error }) => this.#trouble(error));
    // A join in answer to a heartbeat has failed; the driver does nothing more.
    this.#member.on('error', (thrown: Error) => {
      this.#trouble(thrown);
      if (!this.#closed) void this.join(this.#closing.signal).catch((error) => this.#broken.reject(error));
    });
    this.#commits = new Commits(this.#member, (thrown) => this.#trouble(thrown));
    const { requestTimeoutMs = fetchTimeoutMs } = options;
    const fetching = clientOptions(options.endpoint, { ...options, requestTimeoutMs });
    const consumers = [1, 2].map(() => {
      const consumer = askSilentLast(new driver.Consumer({ ...fetching, groupId: options.group }));
      for (const topic of options.topics) consumer.topics.track(topic);
      consumer.on('error', (thrown: Error) => this.#trouble(thrown));
      return consumer;
    });
    this.#fetching = new Fetching({
      consumers,
      topics: options.topics,
      isolationLevel: driver.FetchIsolationLevels.READ_COMMITTED,
      oldest: driver.ListOffsetTimestamps.EARLIEST,
      partitionBytes: 1024 * 1024,
      maxBytes: 8 * 1024 * 1024,
      waitMs: 250,
      onTrouble: (thrown) => this.#trouble(thrown),
      onFetched: () => this.#well(),
    });
    // It has no other handler before the first join is through.
    this.#broken.promise.catch(() => undefined);
  }

  /** Rejects when the member cannot go on. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** Resolves when the member belongs to the group. Rejects where trying again cannot help before somebody changes something. */
  async join(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted && !this.#closed; ) {
      // The answer waits for members of which the brokers have heard nothing since they were asked.
      const slow = whenSlow((what) => this.#trouble(what), this.#options.sessionTimeoutMs + joinMs);
      try {
        this.#joining = this.#member.joinGroup({});
        await this.#joining;
        return;
      } catch (thrown) {
        if (this.#closed || signal.aborted) return;
        if (!this.#joined && !passing(thrown)) throw kafkaError(thrown, `reading as group ${this.#options.group}`);
        clearTimeout(slow);
        this.#trouble(thrown);
        await sleep(Math.min(longestPauseMs, 100 * 2 ** failures++), undefined, { signal }).catch(() => undefined);
      } finally {
        clearTimeout(slow);
      }
    }
  }

  /**
   * A named member that the brokers do not know any more has been replaced, or was silent for too long. To join anew would end the
   * membership of the one that has replaced it: so it ends, and whoever has the lease begins to read.
   */
  #refuseToReturn(): void {
    const { group, instanceId } = this.#options;
    if (instanceId === undefined || !this.#joined || this.#member.memberId !== null) return;
    const text = `reading as group ${group}: another hub reads in its place, or it was silent for too long`;
    const error = new HubError('connection-lost', 'transient', text, { scope: 'destination' });
    this.#broken.reject(error);
    throw error;
  }

  /** From now on no batch is begun. */
  stop(): void {
    this.#closed = true;
    this.#closing.abort();
    void this.#stopLanes();
  }

  async close(): Promise<void> {
    this.stop();
    // A join that is under way would leave a member behind that the others wait for.
    await Promise.race([this.#joining.catch(() => undefined), sleep(1000, undefined, { ref: false })]);
    await this.#stopLanes();
    const failure = await this.#commits.flush(lastCommitMs);
    // Whatever they reject with, the connections are gone.
    await this.#member.close(true).catch(() => undefined);
    await this.#fetching.close().catch(() => undefined);
    if (failure !== undefined) {
      const { kind, message } = kafkaError(failure, `committing the offsets of group ${this.#options.group}`);
      throw new HubError('event-log-failed', kind, message, { scope: 'destination', cause: failure });
    }
  }

  /** Ends what is in hand and commits it; the brokers hear meanwhile that we are alive. */
  async #letGo(): Promise<void> {
    if (this.#lanes.length === 0) return;
    const beating = this.#beatOn();
    try {
      await this.#stopLanes();
      await this.#commits.flush(lastCommitMs);
    } finally {
      clearInterval(beating);
    }
  }

  /** The driver stops its heartbeat before it joins anew. */
  #beatOn(): NodeJS.Timeout {
    const { memberId, generationId, coordinatorId, currentMetadata, connections } = this.#member;
    const broker = coordinatorId === null ? undefined : currentMetadata?.brokers.get(coordinatorId);
    return setInterval(async () => {
      if (!broker || memberId === null) return;
      try {
        const heartbeat: Api<[string, number, string, string | null], unknown> = await apiOf(
          this.#driver,
          this.#member,
          'Heartbeat',
        );
        const { group, instanceId = null } = this.#options;
        await heartbeat(await connections.get(broker), group, generationId, memberId, instanceId);
      } catch {
        // It answers that it waits for our join, and keeps our place.
      }
    }, this.#options.heartbeatMs);
  }

  async #stopLanes(): Promise<void> {
    const lanes = this.#lanes;
    this.#lanes = [];
    this.#fetching.serve([]);
    // Those that a join lets go of may still be ending.
    this.#ending = Promise.all([this.#ending, ...lanes.map((lane) => lane.stop())]);
    await this.#ending;
  }

  #began({ assignments = [], generationId }: ConsumerGroupJoinPayload): void {
    this.#joined = true;
    void this.#begin(assignments, generationId);
  }

  async #begin(assignments: readonly GroupAssignment[], generation: number | undefined): Promise<void> {
    const current = (): boolean => !this.#closed && this.#member.generationId === generation;
    for (let failures = 0; current(); ) {
      try {
        const starts = await this.#starts(assignments);
        if (!current()) return;
        this.#lanes = starts.map(({ topic, partition, start }) => this.#laneOf(topic, partition, start));
        this.#fetching.serve(this.#lanes);
        this.#troubled = false;
        this.#options.onAssigned(this.#lanes.length);
        return;
      } catch (thrown) {
        this.#trouble(thrown);
        const pause = Math.min(longestPauseMs, 100 * 2 ** failures++);
        await sleep(pause, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
  }

  #laneOf(topic: string, partition: number, start: bigint): Lane {
    const { maxBatch, pauses } = this.#options;
    return new Lane({
      topic,
      partition,
      start,
      maxBatch,
      pauses,
      handler: this.#handler,
      done: (lane, next) => this.#commits.add(lane.topic, lane.partition, next),
      hungry: () => this.#fetching.look(),
    });
  }

  /** Where each partition goes on; for those without an offset it is decided now, and committed. */
  async #starts(assignments: readonly GroupAssignment[]) {
    const starts: { topic: string; partition: number; start: bigint }[] = [];
    const wanted = assignments.filter(({ partitions }) => partitions.length > 0);
    if (wanted.length === 0) return starts;
    const committed = await this.#member.listCommittedOffsets({ topics: [...wanted] });
    const { EARLIEST, LATEST } = this.#driver.ListOffsetTimestamps;
    const fresh: { topic: string; partition: number; offset: bigint; leaderEpoch: number }[] = [];
    for (const { topic, partitions } of wanted) {
      const missing = partitions.filter((partition) => (committed.get(topic)?.[partition] ?? -1n) < 0n);
      const offsets =
        missing.length === 0
          ? undefined
          : await this.#member.listOffsets({
              topics: [topic],
              partitions: { [topic]: missing },
              timestamp: this.#options.from === 'earliest' ? EARLIEST : LATEST,
            });
      for (const partition of partitions) {
        const offset = committed.get(topic)?.[partition] ?? -1n;
        const start = offset >= 0n ? offset : offsets!.get(topic)![partition]!;
        starts.push({ topic, partition, start });
        if (offset < 0n) fresh.push({ topic, partition, offset: start, leaderEpoch: -1 });
      }
    }
    if (fresh.length > 0) await this.#member.commit({ offsets: fresh });
    return starts;
  }

  #well(): void {
    if (this.#closed || !this.#troubled) return;
    this.#troubled = false;
    this.#options.onAssigned(this.#lanes.length);
  }

  #trouble(thrown: unknown): void {
    if (this.#closed || this.#troubled) return;
    this.#troubled = true;
    this.#options.onTrouble(kafkaError(thrown, `reading as group ${this.#options.group}`));
  }
}
