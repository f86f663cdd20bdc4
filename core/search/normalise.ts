const longest = 200;
const plain = /^[\x20-\x7e]*$/;
const controls = /\p{Cc}+/gu;

/** How an identifier is stored and asked for: trimmed, in lower case, 200 characters of it. Undefined where nothing is left. */
export function normalised(identifier: string): string | undefined {
  const composed = plain.test(identifier) ? identifier : identifier.normalize('NFC').replace(controls, ' ');
  const term = composed.trim().slice(0, longest).toLowerCase();
  return term === '' ? undefined : term;
}

/** A control character, which no identifier that is asked for has. */
const link = '\x1f';

/** What messages are found by that came from message `id`. */
export function originTerm(id: string): string {
  return `${link}${id}`;
}

/** All origin terms lie in [from, to). */
export const originTerms = { from: link, to: '\x20' } as const;

const dayMs = 24 * 60 * 60_000;

/** The day of receipt, `2026-03-02`, by the universal clock: it has no hour twice. */
export function dayOf(receivedAt: number): string {
  const number = Math.floor(receivedAt / dayMs);
  if (number !== last.number) last = { number, day: new Date(receivedAt).toISOString().slice(0, 10) };
  return last.day;
}

/** Messages come in order: nearly all are of the day of the one before. */
let last = { number: Number.NaN, day: '' };

/** [from, to) of a day. */
export function timesOf(day: string): { readonly from: number; readonly to: number } {
  const from = Date.parse(day);
  return { from, to: from + dayMs };
}
