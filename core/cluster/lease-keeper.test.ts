import { describe, expect, it } from 'vitest';
import { MemoryContents } from '../store/memory-contents.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { recordingLog } from '../testing/contexts.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { type Grant, LeaseKeeper, leaseTimes } from './lease-keeper.ts';

/** Hubs on one clock; `away` keeps one of them from the store. */
function hubs(...names: readonly string[]) {
  const clock = fakeClock();
  const contents = new MemoryContents();
  const told: string[] = [];
  const grants = new Map<string, Grant>();
  const away = new Set<string>();
  const made = names.map((hub) => {
    const store = openMemoryStore({ now: clock.now, contents, hub, leaseClock: clock.monotonic });
    const { leases } = store.shared!;
    const through = <T>(call: () => Promise<T>) => (away.has(hub) ? new Promise<T>(() => undefined) : call());
    const keeper = new LeaseKeeper({
      ...{ hub, clock, log: recordingLog().log },
      leases: {
        renew: (held, ttlMs) => through(() => leases.renew(held, ttlMs)),
        take: (name, ttlMs, graceMs) => through(() => leases.take(name, ttlMs, graceMs)),
        release: (fence) => through(() => leases.release(fence)),
        leave: () => through(() => leases.leave()),
      },
    });
    const want = (...wanted: readonly string[]) => {
      for (const name of wanted)
        keeper.want(name, {
          gained: (grant) => {
            grants.set(name, grant);
            told.push(`${hub} has ${name} at ${clock.monotonic()}`);
          },
          lost: () => void told.push(`${hub} lost ${name} at ${clock.monotonic()}`),
          giveUp: async () => void told.push(`${hub} gives up ${name}`),
        });
    };
    return { keeper, want };
  });
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 10) {
      await clock.advanceAsync(Math.min(10, left));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { clock, told, grants, away, made, pass };
}

describe('the lease keeper', () => {
  it('ends a lease on its own clock when the store does not answer, and lets no write begin shortly before', async () => {
    const { clock, told, grants, away, made, pass } = hubs('a');
    made[0]!.want('x');
    await pass(4_000);
    const grant = grants.get('x')!;
    expect(grant.until - clock.monotonic()).toBeGreaterThan(leaseTimes.ttlMs - leaseTimes.renewMs - 100);
    away.add('a');
    await pass(leaseTimes.ttlMs + 100);
    const [, lost] = told;
    const lostAt = Number(lost?.split(' ').at(-1));
    expect(lost).toMatch(/^a lost x/);
    expect(lostAt).toBeLessThanOrEqual(4_000 + leaseTimes.ttlMs);
    expect(grant.until).toBe(Number.NEGATIVE_INFINITY);
    expect(grant.writeUntil).toBeLessThan(lostAt);
  });

  it('takes over from a hub that is silent after its time and the grace, never before, and well within 10 seconds', async () => {
    const { told, away, made, pass } = hubs('a', 'b');
    made[0]!.want('x');
    await pass(1_000);
    made[1]!.want('x');
    await pass(4_000);
    away.add('a');
    await pass(10_000);
    const at = (line: string | undefined) => Number(line?.split(' ').at(-1));
    const lost = told.find((each) => each.startsWith('a lost x'));
    const taken = told.find((each) => each.startsWith('b has x'));
    expect(at(taken)).toBeGreaterThanOrEqual(at(lost) + leaseTimes.graceMs - 20);
    expect(at(taken)).toBeLessThan(5_000 + leaseTimes.ttlMs + leaseTimes.graceMs + 200);
    expect(made[1]!.keeper.takeovers).toBe(1);
  });

  it('shares out what there is when a hub joins, one at a time, and moves nothing once the shares are even', async () => {
    const { told, made, pass } = hubs('a', 'b');
    const names = ['v', 'w', 'x', 'y', 'z'];
    made[0]!.want(...names);
    await pass(1_000);
    made[1]!.want(...names);
    await pass(20_000);
    expect(made.map(({ keeper }) => keeper.held)).toEqual([3, 2]);
    expect(told.filter((each) => each.startsWith('a gives up'))).toEqual(['a gives up z', 'a gives up y']);
    await pass(20_000);
    expect(told.filter((each) => each.includes('gives up'))).toHaveLength(2);
    expect(told.some((each) => each.includes('lost'))).toBe(false);
  });

  it('keeps what no other hub wants, and hands over at once when it stops', async () => {
    const { told, made, pass } = hubs('a', 'b');
    made[0]!.want('x', 'y', 'z');
    await pass(1_000);
    made[1]!.want('x');
    await pass(30_000);
    expect(made.map(({ keeper }) => keeper.held).reduce((sum, held) => sum + held, 0)).toBe(3);
    const moves = told.length;
    await pass(30_000);
    expect(told.length).toBe(moves);
    made[1]!.want('y', 'z');
    await made[0]!.keeper.stop();
    await pass(2_000);
    expect(made[1]!.keeper.held).toBe(3);
    expect(made[1]!.keeper.takeovers).toBe(0);
  });
});
