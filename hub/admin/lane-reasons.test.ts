import { describe, expect, it } from 'vitest';
import type { ChannelStatus, DestinationStatus } from '../../core/runtime/engine.ts';
import type { Lane, LanePart } from '../../core/store/lane.ts';
import { laneReport } from './lane-reasons.ts';

const error = { code: 'refused', kind: 'transient', scope: 'destination', message: 'connecting: refused' } as const;

function part(seq: number, fields: Partial<LanePart> = {}): LanePart {
  return {
    id: `id-${seq}`,
    seq,
    n: 0,
    receivedAt: 1,
    attempts: 1,
    keys: ['a'],
    queued: 'blocked',
    queuedAt: 5,
    ...fields,
  };
}

function lane(parts: readonly LanePart[], deadLetters: readonly LanePart[] = [], queued = parts.length): Lane {
  return { channel: 'one', destination: 'lab', key: 'a', queued, parts, deadLetters };
}

function why(of: Lane, destination: Partial<DestinationStatus> = {}, channel: Partial<ChannelStatus> = {}) {
  const standing = { destination: 'lab', enabled: true, circuit: 'closed', holds: 0, ...destination };
  const status = { channel: 'one', state: 'running', destinations: [standing], ...channel } as unknown as ChannelStatus;
  const {
    channel: _,
    destination: __,
    key,
    queued,
    parts,
    deadLetters,
    ...report
  } = laneReport(of, [status], {
    ...{ endpoints: {}, uses: [], holdKey: ['one/lab'] },
  });
  return report;
}

describe('why the first part of a lane waits', () => {
  const since = 5;

  it('says since when, and how many wait behind it', () => {
    expect(why(lane([part(1), part(2)], [], 40))).toEqual({ why: 'held', since, behind: 39 });
    expect(why(lane([], [part(1)]))).toEqual({ why: 'nothing-queued', behind: 0 });
  });

  it('looks first at what concerns all of the destination', () => {
    const waiting = lane([part(1, { queued: 'waiting', retryAt: 9, error })]);
    expect(why(waiting, { destination: 'other' })).toMatchObject({ why: 'not-deployed' });
    expect(why(waiting, {}, { state: 'failed', error })).toMatchObject({ why: 'channel-stopped', error });
    expect(why(waiting, { enabled: false, circuit: 'open', error })).toMatchObject({
      why: 'destination-stopped',
      error,
    });
    expect(why(waiting, { circuit: 'open', error })).toMatchObject({ why: 'circuit-open', error });
    expect(why(waiting)).toMatchObject({ why: 'retry', retryAt: 9, error });
  });

  it('knows a dead letter that holds the key, an operator, another key, and nothing', () => {
    const dead = [part(3, { error }), part(9)];
    expect(why(lane([part(7)], dead))).toEqual({ why: 'dead-letter', error, blockedBy: 'id-3', since, behind: 0 });
    expect(why(lane([part(2)], dead))).toMatchObject({ why: 'held' });
    expect(why(lane([part(7)]), { holds: 1 })).toMatchObject({ why: 'operator-hold' });
    expect(why(lane([part(7, { keys: ['b', 'a'] })]))).toMatchObject({ why: 'other-key' });
    expect(why(lane([part(7, { queued: 'ready' })]))).toMatchObject({ why: 'next' });
  });
});
