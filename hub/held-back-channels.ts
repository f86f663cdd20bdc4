import type { Problem } from '../core/config/problem.ts';
import type { RefusedTables } from './deploy-report.ts';

/** Why changed code tables are not in force: a mistake, or channels that go on with those before. */
export class HeldBackChannels {
  #refused: RefusedTables | undefined;

  get refused(): RefusedTables | undefined {
    return this.#refused;
  }

  /** Channels that go on with code tables from before the last change. */
  get channels(): RefusedTables['channels'] {
    return this.#refused?.channels ?? [];
  }

  /** With a mistake nothing of the change is in force. */
  mistake(problems: readonly Problem[], now: number): void {
    this.#refused = { since: this.#refused?.since ?? now, problems, channels: this.channels };
  }

  /** No mistake is left; these channels are still held back. */
  only(channels: RefusedTables['channels'], now: number): void {
    const since = this.#refused?.since ?? now;
    this.#refused = channels.length === 0 ? undefined : { since, problems: [], channels };
  }
}
