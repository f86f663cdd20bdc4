import { readFileSync } from 'node:fs';
import { parse } from '../../protocols/hl7v2/message.ts';
import type { Issue } from './issue.ts';
import { leavesOf } from './leaves.ts';
import type { Measured } from './measure.ts';
import { danglingIn } from './references.ts';
import { landed } from './ruler.ts';
import type { Pair } from './sources.ts';
import { percent } from './table.ts';

/** What another converter makes of a message, by the same ruler. */
export interface Expected extends Pair {
  readonly text: string;
  readonly values: number;
  readonly found: number;
  readonly dangling: number;
}

/** Leaves out expected outputs that are no JSON. */
export function measurePeers(pairs: readonly Pair[]): Expected[] {
  return pairs.flatMap((pair) => {
    const bundle = jsonIn(pair.expected);
    if (bundle === undefined) return [];
    const { values, found } = landed(leavesOf(parse(readFileSync(pair.input))), bundle);
    return [{ ...pair, text: JSON.stringify(bundle), values, found, dangling: danglingIn(bundle).length }];
  });
}

/** A line for each converter: its figures, and ours on the same messages. `issues` by the same judges, where they were asked. */
export function peerTable(
  expected: readonly Expected[],
  issues: readonly (readonly Issue[])[] | undefined,
  measured: readonly Measured[],
): string {
  const ours = new Map(measured.map((each) => [each.path, each]));
  const lines = ['expected outputs of        bundles     valid  dangling    landed   ours on the same messages'];
  for (const [peer, each] of Map.groupBy(expected, (one) => one.peer)) {
    const sum = (of: (one: Expected) => number) => each.reduce((total, one) => total + of(one), 0);
    const valid = issues && sum((one) => (issues[expected.indexOf(one)]?.length === 0 ? 1 : 0));
    const same = each.flatMap(({ input }) => ours.get(input) ?? []);
    const values = same.reduce((total, one) => total + one.values, 0);
    const lost = same.reduce((total, one) => total + one.lost.length, 0);
    const cells = [
      String(each.length),
      valid === undefined ? '-' : percent(valid, each.length),
      String(sum((one) => one.dangling)),
      percent(
        sum((one) => one.found),
        sum((one) => one.values),
      ),
      percent(values - lost, values),
    ];
    lines.push(`${peer.padEnd(24)} ${cells.map((cell) => cell.padStart(9)).join(' ')}`);
  }
  return lines.join('\n');
}

function jsonIn(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
