/** What arrived at a destination, in order: four columns of one length. */
export interface Arrivals {
  readonly keys: number[];
  /** Number of the message among those of its key, from 1. */
  readonly numbers: number[];
  /** Milliseconds since the epoch; 0 where it is not known. */
  readonly at: number[];
  /** Which life of the server it came from; 0 where it is not known. */
  readonly lives: number[];
}

/** What was sent: each key by one connection, one message after the other, in the order of their numbers from 1. */
export interface Sent {
  /** Highest acknowledged number, by key. */
  readonly acknowledged: readonly number[];
  /** Messages that the sender sent again, as it had no answer: how often, by `key/n`. */
  readonly resent: ReadonlyMap<string, number>;
  /** When the server was killed, milliseconds since the epoch. */
  readonly kills: readonly number[];
}

export interface Verdict {
  readonly arrived: number;
  /** Acknowledged, and never arrived. */
  readonly lost: number;
  /** First arrivals after one with a higher number of their key, or any arrival after a higher one of the same life. */
  readonly inversions: number;
  /** Arrivals of what had arrived before. */
  readonly duplicates: number;
  /** Duplicates that neither the sender's resending nor a kill shortly after the arrival before explains. */
  readonly unexplained: number;
}

/** A message whose far end has answered is settled well within this time; a kill later than that cannot have made it go again. */
const SETTLED_WITHIN_MS = 2_000;

export function judge(arrivals: Arrivals, sent: Sent): Verdict {
  const highest = new Map<number, number>();
  const highestOfLife = new Map<string, number>();
  const last = new Map<string, number>();
  const copies = new Map(sent.resent);
  let inversions = 0;
  let duplicates = 0;
  let unexplained = 0;
  for (const [index, key] of arrivals.keys.entries()) {
    const n = arrivals.numbers[index]!;
    const at = arrivals.at[index]!;
    const life = arrivals.lives[index]!;
    const name = `${key}/${n}`;
    const before = last.get(name);
    const top = highest.get(key) ?? 0;
    const lane = `${key}/${life}`;
    const topOfLife = life > 0 ? (highestOfLife.get(lane) ?? 0) : 0;
    if ((before === undefined && n < top) || n < topOfLife) inversions++;
    if (before !== undefined) {
      duplicates++;
      if (!explained(name, before, at, copies, sent.kills)) unexplained++;
    }
    last.set(name, at);
    if (n > top) highest.set(key, n);
    if (life > 0 && n > topOfLife) highestOfLife.set(lane, n);
  }
  let lost = 0;
  for (const [key, count] of sent.acknowledged.entries())
    for (let n = 1; n <= count; n++) if (!last.has(`${key}/${n}`)) lost++;
  return { arrived: arrivals.keys.length, lost, inversions, duplicates, unexplained };
}

/** Takes one of the sender's copies from `copies` where it explains the arrival. */
function explained(
  name: string,
  before: number,
  at: number,
  copies: Map<string, number>,
  kills: readonly number[],
): boolean {
  if (kills.some((kill) => kill - before <= SETTLED_WITHIN_MS && kill >= before - 50 && kill <= at)) return true;
  const left = copies.get(name) ?? 0;
  if (left > 0) copies.set(name, left - 1);
  return left > 0;
}
