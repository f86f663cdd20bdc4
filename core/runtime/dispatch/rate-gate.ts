import type { Granted } from '../../rates.ts';

export interface RateGateHost {
  readonly isLimited: boolean;
  take(wanted: number): Granted | Promise<Granted>;
  now(): number;
  timer(ms: number, run: () => void): () => void;
  /** There may be more. */
  look(): void;
}

/** What was granted and not used is forgotten after it: others may have it. */
const keptMs = 1_000;

/** Lets as many messages to a destination as its rate allows, and calls back when there may be more. */
export class RateGate {
  readonly #host: RateGateHost;
  #granted = 0;
  #grantedAt = 0;
  #asking = false;
  #cancelWait: (() => void) | undefined;
  #stopped = false;
  /** Something waits for it. */
  isWaiting = false;

  constructor(host: RateGateHost) {
    this.#host = host;
  }

  get isLimited(): boolean {
    return this.#host.isLimited;
  }

  /** How many of so many may be written now. */
  allows(wanted: number): number {
    if (!this.#host.isLimited) {
      this.isWaiting = false;
      return wanted;
    }
    if (this.#granted > 0 && this.#host.now() - this.#grantedAt > keptMs) this.#granted = 0;
    if (this.#granted < wanted && !this.#asking && !this.#cancelWait) this.#ask(wanted - this.#granted);
    const allowed = Math.min(wanted, this.#granted);
    this.isWaiting = allowed === 0;
    return allowed;
  }

  used(count: number): void {
    this.#granted = Math.max(0, this.#granted - count);
  }

  /** They were not tried after all. */
  notUsed(count: number): void {
    if (this.#host.isLimited) this.#grant(count);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWait?.();
  }

  #ask(wanted: number): void {
    const granted = this.#host.take(wanted);
    if (!(granted instanceof Promise)) {
      this.#answered(granted);
      return;
    }
    this.#asking = true;
    void granted.then((later) => {
      this.#asking = false;
      this.#answered(later);
      if (later.count > 0 && !this.#stopped) this.#host.look();
    });
  }

  #answered({ count, waitMs }: Granted): void {
    this.#grant(count);
    if (waitMs === 0 || this.#stopped) return;
    this.#cancelWait = this.#host.timer(waitMs, () => {
      this.#cancelWait = undefined;
      this.#host.look();
    });
  }

  #grant(count: number): void {
    this.#granted += count;
    this.#grantedAt = this.#host.now();
  }
}
