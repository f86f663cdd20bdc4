import { describe, expect, it } from 'vitest';
import { newMessage, sentPart, settlement } from '../../../core/testing/store-fixture.ts';
import type { Call } from './calls.ts';
import { Gathering } from './gathering.ts';

const waiting = { bytes: 0, until: 0, resolve: () => undefined, reject: () => undefined };
const appended = (count: number): Call => ({
  ...{ ...waiting, kind: 'append', channel: 'x' },
  batch: Array.from({ length: count }, () => newMessage()),
});
const settled: Call = {
  ...{ ...waiting, kind: 'settle', channel: 'x', fence: undefined },
  batch: [settlement(1, [sentPart('lab')])],
};
const long = 600_000;

/** After a commit with so many messages. */
function afterCommitOf(count: number): Gathering {
  const gathering = new Gathering();
  gathering.came(appended(count), 0);
  gathering.taken();
  return gathering;
}

describe('gathering for a commit', () => {
  it('waits for as many as were answered and wait', async () => {
    const gathering = afterCommitOf(3);
    gathering.came(appended(1), 0);
    expect(gathering.target).toBe(4);
    const gathered = gathering.until(4, long);
    gathering.came(appended(2), 0);
    gathering.came(settled, 0);
    await gathered;
    expect(gathering.target).toBe(3 + 4);
  });

  it('waits for nobody where there is one sender, or enough wait, or nobody was answered', () => {
    expect(afterCommitOf(1).target).toBe(0);
    expect(new Gathering().target).toBe(0);
    const gathering = afterCommitOf(3);
    gathering.came(appended(32), 0);
    expect(gathering.target).toBe(0);
  });

  it('takes no account of calls that nobody waits for', () => {
    const gathering = afterCommitOf(3);
    gathering.came(settled, 5);
    expect(gathering.target).toBe(3);
    gathering.taken();
    expect(gathering.target).toBe(0);
  });

  it('waits no longer than a commit takes, and then leaves it for twice as many commits each time', async () => {
    const gathering = afterCommitOf(3);
    for (const commits of [2, 4, 8]) {
      await gathering.until(gathering.target, 1);
      for (let commit = 0; commit < commits; commit++) expect(gathering.target).toBe(0);
      expect(gathering.target).toBe(3);
    }
  });
});
