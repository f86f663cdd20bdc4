import { beforeEach, describe, expect, it } from 'vitest';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import { Horizon } from './horizon.ts';

const session = {} as PostgresSession;
const channel = 7;
const nothing = new Map([[channel, undefined]]);

describe('the horizon below which no unrouted message comes any more', () => {
  let horizon: Horizon;
  beforeEach(() => {
    horizon = new Horizon();
    // The first commit of a connection only begins.
    horizon.committed(session, { last: 0, xid: 1, oldest: 1 }, nothing);
  });

  it('rises to the last seq of an earlier commit once every transaction up to it has ended', () => {
    horizon.committed(session, { last: 10, xid: 100, oldest: 100 }, nothing);
    expect(horizon.of(channel)).toBe(0);
    horizon.committed(session, { last: 20, xid: 110, oldest: 110 }, nothing);
    expect(horizon.of(channel)).toBe(10);
  });

  it('waits for a transaction that is still under way, which may have a lower seq', () => {
    horizon.committed(session, { last: 10, xid: 100, oldest: 95 }, nothing);
    for (const xid of [110, 120, 130]) horizon.committed(session, { last: xid, xid, oldest: 95 }, nothing);
    expect(horizon.of(channel)).toBe(0);
    horizon.committed(session, { last: 140, xid: 140, oldest: 140 }, nothing);
    expect(horizon.of(channel)).toBe(10);
  });

  it('stays below the first message that is not routed', () => {
    horizon.committed(session, { last: 10, xid: 100, oldest: 100 }, nothing);
    horizon.committed(session, { last: 20, xid: 110, oldest: 110 }, new Map([[channel, 4]]));
    expect(horizon.of(channel)).toBe(3);
  });

  it('begins anew on another connection, and where seqs are given once more', () => {
    const rise = (on: PostgresSession) => {
      horizon.committed(on, { last: 10, xid: 100, oldest: 100 }, nothing);
      horizon.committed(on, { last: 20, xid: 110, oldest: 110 }, nothing);
      horizon.committed(on, { last: 30, xid: 120, oldest: 120 }, nothing);
    };
    rise(session);
    expect(horizon.of(channel)).toBeGreaterThan(0);
    horizon.committed(session, { last: 2, xid: 130, oldest: 130 }, nothing);
    expect(horizon.of(channel)).toBe(0);
    rise(session);
    horizon.committed({} as PostgresSession, { last: 40, xid: 140, oldest: 140 }, nothing);
    expect(horizon.of(channel)).toBe(0);
  });
});
