import type { Fence, Leases, LeaseTable, LeaseTaken } from './leases.ts';
import type { MemoryContents } from './memory-contents.ts';
import { type MemoryHubs, type Opening, refuseUnfenced } from './memory-hubs.ts';
import { type Item, summarize } from './memory-message.ts';
import { upTo as firstOf } from './memory-queue.ts';
import type { Recovered } from './message-store.ts';
import { outcomeOf } from './outcome-elsewhere.ts';
import type {
  Notices,
  OutcomeElsewhere,
  OutcomeQuestion,
  SharedMessage,
  SharedPage,
  SharedStore,
} from './shared-store.ts';

export interface MemorySharedOptions {
  readonly all: MemoryContents;
  readonly opening: Opening;
  /** Milliseconds on the clock that all hubs share. */
  readonly clock: () => number;
  /** In call order with all else the store does. */
  run<T>(work: () => T): Promise<T>;
}

/** `MessageStore.shared` of a memory store whose contents several hubs have. */
export class MemoryShared implements SharedStore {
  readonly hub: string;
  readonly leases: Leases;
  readonly #all: MemoryContents;
  readonly #opening: Opening;
  readonly #run: MemorySharedOptions['run'];
  readonly #countedUnder = new Map<number, number>();

  constructor({ all, opening, clock, run }: MemorySharedOptions) {
    this.hub = opening.hub;
    this.#all = all;
    this.#opening = opening;
    this.#run = run;
    this.leases = new MemoryLeases(all.hubs, opening, clock, run);
  }

  foreign(channels: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#run(() => new Set(channels.filter((channel) => this.#all.foreign(channel, this.#opening))));
  }

  unrouted(channel: string, { of, known, limit, maxBytes }: SharedPage): Promise<readonly SharedMessage[]> {
    return this.#run(() => {
      const skipped = new Set(known());
      const rows = this.#all
        .unrouted(channel, -1)
        .filter(({ seq }) => !skipped.has(seq))
        .map((row) => ({ ...row, own: this.#all.items.get(row.seq)?.opening === this.#opening }))
        .filter(({ own }) => of === 'all' || !own);
      return firstOf(rows, limit, maxBytes, ({ raw }) => raw.length);
    });
  }

  countRecoveries(channel: string, upTo: number, limit: number, fence: Fence): Promise<readonly Recovered[]> {
    return this.#run(() => {
      refuseUnfenced(this.#all.hubs, fence, this.#opening);
      const due = this.#unrouted(channel)
        .filter(({ seq }) => seq <= upTo)
        .slice(0, limit);
      for (const item of due) {
        if (this.#countedUnder.get(item.seq) !== fence.epoch) item.recoveries += 1;
        this.#countedUnder.set(item.seq, fence.epoch);
      }
      return due.map(({ seq, recoveries }) => ({ seq, recoveries }));
    });
  }

  outcomes(
    channel: string,
    seqs: readonly number[],
    question: OutcomeQuestion,
  ): Promise<ReadonlyMap<number, OutcomeElsewhere>> {
    return this.#run(() => {
      const outcomes = new Map<number, OutcomeElsewhere>();
      for (const seq of seqs) {
        const item = this.#all.items.get(seq);
        if (item?.channel === channel && (item.settlement || item.message.fault))
          outcomes.set(
            seq,
            outcomeOf(summarize(item), question, (of) => replyOf(item, of)),
          );
      }
      return outcomes;
    });
  }

  announce(subjects: readonly string[]): Promise<void> {
    return this.#run(() => this.#all.hubs.announce(this.#opening, subjects));
  }

  notices(after: number | undefined): Promise<Notices> {
    return this.#run(() => {
      const { notices, noticesBefore } = this.#all.hubs;
      const upTo = noticesBefore + notices.length;
      if (after === undefined) return { upTo, subjects: [] };
      if (after < noticesBefore) return { upTo, subjects: undefined };
      const others = notices.slice(after - noticesBefore).filter(({ by }) => by !== this.#opening);
      return { upTo, subjects: others.map(({ subject }) => subject) };
    });
  }

  #unrouted(channel: string): readonly Item[] {
    return [...this.#all.items.values()].filter(
      (item) => item.channel === channel && !item.settlement && !item.message.fault,
    );
  }
}

class MemoryLeases implements Leases {
  readonly #hubs: MemoryHubs;
  readonly #opening: Opening;
  readonly #clock: () => number;
  readonly #run: MemorySharedOptions['run'];

  constructor(hubs: MemoryHubs, opening: Opening, clock: () => number, run: MemorySharedOptions['run']) {
    this.#hubs = hubs;
    this.#opening = opening;
    this.#clock = clock;
    this.#run = run;
  }

  renew(held: readonly Fence[], ttlMs: number): Promise<LeaseTable> {
    return this.#run(() => {
      const { leases, seen } = this.#hubs;
      const now = this.#clock();
      seen.set(this.#opening, now + ttlMs);
      for (const fence of held)
        if (this.#hubs.inForce(fence, this.#opening)) leases.get(fence.lease)!.until = now + ttlMs;
      const alive = [...seen].filter(([, until]) => until > now).map(([{ hub }]) => hub);
      return {
        hubs: [...new Set(alive)].sort(),
        leases: [...leases].map(([name, { epoch, holder, until }]) => ({
          ...{ name, epoch, hub: holder?.hub, mine: holder === this.#opening, endedMs: now - until },
        })),
      };
    });
  }

  take(name: string, ttlMs: number, graceMs: number): Promise<LeaseTaken | undefined> {
    return this.#run(() => {
      const now = this.#clock();
      const before = this.#hubs.leases.get(name);
      if (before?.holder && now - before.until < graceMs) return undefined;
      const epoch = ++this.#hubs.lastEpoch;
      this.#hubs.leases.set(name, { epoch, holder: this.#opening, until: now + ttlMs });
      return { epoch, clean: !before?.holder, ended: this.#hasEnded(before?.holder) };
    });
  }

  /** Its hub has been started anew since. */
  #hasEnded(holder: Opening | undefined): boolean {
    const later = [this.#opening, ...this.#hubs.seen.keys()];
    return holder !== undefined && later.some(({ hub, epoch }) => hub === holder.hub && epoch > holder.epoch);
  }

  release(fence: Fence): Promise<void> {
    return this.#run(() => {
      if (this.#hubs.inForce(fence, this.#opening)) this.#hubs.leases.get(fence.lease)!.holder = undefined;
    });
  }

  leave(): Promise<void> {
    return this.#run(() => {
      this.#hubs.seen.delete(this.#opening);
      for (const lease of this.#hubs.leases.values()) if (lease.holder === this.#opening) lease.holder = undefined;
    });
  }
}

function replyOf(item: Item, destination: string): Uint8Array | undefined {
  return item.parts.find((part) => part.destination === destination)?.reply;
}
