// Over 300 lines: one state machine, from wanting a lease to losing it, whose steps share one table of leases.
import type { Clock, Log } from '../component.ts';
import { describeThrown } from '../errors.ts';
import type { Fence, LeaseStanding, Leases, LeaseTable, LeaseTaken } from '../store/leases.ts';

/** A lease this hub has. */
export interface Grant extends Fence {
  /** Whoever had it before gave it up. */
  readonly clean: boolean;
  /** Whoever had it before ended in the midst of it, for sure. */
  readonly ended: boolean;
  /** On the monotonic clock: it lasts until then. Moves on with each renewal, and is in the past once the lease is lost. */
  readonly until: number;
  /** No write begins after it. */
  readonly writeUntil: number;
}

/** What is done under a lease. */
export interface LeaseHolder {
  gained(grant: Grant): void;
  /** It is over, at this moment: nothing may be done under it any more. Not called after `giveUp`, and not after `drop`. */
  lost(): void;
  /** Another hub is to have it. Resolves when nothing is under way; it is released then. */
  giveUp(): Promise<void>;
}

/** How long leases last. Takeover comes `ttlMs + graceMs` after the last renewal, and some milliseconds. */
export interface LeaseTimes {
  readonly ttlMs: number;
  readonly renewMs: number;
  readonly graceMs: number;
  /** No write begins with less of its lease left: most end within it, and what does not is aborted with the lease. */
  readonly marginMs: number;
}

/**
 * A dead hub renewed at most 0.5 s before its end: others have its work 4.25 to 4.75 s after that. A hub that lives loses a lease once 3.5 s
 * have passed without a renewal: `ttlMs` without `renewMs`. Rarer renewals would buy no patience, only later takeovers.
 */
export const leaseTimes: LeaseTimes = { ttlMs: 4_000, renewMs: 500, graceMs: 750, marginMs: 500 };

export interface LeaseKeeperOptions {
  readonly leases: Leases;
  readonly hub: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly times?: LeaseTimes;
}

class Held implements Grant {
  readonly lease: string;
  readonly epoch: number;
  readonly clean: boolean;
  readonly ended: boolean;
  readonly #marginMs: number;
  until: number;
  givingUp = false;

  constructor(lease: string, { epoch, clean, ended }: LeaseTaken, until: number, marginMs: number) {
    this.lease = lease;
    this.epoch = epoch;
    this.clean = clean;
    this.ended = ended;
    this.until = until;
    this.#marginMs = marginMs;
  }

  get writeUntil(): number {
    return this.until - this.#marginMs;
  }
}

interface Wanted {
  readonly holder: LeaseHolder;
  readonly isLight: boolean;
  held: Held | undefined;
  /** Since when it has been free although other hubs could have taken it. */
  freeSince: number | undefined;
  /** No other hub wanted it the last time it was given up. */
  unwanted: boolean;
}

/** So many times `ttlMs` a lease stays free before a hub that has its share takes it all the same: no other one runs that channel. */
const leftAfterLives = 1.5;

/**
 * Keeps the leases of a hub: renews what it has, takes what is free or has ended, and gives up what is more than its share, one at a
 * time, so that a hub that joins gets its own. What it has ends by the local monotonic clock, whether the store answers or not.
 */
export class LeaseKeeper {
  readonly hub: string;
  readonly #leases: Leases;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #times: LeaseTimes;
  readonly #wanted = new Map<string, Wanted>();
  #table: LeaseTable = { hubs: [], leases: [] };
  #cancelRound: (() => void) | undefined;
  #cancelWatch: (() => void) | undefined;
  #round: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #failing = false;
  #hubs = 0;
  /** Leases that came from a hub which had not given them up. */
  takeovers = 0;

  constructor({ leases, hub, clock, log, times = leaseTimes }: LeaseKeeperOptions) {
    this.hub = hub;
    this.#leases = leases;
    this.#clock = clock;
    this.#log = log;
    this.#times = times;
  }

  /** From now on this hub takes its share of such leases. A light one is no load: whichever hub finds it free has it, and keeps it. */
  want(name: string, holder: LeaseHolder, isLight = false): void {
    if (this.#stopped || this.#wanted.has(name)) return;
    this.#wanted.set(name, { holder, isLight, held: undefined, freeSince: undefined, unwanted: false });
    this.#soon();
  }

  /** It is not wanted here any more, and nothing is done under it: resolves when others can have it. */
  async drop(name: string): Promise<void> {
    const held = this.#wanted.get(name)?.held;
    this.#wanted.delete(name);
    if (!held) return;
    held.until = Number.NEGATIVE_INFINITY;
    await this.#release(held);
  }

  /** Gives a lease back whose work could not begin; a later round takes it anew. */
  async refuse(name: string): Promise<void> {
    const wanted = this.#wanted.get(name);
    const held = wanted?.held;
    if (!wanted || !held) return;
    wanted.held = undefined;
    held.until = Number.NEGATIVE_INFINITY;
    await this.#release(held);
  }

  get held(): number {
    return [...this.#wanted.values()].filter(({ held }) => held).length;
  }

  /** Hubs that live, as they were last seen. */
  get hubs(): readonly string[] {
    return this.#table.hubs;
  }

  /** Who has a lease, as it was last seen. */
  holderOf(name: string): string | undefined {
    if (this.#wanted.get(name)?.held) return this.hub;
    const standing = this.#standing(name);
    return standing?.mine ? undefined : standing?.hub;
  }

  /** Takes part no more: whatever it still has is released. Work under it has ended before. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRound?.();
    this.#cancelWatch?.();
    await this.#round;
    for (const { held } of this.#wanted.values()) if (held) held.until = Number.NEGATIVE_INFINITY;
    this.#wanted.clear();
    try {
      await this.#leases.leave();
    } catch (thrown) {
      // They end by themselves.
      this.#log.warn({ error: describeThrown(thrown) }, 'leases were not released');
    }
  }

  #soon(): void {
    this.#cancelRound?.();
    this.#cancelRound = this.#clock.timer(1, () => this.#begin());
  }

  #begin(): void {
    if (this.#stopped) return;
    if (this.#round !== undefined) {
      this.#again = true;
      return;
    }
    this.#again = false;
    const began = this.#clock.monotonic();
    this.#round = this.#run().then(
      () => {
        if (this.#failing) this.#log.info({ hub: this.hub }, 'leases are renewed again');
        this.#failing = false;
      },
      (thrown) => {
        if (!this.#failing) this.#log.warn({ hub: this.hub, error: describeThrown(thrown) }, 'renewing leases failed');
        this.#failing = true;
      },
    );
    void this.#round.then(() => {
      this.#round = undefined;
      if (this.#stopped) return;
      const wait = this.#again ? 1 : Math.max(1, began + this.#nextIn() - this.#clock.monotonic());
      this.#cancelRound = this.#clock.timer(wait, () => this.#begin());
    });
  }

  /** Sooner than the next renewal where a lease that is wanted ends before it. */
  #nextIn(): number {
    const { renewMs, graceMs } = this.#times;
    let next = renewMs;
    for (const { name, hub, mine, endedMs } of this.#table.leases)
      if (hub !== undefined && !mine && this.#wanted.has(name)) next = Math.min(next, graceMs - endedMs + 5);
    return Math.max(next, renewMs / 10);
  }

  async #run(): Promise<void> {
    const { ttlMs } = this.#times;
    const sentAt = this.#clock.monotonic();
    const fences = [...this.#wanted].flatMap(([, { held }]) => (held ? [held] : []));
    this.#table = await this.#leases.renew(
      fences.map(({ lease, epoch }) => ({ lease, epoch })),
      ttlMs,
    );
    if (this.#stopped) return;
    for (const held of fences) this.#renewed(held, sentAt + ttlMs);
    // Ours, but it ended here before the renewal came through: what was done under it is over, so it begins anew.
    for (const { name, epoch, mine } of this.#table.leases) {
      const wanted = this.#wanted.get(name);
      if (mine && wanted?.held?.epoch !== epoch) await this.#leases.release({ lease: name, epoch });
    }
    this.#watch();
    if (this.#hubs !== this.#table.hubs.length) for (const each of this.#wanted.values()) each.unwanted = false;
    this.#hubs = this.#table.hubs.length;
    await this.#take();
    this.#giveUp();
  }

  #renewed(held: Held, until: number): void {
    const wanted = this.#wanted.get(held.lease);
    if (wanted?.held !== held) return;
    const standing = this.#standing(held.lease);
    if (!standing?.mine || standing.epoch !== held.epoch) this.#lose(wanted, held);
    else held.until = Math.max(held.until, until);
  }

  #standing(name: string): LeaseStanding | undefined {
    return this.#table.leases.find((each) => each.name === name);
  }

  get #share(): number {
    const heavy = [...this.#wanted.values()].filter(({ isLight }) => !isLight);
    return Math.ceil(heavy.length / Math.max(1, this.#table.hubs.length));
  }

  get #load(): number {
    return [...this.#wanted.values()].filter(({ held, isLight }) => held && !isLight).length;
  }

  async #take(): Promise<void> {
    const { ttlMs, graceMs, marginMs } = this.#times;
    for (const [name, wanted] of this.#wanted) {
      const standing = this.#standing(name);
      const free = !standing || standing.hub === undefined || standing.mine || standing.endedMs >= graceMs;
      if (wanted.held || !free) {
        wanted.freeSince = undefined;
        continue;
      }
      const now = this.#clock.monotonic();
      wanted.freeSince ??= now;
      const left = now - wanted.freeSince >= leftAfterLives * ttlMs;
      if (!wanted.isLight && this.#load >= this.#share && !left) continue;
      const sentAt = now;
      const taken = await this.#leases.take(name, ttlMs, graceMs);
      if (this.#stopped || this.#wanted.get(name) !== wanted) {
        if (taken) await this.#leases.release({ lease: name, epoch: taken.epoch });
        continue;
      }
      if (!taken) continue;
      wanted.unwanted = left && this.#table.hubs.length > 1;
      wanted.freeSince = undefined;
      if (!taken.clean) this.takeovers += 1;
      const held = new Held(name, taken, sentAt + ttlMs, marginMs);
      wanted.held = held;
      this.#watch();
      wanted.holder.gained(held);
    }
  }

  /** One at a time: what is given up is drained first, and the others go on. */
  #giveUp(): void {
    const all = [...this.#wanted];
    if (all.some(([, { held }]) => held?.givingUp)) return;
    if (this.#load <= this.#share || this.#table.hubs.length < 2) return;
    const surplus = all.findLast(([, { held, isLight, unwanted }]) => held && !isLight && !unwanted);
    const held = surplus?.[1].held;
    if (!surplus || !held) return;
    const [name, wanted] = surplus;
    held.givingUp = true;
    this.#log.info({ lease: name, hubs: this.#table.hubs.length }, 'giving up a lease: another hub is to have it');
    const done = async () => {
      if (wanted.held !== held) return;
      wanted.held = undefined;
      held.until = Number.NEGATIVE_INFINITY;
      await this.#release(held);
    };
    void wanted.holder.giveUp().then(done, done);
  }

  async #release({ lease, epoch }: Fence): Promise<void> {
    try {
      await this.#leases.release({ lease, epoch });
    } catch (thrown) {
      // It ends by itself.
      this.#log.warn({ lease, error: describeThrown(thrown) }, 'a lease was not released');
    }
  }

  #lose(wanted: Wanted, held: Held): void {
    wanted.held = undefined;
    held.until = Number.NEGATIVE_INFINITY;
    this.#log.error({ lease: held.lease, epoch: held.epoch }, 'a lease is lost: its work ends here');
    wanted.holder.lost();
  }

  /** Ends leases whose time is over. */
  #watch(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
    const now = this.#clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const wanted of this.#wanted.values()) {
      const { held } = wanted;
      if (held && held.until <= now) this.#lose(wanted, held);
      else if (held) next = Math.min(next, held.until);
    }
    if (next < Number.POSITIVE_INFINITY && !this.#stopped)
      this.#cancelWatch = this.#clock.timer(Math.max(1, next - now), () => this.#watch());
  }
}
