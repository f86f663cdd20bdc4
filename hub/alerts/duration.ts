import { z } from 'zod';

const units = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time span in a configuration: a number of milliseconds, or `30s`, `15min`, `2h`, `7d`. Read as milliseconds. */
export const duration = () =>
  z
    .union([z.int().nonnegative(), z.string().regex(/^\d+(?:\.\d+)?\s*(?:ms|s|min|h|d)$/, 'a time span like 15min')])
    .transform((value) => (typeof value === 'number' ? value : milliseconds(value)));

/** Milliseconds of `30s`, `15min`, `2h`, `7d`; undefined for anything else. */
export function readDuration(text: string): number | undefined {
  const read = duration().safeParse(text);
  return read.success ? read.data : undefined;
}

function milliseconds(text: string): number {
  const unit = /[a-z]+$/.exec(text)?.[0] as keyof typeof units;
  return Math.round(Number.parseFloat(text) * units[unit]);
}

/** `45 s`, `15 min`, `5 h`, `3 d`: in whole units, for people. */
export function spanText(ms: number): string {
  if (ms < 2 * units.min) return `${Math.round(ms / units.s)} s`;
  if (ms < 2 * units.h) return `${Math.round(ms / units.min)} min`;
  return ms < 2 * units.d ? `${Math.round(ms / units.h)} h` : `${Math.round(ms / units.d)} d`;
}
