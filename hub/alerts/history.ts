import { z } from 'zod';
import { type Alert, keptAlert } from './alert.ts';

const entry = keptAlert
  .pick({ id: true, condition: true, severity: true, subject: true, host: true, text: true, since: true })
  .extend({
    at: z.number(),
    what: z.enum(['firing', 'cleared']),
    /** In a maintenance window: nothing was told. */
    muted: z.boolean(),
  });

/** That an alert began to fire, or ended. */
export type HistoryEntry = z.output<typeof entry>;

const most = 1_000;

/** The last thousand beginnings and ends of alerts. */
export class History {
  #entries: HistoryEntry[] = [];

  note(what: HistoryEntry['what'], alert: Alert, muted: boolean, at: number): void {
    const { id, condition, severity, subject, host, text, since } = alert;
    this.#entries.push({
      ...{ at, what, muted, id, condition, severity, subject, text, since },
      ...(host !== undefined && { host }),
    });
    this.#entries.splice(0, Math.max(0, this.#entries.length - most));
  }

  /** The newest first. */
  last(limit: number): readonly HistoryEntry[] {
    return this.#entries.slice(-limit).reverse();
  }

  kept(): unknown {
    return this.#entries;
  }

  restore(kept: unknown): void {
    const read = z.array(entry).safeParse(kept);
    if (read.success) this.#entries = read.data.slice(-most);
  }
}
