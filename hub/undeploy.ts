import type { ChannelDefinition } from '../core/channel.ts';
import type { Clock, Log } from '../core/component.ts';
import { describeThrown, HubError } from '../core/errors.ts';
import { companions } from '../core/runtime/collect/companion.ts';
import type { ChannelStatus, Engine } from '../core/runtime/engine.ts';
import type { ChannelCounts, MessageStore, Reader } from '../core/store/message-store.ts';
import { type UndeployedChannel, type UndeployedChannels, wishOf } from './undeployed.ts';

/** What a channel that is being undeployed still has to do at a destination. */
export interface LeftToDo {
  /** Of a destination that collects, the channel that sends its collections has an entry of its own. */
  readonly channel: string;
  /** `''` where messages are not routed yet. */
  readonly destination: string;
  readonly messages: number;
  /** They are in a collection that is not closed yet. */
  readonly collected: boolean;
}

/** How an undeployed channel stands: gone, or taking nothing any more until `left` is done. */
export interface UndeployReport extends UndeployedChannel {
  readonly gone: boolean;
  readonly left: readonly LeftToDo[];
}

interface UndeployOptions {
  readonly engine: Engine;
  readonly undeployed: UndeployedChannels;
  readonly clock: Clock;
  readonly log: Log;
  /** Not while a deployment is under way. */
  inTurn<R>(run: () => Promise<R>): Promise<R>;
  /** Another hub was asked to deploy a channel again that was undeployed. */
  bringBack(channel: string): Promise<void>;
}

const lookEveryMs = 1_000;
const patienceMs = 2_000;
const pollMs = 50;

/**
 * Undeploys channels: the source ends at once, what is stored is still sent, and then the channel goes, with the channels that send
 * what it collects. Nothing that waits is left without a channel (rule 24), so it may take until a far end is back or a collection
 * is closed. A restart goes on with it. Where several hubs share a store each of them does what one is asked for, within a second.
 */
export class Undeploy implements Disposable {
  readonly #options: UndeployOptions;
  #cancel: (() => void) | undefined;

  constructor(options: UndeployOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the channel is gone, or after two seconds with what is left to do. Acting twice acts once. Throws HubError
   * `not-found`, and `not-allowed` for a channel that sends what another collects or that is stopped and has messages waiting.
   */
  async undeploy(channel: string, by: Reader): Promise<UndeployReport> {
    const { clock, undeployed, inTurn } = this.#options;
    if (!undeployed.has(channel)) await inTurn(() => this.#begin(channel, by));
    const until = clock.monotonic() + patienceMs;
    for (;;) {
      await inTurn(() => this.#finish(channel));
      const report = await this.#report(channel);
      if (report.gone || clock.monotonic() >= until) {
        if (!report.gone) this.watch();
        return report;
      }
      await new Promise<void>((resolve) => clock.timer(pollMs, resolve));
    }
  }

  /** Everything that is undeployed, and what of it still has something to do. */
  async list(): Promise<readonly UndeployReport[]> {
    return Promise.all(this.#options.undeployed.list().map(({ channel }) => this.#report(channel)));
  }

  /** Looks again and again until nothing is left to do. */
  watch(): void {
    this.#cancel?.();
    this.#cancel = this.#options.clock.timer(lookEveryMs, () => void this.#look());
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #look(): Promise<void> {
    const { engine, undeployed, inTurn, log } = this.#options;
    try {
      const shared = engine.store.shared !== undefined;
      if (shared) await this.#follow();
      const there = new Set((await engine.status()).map(({ channel }) => channel));
      const going = undeployed.list().filter(({ channel }) => there.has(channel));
      for (const { channel } of going) await inTurn(() => this.#finish(channel));
      if (going.length === 0 && !shared) return this[Symbol.dispose]();
    } catch (thrown) {
      log.error({ error: describeThrown(thrown) }, 'undeploying a channel failed; it is tried again');
    }
    if (this.#cancel) this.watch();
  }

  /** Takes note of what other hubs were asked for. */
  async #follow(): Promise<void> {
    const { undeployed, inTurn, bringBack, log } = this.#options;
    const { added, removed } = await inTurn(() => undeployed.refresh());
    for (const channel of added) log.info({ channel }, 'another hub was asked to undeploy a channel');
    for (const { channel } of removed) await bringBack(channel);
  }

  async #begin(channel: string, by: Reader): Promise<void> {
    const { engine, undeployed, clock } = this.#options;
    const doing = `undeploying ${channel}`;
    const status = await engine.status();
    const found = status.find((each) => each.channel === channel);
    if (!found) throw new HubError('not-found', 'permanent', `${doing}: no channel has this name`);
    if (found.collectedFrom !== undefined)
      throw new HubError(
        'not-allowed',
        'permanent',
        `${doing}: it sends what ${found.collectedFrom} collects; undeploy that`,
      );
    const before = wishOf(found.state);
    const left = before === 'stopped' ? leftToDo(channel, status, await engine.store.counts()) : [];
    if (left.length > 0) {
      const waiting = left.reduce((sum, { messages }) => sum + messages, 0);
      const what = `it is stopped and ${waiting} ${waiting === 1 ? 'message waits' : 'messages wait'}`;
      throw new HubError('not-allowed', 'permanent', `${doing}: ${what}; start it, or skip them, first`);
    }
    await undeployed.add({ channel, by, at: clock.now(), before });
    await engine.store.audit({ ...by, at: clock.now(), action: 'undeploy', subject: channel });
  }

  /** Ends the source, and the channel where nothing is left to do. */
  async #finish(channel: string): Promise<void> {
    const { engine, undeployed, log } = this.#options;
    const status = await engine.status();
    const [own, found] = [undeployed.get(channel), status.find((each) => each.channel === channel)];
    if (!own || !found) return;
    // Also where a crash came between the wish and this.
    if (wishOf(found.state) === 'running' && found.state !== 'failed') await engine.pause(channel, own.by);
    if (leftToDo(channel, status, await engine.store.counts()).length > 0) return;
    try {
      await engine.undeploy(channel);
      log.info({ channel }, 'undeployed');
    } catch (thrown) {
      // A message was put in by somebody after the look.
      if (!(thrown instanceof HubError) || thrown.code !== 'not-allowed') throw thrown;
    }
  }

  async #report(channel: string): Promise<UndeployReport> {
    const { engine, undeployed } = this.#options;
    const own = undeployed.get(channel);
    if (!own) throw new HubError('not-found', 'permanent', `undeploying ${channel}: it was deployed again meanwhile`);
    const [status, counts] = await Promise.all([engine.status(), engine.store.counts()]);
    const gone = !status.some((each) => each.channel === channel);
    return { ...own, gone, left: gone ? [] : leftToDo(channel, status, counts) };
  }
}

/** What a channel, and those that send what it collects, have not done yet. */
export function leftToDo(
  channel: string,
  status: readonly Pick<ChannelStatus, 'channel' | 'collectedFrom'>[],
  counts: readonly ChannelCounts[],
): readonly LeftToDo[] {
  const companions = new Set(status.filter((each) => each.collectedFrom === channel).map((each) => each.channel));
  return counts
    .filter((each) => each.channel === channel || companions.has(each.channel))
    .flatMap(({ channel: name, unrouted, destinations }) => [
      { channel: name, destination: '', messages: unrouted, collected: false },
      ...destinations.map(({ destination, queued: messages }) => {
        const collected = name === channel && companions.has(`${name}.${destination}`);
        return { channel: name, destination, messages, collected };
      }),
    ])
    .filter(({ messages }) => messages > 0);
}

/** Undeployed channels that have nothing left to do: those that have are there until it is done, also after a restart. */
export async function doneAmong(
  undeployed: UndeployedChannels,
  definitions: readonly ChannelDefinition[],
  store: Pick<MessageStore, 'counts'>,
): Promise<ReadonlySet<string>> {
  const chosen = definitions.filter(({ name }) => undeployed.has(name));
  if (chosen.length === 0) return new Set();
  const counts = await store.counts();
  const done = chosen.filter((definition) => {
    const own = companions(definition).map(({ name }) => ({ channel: name, collectedFrom: definition.name }));
    return leftToDo(definition.name, own, counts).length === 0;
  });
  return new Set(done.map(({ name }) => name));
}
