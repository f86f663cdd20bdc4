import { judge } from '../arrivals.ts';
import { whole } from '../statistics.ts';
import type { Stream } from './ledger.ts';

/**
 * How effects are told apart: each arrival is one (a table without any key of its own), each effect id is one (a reader that acts
 * once on it), or that cannot be known there (a receiver that acts on whatever comes).
 */
export type Effects = 'each' | 'by-id' | 'unknown';

export interface DestinationVerdict {
  readonly destination: string;
  /** Messages that arrived, each counted once. */
  readonly delivered: number;
  readonly twiceOnTheWire: number;
  /** Messages that were in effect exactly once; undefined where that is not known. */
  readonly onceInEffect: number | undefined;
  readonly lost: number;
  /** Effects beyond the first of a message. */
  readonly doubleEffects: number;
  readonly inversions: number;
}

/** Compares what arrived with what was acknowledged: the highest number of each key. */
export function verdictOf(
  destination: string,
  stream: Stream,
  acknowledged: readonly number[],
  how: Effects,
): DestinationVerdict {
  const { arrived, lost, inversions, duplicates } = judge(stream.arrivals, {
    ...{ acknowledged, resent: new Map(), kills: [] },
  });
  const effects = how === 'unknown' ? [] : effectsOfMessages(stream, how);
  return {
    ...{ destination, delivered: arrived - duplicates, lost, inversions },
    twiceOnTheWire: how === 'each' ? 0 : duplicates,
    onceInEffect: how === 'unknown' ? undefined : effects.filter((count) => count === 1).length,
    doubleEffects: effects.reduce((sum, count) => sum + count - 1, 0),
  };
}

/** How many effects each message that arrived had. */
function effectsOfMessages({ arrivals, effectIds }: Stream, how: 'each' | 'by-id'): readonly number[] {
  const effects = new Map<string, Set<string>>();
  for (const [at, key] of arrivals.keys.entries()) {
    const message = `${key}/${arrivals.numbers[at]}`;
    const its = effects.get(message) ?? new Set();
    effects.set(message, its.add(how === 'each' ? String(at) : effectIds[at]!));
  }
  return [...effects.values()].map(({ size }) => size);
}

export function isClean({ lost, doubleEffects, inversions }: DestinationVerdict): boolean {
  return lost === 0 && doubleEffects === 0 && inversions === 0;
}

export function table(verdicts: readonly DestinationVerdict[]): string {
  const head = [
    'destination',
    'delivered',
    'twice on the wire',
    'once in effect',
    'lost',
    'double effects',
    'inversions',
  ];
  const rows = verdicts.map((each) => [
    each.destination,
    whole(each.delivered),
    whole(each.twiceOnTheWire),
    each.onceInEffect === undefined ? '–' : whole(each.onceInEffect),
    whole(each.lost),
    each.onceInEffect === undefined ? '–' : whole(each.doubleEffects),
    whole(each.inversions),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ');
  return [head, ...rows].map(line).join('\n');
}
