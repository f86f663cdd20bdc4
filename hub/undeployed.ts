import type { ChannelState } from '../core/runtime/channel-state.ts';
import type { MessageStore, Reader } from '../core/store/message-store.ts';

/** A channel that somebody has undeployed: its file stays, and it does not come back by itself. */
export interface UndeployedChannel {
  readonly channel: string;
  readonly by: Reader;
  readonly at: number;
  /** How it was to stand before: so it stands when it is deployed again. */
  readonly before: 'running' | 'paused' | 'stopped';
}

const stateName = 'hub/undeployed';

type UndeployedStore = Pick<MessageStore, 'state' | 'setState' | 'shared'>;

/** The channels that people have undeployed; durable, so that a restart of the hub does not bring them back. */
export class UndeployedChannels {
  #store: UndeployedStore | undefined;
  #channels: ReadonlyMap<string, UndeployedChannel> = new Map();

  /** Takes over what an earlier run left. Before anything is deployed. */
  async load(store: UndeployedStore): Promise<void> {
    this.#store = store;
    this.#channels = await this.#kept();
  }

  /** What the store has: another hub on it may have added to it. */
  async #kept(): Promise<Map<string, UndeployedChannel>> {
    if (!this.#store) return new Map(this.#channels);
    const kept = await this.#store.state(stateName);
    const all = kept ? (JSON.parse(kept) as readonly UndeployedChannel[]) : [];
    return new Map(all.map((each) => [each.channel, each]));
  }

  /** Other hubs may have channel files that this one has not. */
  get isShared(): boolean {
    return this.#store?.shared !== undefined;
  }

  /** What other hubs have added meanwhile, and taken away. */
  async refresh(): Promise<{ readonly added: readonly string[]; readonly removed: readonly UndeployedChannel[] }> {
    const before = this.#channels;
    this.#channels = await this.#kept();
    const added = [...this.#channels.keys()].filter((each) => !before.has(each));
    return { added, removed: [...before.values()].filter(({ channel }) => !this.#channels.has(channel)) };
  }

  get(channel: string): UndeployedChannel | undefined {
    return this.#channels.get(channel);
  }

  has(channel: string): boolean {
    return this.#channels.has(channel);
  }

  list(): readonly UndeployedChannel[] {
    return [...this.#channels.values()];
  }

  /** Resolves when it is durable. */
  async add(channel: UndeployedChannel): Promise<void> {
    await this.#keep((await this.#kept()).set(channel.channel, channel));
  }

  /** Resolves when it is durable. */
  async remove(channels: readonly string[]): Promise<void> {
    if (!channels.some((each) => this.#channels.has(each))) return;
    const left = await this.#kept();
    for (const each of channels) left.delete(each);
    await this.#keep(left);
  }

  async #keep(channels: ReadonlyMap<string, UndeployedChannel>): Promise<void> {
    await this.#store?.setState(stateName, JSON.stringify([...channels.values()]));
    this.#channels = channels;
  }
}

/** The wish behind a state: one that failed or starts is to run. */
export function wishOf(state: ChannelState): UndeployedChannel['before'] {
  if (state === 'paused') return 'paused';
  return state === 'stopped' || state === 'draining' ? 'stopped' : 'running';
}
