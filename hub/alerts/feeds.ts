import type { ChannelStatus } from '../../core/runtime/engine.ts';
import type { MessageStore } from '../../core/store/message-store.ts';
import { Feed } from './traffic.ts';

const hourMs = 3_600_000;
const pages = 5;

type FeedStore = Pick<MessageStore, 'state' | 'setState' | 'find'>;

/** What every channel has brought, kept in the hub's state: a write for each of them an hour. */
export class Feeds {
  readonly #store: FeedStore;
  readonly #feeds = new Map<string, Feed>();
  #keptHour: number | undefined;

  constructor(store: FeedStore) {
    this.#store = store;
  }

  of(channel: string): Feed | undefined {
    return this.#feeds.get(channel);
  }

  async note(channels: readonly ChannelStatus[], now: number): Promise<void> {
    for (const { channel, counts, lastReceivedAt } of channels) {
      let feed = this.#feeds.get(channel);
      let last = lastReceivedAt;
      if (!feed) {
        const kept = await this.#store.state(stateName(channel));
        feed = (kept === undefined ? undefined : Feed.restore(kept)) ?? new Feed(counts.received, now);
        this.#feeds.set(channel, feed);
        last ??= await this.#lastStored(channel);
      }
      feed.note(counts.received, last, now);
    }
    const hour = Math.floor(now / hourMs);
    if (this.#keptHour !== undefined && this.#keptHour !== hour) await this.keep();
    this.#keptHour = hour;
  }

  async keep(): Promise<void> {
    await Promise.all([...this.#feeds].map(([channel, feed]) => this.#store.setState(stateName(channel), feed.kept())));
  }

  /** When the newest message that the store has was received: a channel itself knows it only since it started. */
  async #lastStored(channel: string): Promise<number | undefined> {
    let cursor: string | undefined;
    for (let page = 0; page < pages; page++) {
      const found = await this.#store.find({ channel, limit: 1, ...(cursor !== undefined && { cursor }) });
      const [message] = found.messages;
      if (message) return message.receivedAt;
      if ((cursor = found.cursor) === undefined) return undefined;
    }
    return undefined;
  }
}

function stateName(channel: string): string {
  return `alerts/feed/${channel}`;
}
