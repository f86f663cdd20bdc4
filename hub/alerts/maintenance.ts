import { z } from 'zod';
import { HubError } from '../../core/errors.ts';
import type { PlannedMaintenance } from './alerts-config.ts';
import { type NamePattern, patternMatcher } from './name-pattern.ts';

const keptWindow = z.strictObject({
  id: z.string(),
  channels: z.string(),
  from: z.number(),
  until: z.number(),
  reason: z.string(),
  actor: z.string(),
});

/** A window that somebody opened; it is kept over a restart. */
export type OpenedMaintenance = z.output<typeof keptWindow>;

/** Maintenance that is under way. */
export interface MaintenanceReport {
  readonly channels: NamePattern;
  readonly until: number;
  readonly reason: string;
  /** Of one that somebody opened; those of the file have none. */
  readonly id?: string;
  readonly actor?: string;
}

const mostOpened = 200;

/** When nothing is told of certain channels: as the file plans it, and as people open it. */
export class Maintenance {
  #opened: readonly OpenedMaintenance[] = [];
  #planned: readonly PlannedMaintenance[] = [];

  plan(planned: readonly PlannedMaintenance[]): void {
    this.#planned = planned;
  }

  /** Throws HubError `not-allowed` where too many are open. */
  open(window: OpenedMaintenance): void {
    const running = this.#opened.filter((each) => isOpen(each, window.from));
    if (running.length >= mostOpened)
      throw new HubError('not-allowed', 'permanent', `opening a maintenance window: ${mostOpened} are open`);
    this.#opened = [...running, window];
  }

  /** Those that are open and have this id, or are for these channels. */
  openFor(idOrChannels: string, now: number): readonly OpenedMaintenance[] {
    return this.#opened.filter(
      (each) => isOpen(each, now) && (each.id === idOrChannels || each.channels === idOrChannels),
    );
  }

  end(windows: readonly OpenedMaintenance[]): void {
    this.#opened = this.#opened.filter((each) => !windows.includes(each));
  }

  underWay(now: number): readonly MaintenanceReport[] {
    const opened = this.#opened.filter((each) => each.from <= now && isOpen(each, now));
    const planned = this.#planned.flatMap((each) => {
      const end = each.until(now);
      return end === undefined ? [] : [{ channels: each.channels, until: end, reason: each.reason }];
    });
    return [...opened.map(({ from: _, ...each }) => each), ...planned];
  }

  /** Whether alerts of a channel are muted. Those of the hub itself never are. */
  muting(now: number): (channel: string | undefined) => boolean {
    const matchers = this.underWay(now).map(({ channels }) => patternMatcher(channels));
    return (channel) => channel !== undefined && matchers.some((matches) => matches(channel));
  }

  kept(): unknown {
    return this.#opened;
  }

  restore(kept: unknown): void {
    const read = z.array(keptWindow).safeParse(kept);
    if (read.success) this.#opened = read.data;
  }
}

function isOpen({ until }: OpenedMaintenance, now: number): boolean {
  return until > now;
}
