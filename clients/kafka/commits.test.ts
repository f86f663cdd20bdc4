import { describe, expect, it, vi } from 'vitest';
import { Commits } from './commits.ts';

function committing(fail: () => boolean = () => false) {
  const commits: Record<string, bigint>[] = [];
  const consumer = {
    commit: async ({ offsets }: { offsets: readonly { partition: number; offset: bigint }[] }) => {
      if (fail()) throw new Error('away');
      commits.push(Object.fromEntries(offsets.map(({ partition, offset }) => [partition, offset])));
    },
  };
  const trouble = vi.fn();
  return {
    commits,
    trouble,
    of: new Commits(consumer as unknown as ConstructorParameters<typeof Commits>[0], trouble),
  };
}

describe('commits of offsets', () => {
  it('go at once, and what is done soon after goes together, each partition with its last', async () => {
    const { commits, of } = committing();
    of.add('events', 0, 1n);
    expect(commits).toEqual([{ 0: 1n }]);
    for (let offset = 2n; offset < 10n; offset++) for (const partition of [0, 1]) of.add('events', partition, offset);
    await vi.waitFor(() => expect(commits).toEqual([{ 0: 1n }, { 0: 9n, 1: 9n }]), 30_000);
  });

  it('do not wait where the member lets go of its partitions', async () => {
    const { commits, of } = committing();
    for (let round = 1n; round < 20n; round++) {
      of.add('events', 0, 2n * round);
      of.add('events', 0, 2n * round + 1n);
      expect(await of.flush(5_000)).toBeUndefined();
      expect(commits.at(-1)).toEqual({ 0: 2n * round + 1n });
    }
  });

  it('that fail go again, with what is newer in their place, and say so', async () => {
    let fails = true;
    const { commits, trouble, of } = committing(() => fails);
    of.add('events', 0, 1n);
    of.add('events', 1, 1n);
    of.add('events', 0, 2n);
    await vi.waitFor(() => expect(trouble).toHaveBeenCalled());
    fails = false;
    await vi.waitFor(() => expect(Object.assign({}, ...commits)).toEqual({ 0: 2n, 1: 1n }), 30_000);
    expect(await of.flush(5_000)).toBeUndefined();
  });
});
