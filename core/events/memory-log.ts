import { HubError } from '../errors.ts';
import type { RetryDelays } from './consumer-group.ts';
import { ConsumerGroups } from './consumer-groups.ts';
import type { EventLog, NewEvent, StoredEvent, Topic } from './event-log.ts';
import { partitionOf } from './partition.ts';
import type { PartitionSource } from './partition-source.ts';

interface Partition {
  /** In offset order, without gaps. */
  readonly events: StoredEvent[];
  next: number;
  readonly groups: Map<string, number>;
}

/** What a memory log keeps; hand it to the next `openMemoryLog` to go on where the last one ended. */
export type MemoryLogState = Map<string, { retentionMs: number; readonly partitions: readonly Partition[] }>;

export interface MemoryLogOptions {
  readonly now?: () => number;
  readonly state?: MemoryLogState;
  readonly retry?: RetryDelays;
}

/** An event log on the heap, for tests: the behaviour of a durable one without the durability. */
export function openMemoryLog(options: MemoryLogOptions = {}): EventLog {
  const { now = Date.now, retry = { firstMs: 20, maxMs: 1000 } } = options;
  const state: MemoryLogState = options.state ?? new Map();
  let closed = false;

  function topicOf(name: string) {
    const topic = state.get(name);
    if (!topic) throw new HubError('not-found', 'permanent', `looking up topic ${name}: it was never declared`);
    return topic;
  }

  function expire(): void {
    for (const { retentionMs, partitions } of state.values()) {
      const oldest = now() - retentionMs;
      for (const { events } of partitions) {
        const kept = events.findIndex((event) => event.at >= oldest);
        events.splice(0, kept < 0 ? events.length : kept);
      }
    }
  }

  const source: PartitionSource = {
    async start(name, group, from) {
      return topicOf(name).partitions.map((partition) => {
        const start = partition.groups.get(group) ?? (from === 'latest' ? partition.next : firstOf(partition));
        partition.groups.set(group, start);
        return start;
      });
    },
    end: (name, partition) => topicOf(name).partitions[partition]!.next,
    async read(name, partition, from, limit) {
      expire();
      const { events } = topicOf(name).partitions[partition]!;
      const first = Math.max(0, from - (events[0]?.offset ?? 0));
      return events.slice(first, first + limit);
    },
    async commit(name, group, partition, next) {
      topicOf(name).partitions[partition]!.groups.set(group, next);
    },
  };
  // Its source fails only for topics that do not exist, which `consume` itself reports.
  const groups = new ConsumerGroups(source, retry, () => undefined);

  return {
    async declare(topic: Omit<Topic<unknown>, 'format'>) {
      const existing = state.get(topic.name);
      if (!existing) {
        const partitions = Array.from({ length: topic.partitions }, () => ({ events: [], next: 0, groups: new Map() }));
        state.set(topic.name, { retentionMs: topic.retentionMs, partitions });
      } else if (existing.partitions.length !== topic.partitions) {
        const has = `it has ${existing.partitions.length} partitions, not ${topic.partitions}`;
        throw new HubError('config-invalid', 'permanent', `declaring topic ${topic.name}: ${has}`);
      } else existing.retentionMs = topic.retentionMs;
    },
    async publish(name: string, events: readonly NewEvent[]) {
      if (closed) throw new HubError('event-log-failed', 'permanent', `publishing to ${name}: the event log is closed`);
      expire();
      const { partitions } = topicOf(name);
      const touched = new Set<number>();
      const copies = events.map((event) => ({ ...event, value: event.value.slice(), headers: { ...event.headers } }));
      for (const event of copies) {
        const partition = partitionOf(event.key, partitions.length);
        const into = partitions[partition]!;
        into.events.push({ ...event, topic: name, partition, offset: into.next++, at: now() });
        touched.add(partition);
      }
      for (const partition of touched) groups.appended(name, partition);
    },
    consume: (consumeOptions, handler) => groups.consume(consumeOptions, handler),
    async status() {
      expire();
      return [...state].map(([topic, { partitions }]) => {
        const lag: Record<string, number> = {};
        for (const partition of partitions)
          for (const [group, next] of partition.groups)
            lag[group] = (lag[group] ?? 0) + partition.next - Math.max(next, firstOf(partition));
        const events = partitions.reduce((sum, partition) => sum + partition.events.length, 0);
        return { topic, partitions: partitions.length, events, lag };
      });
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await groups.close();
    },
  };
}

function firstOf(partition: Partition): number {
  return partition.events[0]?.offset ?? partition.next;
}
