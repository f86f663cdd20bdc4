import type { WorkStore } from '../cluster/work-store.ts';
import type { Backlog } from './backlog.ts';
import type { ChannelDestinations } from './channel-destinations.ts';
import type { CompiledChannel } from './compiled.ts';
import type { Entrances } from './entrances.ts';
import type { Pipeline } from './pipeline.ts';
import type { Room } from './room.ts';
import { aborted, type Work } from './work.ts';

export interface ChannelWorkHost {
  /** The hub's own: what is written with before any work has begun. */
  readonly store: WorkStore;
  readonly compiled: CompiledChannel;
  readonly backlog: Backlog;
  readonly destinations: ChannelDestinations;
  readonly pipeline: Pipeline;
  readonly entrances: Entrances;
  readonly room: Room;
}

/** What is done with the messages of a channel, from the first dispatcher to the last settlement: it begins, ends, or is dropped. */
export class ChannelWork {
  readonly #host: ChannelWorkHost;
  #current: Work | undefined;
  #store: WorkStore;

  constructor(host: ChannelWorkHost) {
    this.#host = host;
    this.#store = host.store;
  }

  get current(): Work | undefined {
    return this.#current;
  }
  /** That of the work under way, or of the last one: then it refuses what is written. */
  get store(): WorkStore {
    return this.#store;
  }
  /** It is under way, and takes what comes. */
  get takes(): boolean {
    return this.#current !== undefined && !this.#current.yielding && !this.#current.over.signal.aborted;
  }

  /** Dispatchers and recovery: what was stored before goes first. */
  async begin(work: Work): Promise<void> {
    const { backlog, destinations, compiled, room } = this.#host;
    room.forget();
    this.#current = work;
    this.#store = work.store;
    try {
      await backlog.begin(work);
      for (const { name } of compiled.destinations) {
        if (work.over.signal.aborted) return;
        await destinations.add(compiled, name);
      }
    } catch (thrown) {
      backlog.forget();
      throw thrown;
    }
    if (!work.over.signal.aborted) void backlog.recover(work);
  }

  /** What is in memory ends; what is only stored waits for the next work. Resolves with the messages left, after `ended`. */
  async end(work: Work, ended: () => void): Promise<number> {
    const { backlog, destinations, pipeline } = this.#host;
    const { signal } = work.over;
    destinations.end();
    await Promise.race([backlog.untilIdle(), aborted(signal)]);
    await destinations.drain(signal);
    ended();
    await pipeline.halt(backlog.live.all());
    return backlog.live.size;
  }

  /** Ends at once, without a word to the store: nothing is written, or sent, from here on. Answers false where it had ended. */
  drop(): boolean {
    const work = this.#current;
    if (!work || work.over.signal.aborted) return false;
    work.over.abort();
    this.#host.destinations.abandon();
    this.#host.pipeline.abandon(this.#host.backlog.live.all());
    return true;
  }

  /** What is left of work that ended: the next one begins with nothing. */
  async forget(): Promise<void> {
    try {
      await this.#host.destinations.dispose();
    } finally {
      this.#host.backlog.forget();
      this.#host.entrances.forget();
      this.#host.room.forget();
      this.#current = undefined;
    }
  }
}
