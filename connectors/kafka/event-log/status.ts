import type { KafkaAdmin } from '../../../clients/kafka/connection.ts';
import type { TopicStatus } from '../../../core/events/event-log.ts';

/** What stands between the name of a group and that of its topic in the group's name at the brokers: no topic can hold it. */
const divider = '@';

export function wireGroup(prefix: string, topic: string, group: string): string {
  return `${prefix}${group}${divider}${topic}`;
}

/** The topics whose names at the brokers begin with `prefix`, and how far each group of theirs has come. */
export async function statusOf(admin: KafkaAdmin, prefix: string): Promise<readonly TopicStatus[]> {
  const names = (await admin.listTopics()).filter((name) => name.startsWith(prefix) && !name.startsWith('__'));
  if (names.length === 0) return [];
  const { topics } = await admin.metadata({ topics: names, forceUpdate: true });
  const counts = new Map(names.map((name) => [name, topics.get(name)?.partitionsCount ?? 0]));
  const [begins, ends] = await Promise.all([offsets(admin, counts, -2n), offsets(admin, counts, -1n)]);
  const committed = await committedOffsets(admin, prefix, new Set(names));
  return names.map((name) => {
    const topic = name.slice(prefix.length);
    const partitions = counts.get(name)!;
    const between = (from: (partition: number) => number): number => {
      let sum = 0;
      for (let partition = 0; partition < partitions; partition++)
        sum += Math.max(0, at(ends, name, partition) - Math.max(from(partition), at(begins, name, partition)));
      return sum;
    };
    const lag: Record<string, number> = {};
    for (const [group, next] of committed.get(name) ?? [])
      lag[group] = between((partition) => next.get(partition) ?? 0);
    return { topic, partitions, events: between(() => 0), lag };
  });
}

type Offsets = ReadonlyMap<string, number>;

function at(all: Offsets, name: string, partition: number): number {
  return all.get(`${name}:${partition}`) ?? 0;
}

async function offsets(admin: KafkaAdmin, counts: ReadonlyMap<string, number>, timestamp: bigint): Promise<Offsets> {
  const topics = [...counts].map(([name, count]) => ({
    name,
    partitions: Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp })),
  }));
  const listed = await admin.listOffsets({ topics });
  const found = new Map<string, number>();
  for (const { name, partitions } of listed)
    for (const { partitionIndex, offset } of partitions) found.set(`${name}:${partitionIndex}`, Number(offset));
  return found;
}

/** By topic and group: the offset at which the group goes on in each partition. */
async function committedOffsets(admin: KafkaAdmin, prefix: string, topics: ReadonlySet<string>) {
  const found = new Map<string, Map<string, ReadonlyMap<number, number>>>();
  const groups = [...(await admin.listGroups()).keys()].filter((id) => {
    const cut = id.lastIndexOf(divider);
    return cut >= 0 && id.startsWith(prefix) && topics.has(prefix + id.slice(cut + 1));
  });
  if (groups.length === 0) return found;
  for (const { groupId, topics: read } of await admin.listConsumerGroupOffsets({ groups }))
    for (const { name, partitions } of read) {
      const next = partitions.filter(({ committedOffset }) => committedOffset >= 0n);
      const group = groupId.slice(prefix.length, groupId.lastIndexOf(divider));
      const of = found.get(name) ?? new Map<string, ReadonlyMap<number, number>>();
      found.set(name, of);
      of.set(group, new Map(next.map((each) => [each.partitionIndex, Number(each.committedOffset)])));
    }
  return found;
}
