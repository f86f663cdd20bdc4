const minuteMs = 60_000;
const keepMs = 2 * 3_600_000 + minuteMs;

interface Sample {
  readonly at: number;
  readonly total: number;
}

/** Totals of channels as they were minute by minute over the last two hours: by how much they rose. Nothing outlives a restart. */
export class Totals {
  readonly #series = new Map<string, { samples: Sample[]; latest: Sample }>();

  note(channel: string, total: string, value: number, at: number): void {
    const name = `${channel}/${total}`;
    const now = { at, total: value };
    const series = this.#series.get(name);
    // A counter that a restart of its channel began anew.
    if (!series || value < series.latest.total) {
      this.#series.set(name, { samples: [series ? { at, total: 0 } : now], latest: now });
      return;
    }
    series.latest = now;
    const last = series.samples.at(-1);
    if (!last || at - last.at >= minuteMs) series.samples.push(now);
    while ((series.samples[1]?.at ?? at) < at - keepMs) series.samples.shift();
  }

  /** Since the last sample that is at least so old, else since the first. */
  rise(channel: string, total: string, withinMs: number): number {
    const series = this.#series.get(`${channel}/${total}`);
    if (!series) return 0;
    const { samples, latest } = series;
    const since = samples.findLast(({ at }) => at <= latest.at - withinMs) ?? samples[0];
    return since ? latest.total - since.total : 0;
  }

  /** Forgets what is not among these channels. */
  keep(channels: ReadonlySet<string>): void {
    for (const name of this.#series.keys())
      if (!channels.has(name.slice(0, name.indexOf('/')))) this.#series.delete(name);
  }
}
