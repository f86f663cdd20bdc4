import type { Topic } from '../events/event-log.ts';
import type { Meta } from '../format.ts';
import type { ServiceContext } from '../service.ts';
import type { StateChanges } from './service-documents.ts';
import type { OutboxRow } from './service-store.ts';

/** What one transaction of a service gathers until it is committed. */
export class ServiceTransaction implements ServiceContext {
  readonly now: number;
  readonly startedAt: number;
  readonly handledUpTo: number;
  readonly state: StateChanges;
  readonly outbox: OutboxRow[] = [];
  readonly #topics: ReadonlySet<string>;
  readonly #lastSeq: number;
  readonly #after: (() => void)[] = [];

  constructor(
    times: Pick<ServiceContext, 'now' | 'startedAt' | 'handledUpTo'>,
    state: StateChanges,
    topics: ReadonlySet<string>,
    lastSeq: number,
  ) {
    this.now = times.now;
    this.startedAt = times.startedAt;
    this.handledUpTo = times.handledUpTo;
    this.state = state;
    this.#topics = topics;
    this.#lastSeq = lastSeq;
  }

  publish<E>(topic: Topic<E>, key: string, value: E, headers: Meta = {}): void {
    if (!this.#topics.has(topic.name)) throw new TypeError(`a service that does not publish to ${topic.name}`);
    const seq = this.#lastSeq + this.outbox.length + 1;
    this.outbox.push({ seq, topic: topic.name, key, headers, value: topic.format.encode(value) });
  }

  afterCommit(run: () => void): void {
    this.#after.push(run);
  }

  committed(): void {
    for (const run of this.#after) run();
  }
}
