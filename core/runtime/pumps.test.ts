import { describe, expect, it, vi } from 'vitest';
import { HubError } from '../errors.ts';
import { type Pump, Pumps } from './pumps.ts';

const clock = { now: () => 0, monotonic: () => performance.now(), timer: () => () => undefined };

/** Works off numbers; one that is negative throws, and `loops` never ends. */
function pumpOf(pumps: Pumps, queue: (number | 'loops')[], guardMs = 200) {
  const done: number[] = [];
  const failures: unknown[] = [];
  const pump: Pump = {
    guardMs,
    get waiting() {
      return queue.length;
    },
    run(until) {
      do {
        const next = queue.shift();
        if (next === undefined) return;
        while (next === 'loops');
        if (next < 0) throw new Error('negative');
        done.push(next);
      } while (performance.now() < until);
    },
    failed: (thrown) => failures.push(thrown),
    over: () => {
      if (queue.length > 0) pumps.now(pump);
    },
  };
  return { pump, done, failures };
}

describe('pumps', () => {
  it('rule 21: what throws or never ends is the failure of its own channel; the others go on', async () => {
    const pumps = new Pumps(clock);
    const first = pumpOf(pumps, [1, -1, 2]);
    const second = pumpOf(pumps, ['loops', 3]);
    const third = pumpOf(pumps, [4, 5]);
    for (const { pump } of [first, second, third]) pumps.now(pump);
    await vi.waitFor(
      () => expect([first, second, third].map(({ done }) => done)).toEqual([[1, 2], [3], [4, 5]]),
      30_000,
    );
    expect(first.failures).toEqual([new Error('negative')]);
    expect(second.failures).toMatchObject([{ code: 'step-timeout' }]);
    expect(second.failures[0]).toBeInstanceOf(HubError);
    expect(third.failures).toEqual([]);
  });

  it('rule 21: a guard that comes to its turn when all is done blames nobody', async () => {
    const pumps = new Pumps(clock);
    const { pump, failures } = pumpOf(pumps, [], 5);
    const memory = new Uint8Array(256 * 1024 ** 2);
    let runs = 0;
    let over = 0;
    // Nothing ends this but its own end, as nothing ends a process that is stopped.
    pump.run = () => {
      runs++;
      memory.fill(runs);
    };
    pump.over = () => {
      over++;
    };
    for (let turn = 1; turn <= 3; turn++) {
      pumps.now(pump);
      await vi.waitFor(() => expect([runs, over]).toEqual([turn, turn]));
    }
    expect(failures).toEqual([]);
  });

  it('a channel with much to do leaves time to the others', async () => {
    const pumps = new Pumps(clock);
    const busy = pumpOf(pumps, Array(2_000_000).fill(1));
    const other = pumpOf(pumps, [1, 2, 3]);
    pumps.now(busy.pump);
    pumps.now(other.pump);
    await vi.waitFor(() => expect(other.done).toEqual([1, 2, 3]), 30_000);
    expect(busy.pump.waiting).toBeGreaterThan(0);
  });

  it('serves in one run what nobody waits for and comes within a moment', async () => {
    const pumps = new Pumps(clock);
    const queue: number[] = [1];
    const { pump, done } = pumpOf(pumps, queue);
    pumps.soon(pump);
    await vi.waitFor(() => expect(done).toEqual([1]), 30_000);
    const run = vi.spyOn(pump, 'run');
    for (const next of [2, 3, 4]) {
      queue.push(next);
      pumps.soon(pump);
    }
    await vi.waitFor(() => expect(done).toEqual([1, 2, 3, 4]), 30_000);
    expect(run).toHaveBeenCalledTimes(1);
  });
});
