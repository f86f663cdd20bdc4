import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Destination } from '../destination.ts';
import type { Outgoing } from '../message.ts';
import { outcomesOf } from './destination-suite.ts';

export interface Dispatching {
  /** Keys that messages are spread over: message `number` has that of `number % keys`. */
  readonly keys: number;
  readonly total: number;
  readonly message: (number: number) => Outgoing<unknown>;
  /** After each batch: how many are sent. */
  readonly progress: (sent: number) => void;
}

/** Writes all of them as the dispatcher does: the first of each key, and behind a failure a pause. Which outcomes there were. */
export async function dispatched(
  destination: Destination<unknown>,
  { keys, total, message, progress }: Dispatching,
): Promise<ReadonlySet<string>> {
  const lanes = Array.from({ length: keys }, (_, key) =>
    Array.from({ length: total / keys }, (_, turn) => message(key + turn * keys)),
  );
  let sent = 0;
  const seen = new Set<string>();
  while (lanes.some((lane) => lane.length > 0)) {
    const heads = lanes.filter((lane) => lane.length > 0);
    const outcomes = await outcomesOf(
      destination,
      heads.flatMap((lane) => lane.slice(0, 1)),
    );
    for (const [at, { status }] of outcomes.entries()) {
      seen.add(status);
      if (status !== 'sent') continue;
      heads[at]?.shift();
      sent += 1;
    }
    progress(sent);
    if (outcomes.some(({ status }) => status !== 'sent')) await pause(100);
  }
  return seen;
}

/** Every number below `total` arrived, maybe more than once, and for the first time in the order of its key. */
export function expectAllInOrder(
  arrived: readonly number[],
  { keys, total }: Pick<Dispatching, 'keys' | 'total'>,
): void {
  const first = [...new Set(arrived)];
  expect(first).toHaveLength(total);
  for (let key = 0; key < keys; key++) {
    const own = first.filter((number) => number % keys === key);
    expect(own).toEqual(own.toSorted((a, b) => a - b));
  }
}
