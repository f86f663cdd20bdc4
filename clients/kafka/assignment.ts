import type {
  ClusterMetadata,
  ExtendedGroupProtocolSubscription,
  GroupPartitionsAssignments,
} from '@platformatic/kafka';

/**
 * Deals out the partitions of each topic in turn to the members that read it. The driver’s own way gives every member the topics of
 * the one that deals, whether it reads them or not.
 */
export function assignPartitions(
  members: ReadonlyMap<string, Pick<ExtendedGroupProtocolSubscription, 'topics'>>,
  metadata: Pick<ClusterMetadata, 'topics'>,
): GroupPartitionsAssignments[] {
  const ids = [...members.keys()].sort();
  const dealt = ids.map((memberId): GroupPartitionsAssignments => ({ memberId, assignments: new Map() }));
  // Each topic begins where the one before has ended, so that many small topics spread, too.
  let turn = 0;
  for (const topic of [...metadata.topics.keys()].sort()) {
    const readers = dealt.filter(({ memberId }) => members.get(memberId)?.topics?.includes(topic));
    if (readers.length === 0) continue;
    for (let partition = 0; partition < metadata.topics.get(topic)!.partitionsCount; partition++) {
      const { assignments } = readers[turn++ % readers.length]!;
      const own = assignments.get(topic);
      if (own) own.partitions.push(partition);
      else assignments.set(topic, { topic, partitions: [partition] });
    }
  }
  return dealt;
}
