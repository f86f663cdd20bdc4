import type { Clock } from '../component.ts';
import { guarded } from './step-guard.ts';

/** Work of one channel that is done under a guard. */
export interface Pump {
  /** How long the guard lets a step run. */
  readonly guardMs: number;
  /** How many wait. */
  readonly waiting: number;
  /** Works off what waits until `until`, on the monotonic clock, at the latest; one message at least. */
  run(until: number): void;
  /** `run` threw, or was ended by the guard. */
  failed(thrown: unknown): void;
  /** After `run`: asks for another turn where something is left. */
  over(): void;
}

/** All of them together. */
const yieldAfterMs = 25;
/**
 * While much comes in, what has come in this time, of all channels, is worked off together: in turns twice as short a hub takes 6 % fewer
 * messages a second. Where the last time served few, what comes next waits less, for the price of more guards.
 */
const gatherMs = 20;
const gatherFewMs = 3;
const fewMessages = 32;

/** Runs the pumps of a hub's channels: those whose turn comes at the same time under one guard. */
export class Pumps {
  readonly #clock: Clock;
  #due = new Set<Pump>();
  #scheduled = false;
  #gathering: NodeJS.Timeout | undefined;
  #ranAt = Number.NEGATIVE_INFINITY;
  #served = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In this turn of the event loop, behind what has come in. */
  now(pump: Pump): void {
    this.#due.add(pump);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  /** Nobody waits for it: after a run what comes next gathers for a moment. */
  soon(pump: Pump): void {
    this.#due.add(pump);
    if (this.#scheduled || this.#gathering) return;
    const gather = this.#served < fewMessages ? gatherFewMs : gatherMs;
    const wait = this.#ranAt + gather - this.#clock.monotonic();
    if (wait <= 0) this.now(pump);
    else this.#gathering = setTimeout(this.#run, wait);
  }

  readonly #run = (): void => {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#scheduled = false;
    const due = this.#due;
    this.#due = new Set();
    const byGuard = new Map<number, Pump[]>();
    this.#served = 0;
    for (const pump of due) {
      this.#served += pump.waiting;
      const others = byGuard.get(pump.guardMs);
      if (others) others.push(pump);
      else byGuard.set(pump.guardMs, [pump]);
    }
    const until = () => this.#clock.monotonic() + yieldAfterMs / due.size;
    for (const [guardMs, pumps] of byGuard) runAll(guardMs, pumps, until);
    this.#ranAt = this.#clock.monotonic();
    for (const pump of due) pump.over();
  };
}

function runAll(guardMs: number, pumps: readonly Pump[], until: () => number): void {
  for (let at = 0; at < pumps.length; at++) {
    try {
      guarded(guardMs, () => {
        for (; at < pumps.length; at++) pumps[at]!.run(until());
      });
    } catch (thrown) {
      // Behind the last one: the guard was late, as it is where the whole process has stood still. All is done.
      pumps[at]?.failed(thrown);
    }
  }
}
