import type { ConsumeOptions, StoredEvent } from './event-log.ts';

/** What consumer groups need of a log: its events by position, and a place to keep how far a group has come. */
export interface PartitionSource {
  /**
   * The offset at which `group` goes on in each partition. The first call of a group decides it by `from` and keeps it, so that
   * what arrives before the group's first commit is not skipped after a restart. Throws HubError `not-found`.
   */
  start(topic: string, group: string, from: ConsumeOptions['from']): Promise<readonly number[]>;
  /** One past the last durable event of the partition. */
  end(topic: string, partition: number): number;
  /** Events with an offset of `from` or above, in order: at most `limit`, fewer where they are large; none when there are none. */
  read(topic: string, partition: number, from: number, limit: number): Promise<readonly StoredEvent[]>;
  /** Resolves when it is durable that the group goes on at `next`. */
  commit(topic: string, group: string, partition: number, next: number): Promise<void>;
}
