import type { ChannelCounts, PartStatus } from './message-store.ts';

type OfChannel = Record<Exclude<keyof ChannelCounts, 'channel' | 'destinations'>, number>;
type OfDestination = Record<'filtered' | 'sent' | 'errored' | 'openErrors' | 'queued', number>;

/** Counts of channels and their destinations; deleting a message does not change them. */
export class MemoryCounts {
  readonly #channels = new Map<string, { own: OfChannel; destinations: Map<string, OfDestination> }>();

  add(channel: string, field: keyof OfChannel, count: number): this {
    this.#of(channel).own[field] += count;
    return this;
  }

  /** A part came into a status, from another or from none; `to` is undefined where an error was resolved. */
  part(channel: string, destination: string, from: PartStatus | undefined, to: PartStatus | undefined): void {
    const { destinations } = this.#of(channel);
    const counts = destinations.get(destination) ?? { filtered: 0, sent: 0, errored: 0, openErrors: 0, queued: 0 };
    destinations.set(destination, counts);
    if (from === 'queued') counts.queued--;
    if (from === 'error') counts.openErrors--;
    if (to === 'error') {
      counts.errored++;
      counts.openErrors++;
    } else if (to) {
      counts[to]++;
    }
  }

  all(): readonly ChannelCounts[] {
    return [...this.#channels].map(([channel, { own, destinations }]) => ({
      channel,
      ...own,
      destinations: [...destinations].map(([destination, counts]) => ({ destination, ...counts })),
    }));
  }

  #of(channel: string) {
    let counts = this.#channels.get(channel);
    if (!counts) {
      const own = { received: 0, duplicates: 0, reusedKeys: 0, filtered: 0, errored: 0, openErrors: 0, unrouted: 0 };
      this.#channels.set(channel, (counts = { own, destinations: new Map() }));
    }
    return counts;
  }
}
