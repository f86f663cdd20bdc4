import type { Act, Run } from './run.ts';

/** Calls the body once for each of `count` items, after `enter` has put it into the slot. */
export function eachOf(run: Run, slot: number, count: number, body: Act, enter: (n: number) => void): void {
  for (let n = 0; n < count; n++) {
    enter(n);
    run.positions[slot] = n + 1;
    body(run);
  }
}
