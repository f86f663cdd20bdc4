import type { ClusterMetadata, Consumer, FetchOptions } from '@platformatic/kafka';
import { answered, answerIn } from './errors.ts';
import type { Lane } from './lane.ts';
import { endOf, recordsIn } from './read-record.ts';
import { whenSlow } from './slow.ts';

type Fetch = FetchOptions<Buffer, Buffer, Buffer, Buffer>;
type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

export interface FetchingOptions {
  /** Two that belong to no group: one waits for partitions where nothing comes, the other serves the busy ones. */
  readonly consumers: readonly Consumer[];
  readonly topics: readonly string[];
  readonly isolationLevel: number;
  /** What a partition’s oldest offset is asked for by. */
  readonly oldest: bigint;
  /** Of one partition in one answer, and of all of them; a single larger record comes all the same. */
  readonly partitionBytes: number;
  readonly maxBytes: number;
  /** How long a broker waits for records before it says that there are none. */
  readonly waitMs: number;
  readonly onTrouble: (thrown: unknown) => void;
  /** Every broker that leads something of ours answers again. */
  readonly onFetched: () => void;
}

/** Longest pause after a failed fetch. */
const longestPauseMs = 1000;

/** Fetches for lanes that have room, several of one broker with one request. */
export class Fetching {
  readonly #options: FetchingOptions;
  #lanes: readonly Lane[] = [];
  /** Consumer and broker of each request that is under way. */
  readonly #busy = new Set<string>();
  readonly #pausing = new Set<NodeJS.Timeout>();
  /** Brokers whose last answer was none. */
  readonly #failing = new Set<number>();
  #failures = 0;
  #looking = false;
  #lookAgain = false;
  #closed = false;

  constructor(options: FetchingOptions) {
    this.#options = options;
  }

  /** From now on for these, and for no other. */
  serve(lanes: readonly Lane[]): void {
    this.#lanes = lanes;
    this.look();
  }

  /** Some lane may have room. */
  look(): void {
    this.#lookAgain = true;
    if (!this.#looking) void this.#lookUntilDone();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#lanes = [];
    for (const timer of this.#pausing) clearTimeout(timer);
    await Promise.all(this.#options.consumers.map((consumer) => consumer.close(true)));
  }

  async #lookUntilDone(): Promise<void> {
    this.#looking = true;
    while (this.#lookAgain && !this.#closed) {
      this.#lookAgain = false;
      if (!this.#lanes.some(({ hungry }) => hungry)) continue;
      try {
        for (const [slot, consumer] of this.#options.consumers.entries()) await this.#fetchWith(slot, consumer);
      } catch (thrown) {
        this.#failed(thrown);
      }
    }
    this.#looking = false;
  }

  async #fetchWith(slot: number, consumer: Consumer): Promise<void> {
    const metadata = await consumer.metadata({ topics: [...this.#options.topics], forceUpdate: this.#failures > 0 });
    const leaderOf = ({ topic, partition }: Lane) => metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1;
    const leaders = new Set(this.#lanes.map(leaderOf));
    for (const failing of this.#failing) if (!leaders.has(failing)) this.#failing.delete(failing);
    const byLeader = new Map<number, Lane[]>();
    for (const lane of this.#lanes) {
      if (!lane.hungry) continue;
      const leader = leaderOf(lane);
      if (this.#busy.has(`${slot}:${leader}`)) continue;
      const led = byLeader.get(leader);
      if (led) led.push(lane);
      else byLeader.set(leader, [lane]);
    }
    for (const [leader, lanes] of byLeader) {
      const name = `${slot}:${leader}`;
      this.#busy.add(name);
      for (const lane of lanes) lane.fetching = true;
      const slow = whenSlow((what) => {
        this.#failing.add(leader);
        if (!this.#closed) this.#options.onTrouble(what);
      });
      const fetched = this.#fetch(consumer, metadata, leader, lanes).catch((thrown: unknown) => thrown ?? new Error());
      void fetched.then((thrown) => {
        clearTimeout(slow);
        this.#busy.delete(name);
        for (const lane of lanes) lane.fetching = false;
        if (thrown === undefined) {
          this.#failures = 0;
          this.#failing.delete(leader);
          if (this.#failing.size === 0) this.#options.onFetched();
          this.look();
        } else {
          this.#failing.add(leader);
          this.#failed(thrown);
        }
      });
    }
  }

  /** What was thrown; undefined where it went well. */
  async #fetch(consumer: Consumer, metadata: ClusterMetadata, node: number, lanes: readonly Lane[]): Promise<unknown> {
    const { isolationLevel, maxBytes, waitMs, partitionBytes } = this.#options;
    const topics = new Map<string, Fetch['topics'][number]>();
    for (const { topic, partition, position } of lanes) {
      const topicId = metadata.topics.get(topic)?.id ?? '';
      const of = topics.get(topicId) ?? { topicId, partitions: [] };
      topics.set(topicId, of);
      of.partitions.push({
        partition,
        fetchOffset: position,
        partitionMaxBytes: partitionBytes,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
      });
    }
    let response: FetchResponse | undefined;
    let trouble: unknown;
    try {
      const wanted = { node, topics: [...topics.values()], isolationLevel, maxBytes, minBytes: 1, maxWaitTime: waitMs };
      response = await consumer.fetch(wanted);
    } catch (thrown) {
      trouble = thrown ?? new Error('fetch failed');
      if (answered(thrown, 'NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_TOPIC_ID', 'UNKNOWN_TOPIC_OR_PARTITION'))
        consumer.clearMetadata();
      // One partition that cannot be read does not hold up the others of its answer.
      response = answerIn<FetchResponse>(thrown);
      if (answered(thrown, 'OFFSET_OUT_OF_RANGE') && response) trouble = undefined;
      // A broker that was started anew: the driver has forgotten the session, and begins another with the next request.
      if (answered(thrown, 'FETCH_SESSION_ID_NOT_FOUND', 'INVALID_FETCH_SESSION_EPOCH')) return undefined;
    }
    for (const { topicId, partitions } of response?.responses ?? [])
      for (const part of partitions) {
        const lane = lanes.find(
          ({ topic, partition }) => partition === part.partitionIndex && metadata.topics.get(topic)?.id === topicId,
        );
        if (!lane) continue;
        if (part.errorCode !== outOfRange) take(lane, part);
        else trouble = (await this.#skipToOldest(consumer, lane)) ?? trouble;
      }
    return trouble;
  }

  /** Retention took what was next: on to the oldest that is left. What was thrown, if anything. */
  async #skipToOldest(consumer: Consumer, lane: Lane): Promise<unknown> {
    const { topic, partition } = lane;
    try {
      const listed = await consumer.listOffsets({
        topics: [topic],
        partitions: { [topic]: [partition] },
        timestamp: this.#options.oldest,
      });
      const oldest = listed.get(topic)?.[partition];
      if (oldest !== undefined) lane.push([], oldest);
      return undefined;
    } catch (thrown) {
      return thrown ?? new Error('listing offsets failed');
    }
  }

  #failed(thrown: unknown): void {
    if (this.#closed) return;
    this.#failures++;
    this.#options.onTrouble(thrown);
    const timer = setTimeout(
      () => {
        this.#pausing.delete(timer);
        this.look();
      },
      Math.min(longestPauseMs, 50 * 2 ** Math.min(this.#failures, 10)),
    );
    this.#pausing.add(timer);
  }
}

const outOfRange = 1;

function take(lane: Lane, part: FetchResponse['responses'][number]['partitions'][number]): void {
  const batches = part.records ?? [];
  const end = endOf(batches);
  if (part.errorCode !== 0 || end === undefined || end <= lane.position) return;
  lane.push(recordsIn(lane.topic, lane.partition, lane.position, batches, part.abortedTransactions ?? []), end);
}
