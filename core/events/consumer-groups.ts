import type { HubError } from '../errors.ts';
import { type BatchHandler, ConsumerGroup, type RetryDelays } from './consumer-group.ts';
import type { ConsumeOptions } from './event-log.ts';
import type { PartitionSource } from './partition-source.ts';

/** The consumer groups of a log whose consumers all live in this process. */
export class ConsumerGroups {
  readonly #source: PartitionSource;
  readonly #delays: RetryDelays;
  readonly #onError: (error: HubError) => void;
  readonly #starting = new Map<string, Promise<ConsumerGroup>>();
  readonly #byTopic = new Map<string, ConsumerGroup[]>();
  #closed = false;

  constructor(source: PartitionSource, delays: RetryDelays, onError: (error: HubError) => void) {
    this.#source = source;
    this.#delays = delays;
    this.#onError = onError;
  }

  /** As `EventLog.consume`. */
  async consume(options: ConsumeOptions, handler: BatchHandler): Promise<void> {
    const name = JSON.stringify([options.topic, options.group]);
    let group = this.#starting.get(name);
    if (!group) {
      group = this.#start(options);
      this.#starting.set(name, group);
      group.catch(() => this.#starting.delete(name));
    }
    await (await group).consume(options, handler);
  }

  /** New events of the partition are durable: whoever waits for them reads them now. */
  appended(topic: string, partition: number): void {
    for (const group of this.#byTopic.get(topic) ?? []) group.appended(partition);
  }

  /** Ends every `consume`; resolves after the last handler has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#starting.values());
    await Promise.all([...this.#byTopic.values()].flat().map((group) => group.close()));
  }

  async #start(options: ConsumeOptions): Promise<ConsumerGroup> {
    const starts = await this.#source.start(options.topic, options.group, options.from);
    const group = new ConsumerGroup(this.#source, options, starts, this.#delays, this.#onError);
    if (this.#closed) await group.close();
    const groups = this.#byTopic.get(options.topic) ?? [];
    groups.push(group);
    this.#byTopic.set(options.topic, groups);
    return group;
  }
}
