import { describe, expect, it } from 'vitest';
import { errorSignature, withoutNumbers } from '../../core/runtime/jobs/error-signature.ts';
import { openMemoryStore } from '../../core/store/memory-store.ts';
import {
  appendOne,
  channel,
  errorPart,
  newId,
  queuedPart,
  settlement,
  start,
} from '../../core/testing/store-fixture.ts';
import { errorGroups, errorsOfCause } from './error-groups.ts';

describe('the text of an error without what differs from message to message', () => {
  it.each([
    ['retrying 0198c0de-0000-7000-8000-00000000000a: refused', 'retrying <id>: refused'],
    ['connecting to 10.0.0.7:2575: refused', 'connecting to <address>: refused'],
    ['sending: no answer after 30000 ms', 'sending: no answer after # ms'],
    ['decoding MSH: no field separator at byte 17', 'decoding MSH: no field separator at byte #'],
    ['at 2026-11-20T08:15:00Z: order ADT00017 of 3f9a0c1b2d', 'at <time>: order ADT# of <id>'],
    ['reading PID-3.1 of segment 4: empty', 'reading PID-3.1 of segment #: empty'],
    ['filling OBX-5[2].1: 12,5 is no number', 'filling OBX-5[2].1: # is no number'],
    ['sending the message: the far end answered 503', 'sending the message: the far end answered 503'],
    ['writing: SQLite 13, row 12', 'writing: SQLite 13, row #'],
    ['writing: AE', 'writing: AE'],
  ])('%s', (message, normal) => {
    expect(withoutNumbers(message)).toBe(normal);
  });
});

describe('groups of open errors', () => {
  it('have count, first, last, an example and the keys that wait, and no content', async () => {
    await using store = openMemoryStore({ now: () => start });
    const refusedAt = async (n: number, keys: readonly string[]) => {
      const id = newId();
      const seq = await appendOne(store, { id, receivedAt: start + n });
      const error = { ...errorPart('lab'), keys, error: { ...refused, message: `sending order ${n}: AE` } };
      await store.settle(channel, [settlement(seq, [error])]);
      return id;
    };
    await refusedAt(3, ['secret-a']);
    const last = await refusedAt(9, ['secret-b', 'secret-c']);
    await refusedAt(5, ['secret-b']);
    for (const key of ['secret-a', 'secret-b'])
      await store.settle(channel, [settlement(await appendOne(store), [queuedPart('lab', 'blocked', [key])])]);
    await appendOne(store, { fault: { ...refused, code: 'frame-malformed', message: 'framing: 3 bytes' } }, 'oru');

    const found = await errorGroups(store, undefined);
    expect(found).toEqual({
      errors: 4,
      groups: [
        {
          ...{ channel, destination: 'lab', code: 'reply-negative', message: 'sending order #: AE', count: 3 },
          signature: errorSignature({ code: 'reply-negative', message: 'sending order 77: AE' }),
          ...{ first: start + 3, last: start + 9, blockedKeys: 2, example: last },
        },
        expect.objectContaining({ channel: 'oru', destination: '', code: 'frame-malformed', count: 1, blockedKeys: 0 }),
      ],
    });
    expect(JSON.stringify(found)).not.toContain('secret');
    expect((await errorGroups(store, 'oru')).groups).toHaveLength(1);
  });

  it('are counted over all pages, and are no more than a thousand beside those of their codes', async () => {
    await using store = openMemoryStore({ now: () => start });
    const word = (n: number) =>
      [...n.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('');
    for (let n = 0; n < 1_005; n++) await appendOne(store, { fault: { ...refused, message: `framing: ${word(n)}` } });
    const { groups, errors } = await errorGroups(store, channel);
    expect(errors).toBe(1_005);
    expect(groups).toHaveLength(1_001);
    expect(groups[0]).toMatchObject({ message: '(other messages)', count: 5 });
    expect(groups[0]).not.toHaveProperty('signature');
    expect(new Set(groups.slice(1).map(({ signature }) => signature)).size).toBe(1_000);
  });
});

describe('the open errors of one cause', () => {
  it('are those that its group counts, page after page, each once', async () => {
    await using store = openMemoryStore({ now: () => start });
    const wanted: string[] = [];
    for (let n = 0; n < 25; n++) {
      const id = newId();
      const seq = await appendOne(store, { id, receivedAt: start + n });
      const message = n % 3 === 0 ? `sending order ${n}: AE` : `sending order ${n}: AR`;
      const part = { ...errorPart('lab'), error: { ...refused, message } };
      await store.settle(channel, [settlement(seq, [part])]);
      if (n % 3 === 0) wanted.push(id);
    }
    const [group] = (await errorGroups(store, undefined)).groups.filter(({ count }) => count === wanted.length);
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const found = await errorsOfCause(store, group!.signature!, {
        limit: 4,
        ...(cursor !== undefined && { cursor }),
      });
      expect(found.errors.length).toBeLessThanOrEqual(4);
      listed.push(...found.errors.map(({ id }) => id));
      cursor = found.cursor;
    } while (cursor !== undefined);
    expect(listed).toEqual(wanted);
    expect((await errorsOfCause(store, 'reply-negative', { limit: 100 })).errors).toHaveLength(25);
    expect((await errorsOfCause(store, 'no-answer', { limit: 100 })).errors).toEqual([]);
  });
});

const refused = { code: 'reply-negative', kind: 'permanent', scope: 'message' } as const;
