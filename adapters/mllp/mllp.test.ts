import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HubError } from '../../core/errors.ts';
import type { Receipt } from '../../core/outcome.ts';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { draining, fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { framed, numbered, type Peer } from './testing/peer.ts';
import { runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});
const sourceOn: typeof runSource = async (...args) => open.use(await runSource(...args));
const codes = (peer: Peer) => peer.acks.map((ack) => `${ack.code} ${ack.controlId}`);
const failed = (code: HubError['code']): Receipt => ({
  id: 'a-message',
  outcome: { status: 'error', error: { code, kind: 'permanent', scope: 'message', message: 'told by the test' } },
});
const arrived = (intake: { readonly arrivals: readonly unknown[] }, count: number) =>
  vi.waitFor(() => expect(intake.arrivals.length).toBe(count), { timeout: 5_000, interval: 2 });

describe('what an MLLP source hands over', () => {
  it('is the exact bytes of the frame, with peer, type, control id and identity', async () => {
    const intake = fakeIntake(() => positive);
    const peer = await (await sourceOn(intake)).connect();
    peer.write(framed(numbered('C-7')));
    await peer.answers(1);
    const [arrival] = intake.arrivals;
    expect(Buffer.from(arrival!.raw).toString()).toBe(numbered('C-7'));
    expect(arrival!.meta).toEqual({ peer: '127.0.0.1', 'hl7.controlId': 'C-7', 'hl7.type': 'ADT^A01' });
    expect(arrival!.dedupeKey).toBe('EHR|NORTH|C-7');
  });

  it('rule 14: has a content hash that MSH-7 does not change, and anything else does', async () => {
    const intake = fakeIntake(() => positive);
    const peer = await (await sourceOn(intake)).connect();
    const later = numbered(1).replace('20260101120000', '20260202130000.123');
    for (const message of [numbered(1), later, later.replace('Doe', 'Roe')]) peer.write(framed(message));
    await peer.answers(3);
    const [first, again, other] = intake.arrivals.map((arrival) => arrival.contentHash);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  it('rule 14: has no identity without MSH-10, and is answered all the same', async () => {
    const intake = fakeIntake(() => positive);
    const peer = await (await sourceOn(intake)).connect();
    peer.write(framed(numbered('')));
    expect(await peer.answers(1)).toMatchObject([{ code: 'AA', controlId: '' }]);
    expect(intake.arrivals[0]!.dedupeKey).toBeUndefined();
    expect(intake.arrivals[0]!.fault).toBeUndefined();
  });

  it('comes in one call for all frames of a chunk', async () => {
    const intake = fakeIntake(() => positive);
    const accept = vi.spyOn(intake, 'accept');
    const peer = await (await sourceOn(intake)).connect();
    peer.write([1, 2, 3].map((number) => framed(numbered(number))).join(''));
    await peer.answers(3);
    expect(accept).toHaveBeenCalledTimes(1);
  });
});

describe('the acknowledgements of an MLLP source', () => {
  it.each([
    ['stored', { id: 'm', outcome: { status: 'stored' } }, 'AA'],
    ['sent', positive, 'AA'],
    ['queued', { id: 'm', outcome: { status: 'queued' } }, 'AA'],
    ['filtered', { id: 'm', outcome: { status: 'filtered' } }, 'AA'],
    ['a failed step', negative, 'AE'],
    ['an unmatched type', failed('unmatched'), 'AR'],
  ] as const)('say of %s what HL7 says', async (_, receipt, code) => {
    const peer = await (await sourceOn(fakeIntake(() => receipt))).connect();
    peer.write(framed(numbered(1)));
    expect(await peer.answers(1)).toMatchObject([{ code, controlId: '1' }]);
  });

  it('give the id to ask about and the meaning of the error, not its text', async () => {
    const peer = await (await sourceOn(fakeIntake(() => negative))).connect();
    peer.write(framed(numbered(1)));
    const [ack] = await peer.answers(1);
    expect(ack!.errors[0]).toMatchObject({
      code: '207',
      diagnostic: 'a-message',
      text: expect.stringContaining('threw'),
    });
    expect(String(peer.replies[0])).not.toContain('refused by the test');
  });

  it('each have an MSH-10 of their own, of at most 20 characters', async () => {
    const peer = await (await sourceOn(fakeIntake(() => positive))).connect();
    for (let number = 0; number < 50; number++) peer.write(framed(numbered(number)));
    await peer.answers(50);
    const ids = peer.replies.map((reply) => String(reply).split('|')[9]!);
    expect(new Set(ids).size).toBe(50);
    for (const id of ids) expect(id.length).toBeLessThanOrEqual(20);
  });

  it('rule 12: come in order of arrival, the late one holding back those after it only', async () => {
    const intake = fakeIntake();
    const peer = await (await sourceOn(intake)).connect();
    peer.write([1, 2, 3, 4].map((number) => framed(numbered(number))).join(''));
    await arrived(intake, 4);
    for (const index of [3, 0, 2]) intake.answer(index, positive);
    await peer.answers(1);
    await pause(30);
    expect(codes(peer)).toEqual(['AA 1']);
    intake.answer(1, negative);
    await peer.answers(4);
    expect(codes(peer)).toEqual(['AA 1', 'AE 2', 'AA 3', 'AA 4']);
  });

  it('that are due at once leave in one write', async () => {
    const intake = fakeIntake();
    const peer = await (await sourceOn(intake)).connect();
    peer.write(Array.from({ length: 50 }, (_, number) => framed(numbered(number))).join(''));
    await arrived(intake, 50);
    for (let index = 0; index < 50; index++) intake.answer(index, positive);
    await peer.answers(50);
    expect(peer.chunks).toBe(1);
  });

  it('are the bytes of replyFrom where there are any, the negative ones too', async () => {
    const reply = Buffer.from('MSH|^~\\&|LAB|||||RSP^K11|9|P|2.5\rMSA|AE|1|from far away\r');
    const peer = await (await sourceOn(fakeIntake(() => ({ ...negative, reply })))).connect();
    peer.write(framed(numbered(1)));
    await peer.answers(1);
    expect(peer.replies[0]).toEqual(reply);
  });

  it('bear the application and facility that the sender expects', async () => {
    const config = { acknowledgement: { application: 'HUB', facility: 'SOUTH' } };
    const peer = await (
      await sourceOn(
        fakeIntake(() => positive),
        config,
      )
    ).connect();
    peer.write(framed(numbered(1)));
    await peer.answers(1);
    expect(String(peer.replies[0])).toMatch(/^MSH\|\^~\\&\|HUB\|SOUTH\|EHR\|NORTH\|/);
  });

  it('are never given where the sender wants none', async () => {
    const intake = fakeIntake(() => positive);
    const peer = await (await sourceOn(intake, { acknowledgement: { mode: 'none' } })).connect();
    peer.write(framed(numbered(1)));
    await arrived(intake, 1);
    await pause(30);
    expect(peer.replies).toEqual([]);
  });
});

describe('enhanced acknowledgement (MSH-15, MSH-16)', () => {
  const answersOf = async (ack: string, ackAfter: 'stored' | 'settled', receipt: Receipt, ackMode?: 'original') => {
    const intake = fakeIntake(() => receipt);
    const config = ackMode ? { acknowledgement: { mode: ackMode } } : {};
    const peer = await (await sourceOn(intake, config, { ackAfter })).connect();
    // The second message, in original mode, shows when there is no more to come for the first.
    peer.write(framed(numbered(1, { ack })) + framed(numbered(2)));
    await vi.waitFor(() => expect(peer.acks.some((each) => each.controlId === '2')).toBe(true));
    return codes(peer)
      .filter((each) => each.endsWith(' 1'))
      .map((each) => each.slice(0, 2));
  };
  it.each([
    ['AL|NE', 'stored', positive, ['CA']],
    ['AL|AL', 'stored', positive, ['CA']],
    ['NE|AL', 'stored', positive, ['AA']],
    ['NE|NE', 'stored', positive, []],
    ['ER|NE', 'stored', positive, []],
    ['ER|NE', 'stored', negative, ['CE']],
    ['AL|NE', 'stored', failed('unmatched'), ['CR']],
    ['AL|AL', 'settled', positive, ['CA', 'AA']],
    ['AL|NE', 'settled', positive, ['CA']],
    ['NE|AL', 'settled', negative, ['AE']],
    ['AL|AL', 'settled', negative, ['CE']],
    ['ER|ER', 'settled', positive, []],
    ['SU|SU', 'settled', positive, ['CA', 'AA']],
  ] as const)('%s answers at %s as asked', async (ack, ackAfter, receipt, expected) => {
    expect(await answersOf(ack, ackAfter, receipt)).toEqual(expected);
  });

  it('is not looked at where the sender is known not to mean it', async () => {
    expect(await answersOf('NE|NE', 'stored', positive, 'original')).toEqual(['AA']);
  });

  it('sends the commit accept at stored and the answer at settled, and lets no late answer hold back a commit accept', async () => {
    const intake = fakeIntake();
    const peer = await (await sourceOn(intake, {}, { ackAfter: 'settled' })).connect();
    peer.write(framed(numbered(1, { ack: 'AL|AL' })) + framed(numbered(2, { ack: 'AL|AL' })));
    await arrived(intake, 2);
    intake.answer(0, { id: 'm', outcome: { status: 'stored' } }, 'stored');
    intake.answer(1, { id: 'n', outcome: { status: 'stored' } }, 'stored');
    await peer.answers(2);
    expect(codes(peer)).toEqual(['CA 1', 'CA 2']);
    intake.answer(1, positive);
    intake.answer(0, negative);
    await peer.answers(4);
    expect(codes(peer).slice(2)).toEqual(['AE 1', 'AA 2']);
  });
});

describe('what breaks the framing of an MLLP source', () => {
  it('no MSH: is kept as a fault and answered with AR, never AA', async () => {
    const intake = fakeIntake(() => positive);
    const peer = await (await sourceOn(intake)).connect();
    peer.write(framed('HELLO') + framed(numbered(2)));
    await peer.answers(2);
    expect(codes(peer)).toEqual(['AR ', 'AA 2']);
    expect(intake.arrivals.map((arrival) => arrival.fault?.code)).toEqual(['frame-malformed', undefined]);
    expect(String(intake.arrivals[0]!.raw)).toBe('HELLO');
  });

  it('an oversized message: its beginning is kept, it gets AR, and the next one goes through', async () => {
    const intake = fakeIntake(() => positive);
    const peer = await (await sourceOn(intake, { maxMessageBytes: 1_000 })).connect();
    peer.write(framed(numbered(1) + 'x'.repeat(5_000)) + framed(numbered(2)));
    await peer.answers(2);
    expect(codes(peer)).toEqual(['AR 1', 'AA 2']);
    expect(intake.arrivals[0]).toMatchObject({ fault: { code: 'frame-oversized' }, raw: { length: 1_001 } });
  });

  it('a bad end: is answered with AR; stray bytes and an interrupted frame are not, their sender waits for the next', async () => {
    const intake = fakeIntake(() => positive);
    const peer = await (await sourceOn(intake)).connect();
    peer.write(`\x0b${numbered(1)}\x1c\nstray\x0b${numbered(2)}${framed(numbered(3))}junk${framed(numbered(4))}`);
    await peer.answers(3);
    expect(codes(peer)).toEqual(['AR 1', 'AA 3', 'AA 4']);
    expect(intake.arrivals.filter((arrival) => arrival.fault)).toHaveLength(3);
  });

  it('a storm of frames without MSH: only the quota is kept, then the connection is closed', async () => {
    const intake = fakeIntake(() => positive);
    const source = await sourceOn(intake, { faultsPerMinute: 10 });
    const peer = await source.connect();
    peer.write(framed('x').repeat(100_000));
    await peer.closed;
    expect(intake.arrivals).toHaveLength(10);
    expect(peer.acks.map((ack) => ack.code)).toEqual(Array(10).fill('AR'));
    expect(source.context.counts.mllp_faults_unkept_total).toBe(1);
    const healthy = await source.connect();
    healthy.write(framed(numbered(1)));
    expect(await healthy.answers(1)).toMatchObject([{ code: 'AA' }]);
  });

  it('the quota is there again a minute later', async () => {
    const clock = fakeClock();
    const intake = fakeIntake(() => positive);
    const source = await sourceOn(intake, { faultsPerMinute: 1 }, { clock });
    const first = await source.connect();
    first.write(framed('x'));
    await first.answers(1);
    clock.advance(60_000);
    first.write(framed('y'));
    await first.answers(2);
    expect(intake.arrivals).toHaveLength(2);
  });

  it('a truncated frame at the end of the connection is kept', async () => {
    const intake = fakeIntake(() => positive);
    const peer = await (await sourceOn(intake)).connect();
    peer.socket.end(`\x0b${numbered(1)}`);
    await peer.closed;
    expect(intake.arrivals).toMatchObject([{ fault: { code: 'frame-malformed' } }]);
    expect(peer.acks).toEqual([]);
  });
});

describe('the connections of an MLLP source', () => {
  it('answer a sender that has closed its half after the last message', async () => {
    const intake = fakeIntake();
    const peer = await (await sourceOn(intake)).connect();
    peer.socket.end(framed(numbered(1)));
    await arrived(intake, 1);
    await pause(20);
    intake.answer(0, positive);
    await peer.answers(1);
    expect(await peer.closed).toBe('end');
  });

  it('may be reset at any time', async () => {
    const intake = fakeIntake();
    const source = await sourceOn(intake);
    const peer = await source.connect();
    peer.write(framed(numbered(1)));
    await arrived(intake, 1);
    peer.socket.resetAndDestroy();
    await vi.waitFor(() => expect(source.context.reported.at(-1)).toEqual({ state: 'idle', connections: 0 }));
    intake.answer(0, positive);
    const next = await source.connect();
    next.write(framed(numbered(2)));
    await arrived(intake, 2);
    intake.answer(1, positive);
    await next.answers(1);
  });

  it("beyond maxConnections the same peer's oldest one is closed", async () => {
    const source = await sourceOn(
      fakeIntake(() => positive),
      { maxConnections: 2 },
    );
    const [oldest, second] = [await source.connect(), await source.connect()];
    second.write(framed(numbered(2)));
    await second.answers(1);
    const third = await source.connect();
    third.write(framed(numbered(3)));
    await third.answers(1);
    await oldest.closed;
    second.write(framed(numbered(4)));
    await second.answers(2);
    expect(source.context.counts).toMatchObject({ mllp_evicted_total: 1 });
  });

  it.each([
    [['127.0.0.0/8'], true],
    [['10.0.0.0/8', '127.0.0.1'], true],
    [['10.0.0.0/8', '::1'], false],
    [[], false],
  ])('from an address outside of %j are closed unheard', async (allow, welcome) => {
    const source = await sourceOn(
      fakeIntake(() => positive),
      {},
      { listen: { allow } },
    );
    const peer = await source.connect();
    peer.write(framed(numbered(1)));
    if (welcome) expect(await peer.answers(1)).toHaveLength(1);
    else {
      await peer.closed;
      expect(source.context.counts.mllp_refused_total).toBe(1);
    }
  });

  it('are closed when idle for too long, but not while an answer is owed', async () => {
    const clock = fakeClock();
    const intake = fakeIntake();
    const source = await sourceOn(intake, { idleTimeoutMs: 10_000 }, { clock });
    const peer = await source.connect();
    peer.write(framed(numbered(1)));
    await arrived(intake, 1);
    clock.advance(60_000);
    intake.answer(0, positive);
    await peer.answers(1);
    clock.advance(11_000);
    await peer.closed;
    expect(source.context.counts.mllp_idle_closed_total).toBe(1);
  });

  it('rule 26: are not read while maxPipelined messages are unanswered', async () => {
    const intake = fakeIntake();
    const peer = await (await sourceOn(intake, { maxPipelined: 2 })).connect();
    for (let number = 0; number < 6; number++) {
      peer.write(framed(numbered(number)));
      await pause(10);
    }
    expect(intake.arrivals).toHaveLength(2);
    intake.answer(0, positive);
    intake.answer(1, positive);
    await vi.waitFor(() => expect(intake.arrivals.length).toBeGreaterThan(2));
    for (let index = 2; index < 6; index++) {
      await vi.waitFor(() => expect(intake.arrivals.length).toBeGreaterThan(index));
      intake.answer(index, positive);
    }
    await peer.answers(6);
    expect(codes(peer)).toEqual(['AA 0', 'AA 1', 'AA 2', 'AA 3', 'AA 4', 'AA 5']);
  });

  it('rule 26: are not read while the far end does not read its answers', async () => {
    const reply = Buffer.from(`${numbered(0)}MSA|AA|0|${'R'.repeat(256 * 1024)}\r`);
    const intake = fakeIntake(() => ({ ...positive, reply }));
    const peer = await (await sourceOn(intake)).connect();
    peer.socket.pause();
    for (let number = 0; number < 200; number++) {
      peer.write(framed(numbered(number)));
      await pause(1);
    }
    await pause(50);
    expect(intake.arrivals.length).toBeLessThan(150);
    peer.socket.resume();
    await peer.answers(200);
    expect(intake.arrivals).toHaveLength(200);
  });
});

describe('an MLLP source that stops', () => {
  it('rule 25: closes without an answer where the receipt says draining, after those that are due', async () => {
    const intake = fakeIntake();
    const source = await sourceOn(intake);
    const peer = await source.connect();
    peer.write([1, 2, 3].map((number) => framed(numbered(number))).join(''));
    await arrived(intake, 3);
    source.drain();
    intake.answer(2, positive);
    intake.answer(1, draining);
    intake.answer(0, positive);
    await peer.closed;
    expect(codes(peer)).toEqual(['AA 1']);
    await source.ended;
  });

  it('rule 11: reads no more and closes later, unanswered, while the store takes nothing', async () => {
    const clock = fakeClock();
    const intake = fakeIntake(() => positive);
    const source = await sourceOn(intake, {}, { clock });
    const peer = await source.connect();
    intake.refuseNext(new HubError('store-full', 'transient', 'storing: full'));
    peer.write(framed(numbered(1)));
    await vi.waitFor(() => expect(intake.refused).toBe(1));
    peer.write(framed(numbered(2)));
    await pause(30);
    expect(peer.socket.destroyed).toBe(false);
    expect(intake.arrivals).toEqual([]);
    clock.advance(5_000);
    await peer.closed;
    expect(peer.acks).toEqual([]);
  });

  it.each([
    ['close', []],
    ['AE', ['AE 1', 'AA 2']],
  ] as const)('rule 11: does not let a sender wait for room for ever: %s', async (storeRefusal, answers) => {
    const clock = fakeClock();
    const intake = fakeIntake(() => positive);
    const source = await sourceOn(intake, { storeRefusal }, { clock });
    const peer = await source.connect();
    intake.setRoom(false);
    peer.write(framed(numbered(1)));
    await vi.waitFor(() => expect(intake.waiting).toBe(1));
    clock.advance(15_000);
    await pause(20);
    expect(intake.waiting).toBe(1);
    clock.advance(5_000);
    await vi.waitFor(() => expect(intake.waiting).toBe(0));
    intake.setRoom(true);
    if (storeRefusal === 'close') {
      await vi.waitFor(() => expect(clock.pending).toBe(2));
      clock.advance(5_000);
      await peer.closed;
    } else {
      peer.write(framed(numbered(2)));
      await peer.answers(2);
    }
    expect(codes(peer)).toEqual(answers);
    expect(source.context.counts.mllp_unstored_total).toBe(1);
  });

  it('rule 11: answers negatively while the store takes nothing, where the sender resends on that', async () => {
    const intake = fakeIntake(() => positive);
    const peer = await (await sourceOn(intake, { storeRefusal: 'AE' })).connect();
    intake.refuseNext(new HubError('store-full', 'transient', 'storing: full'));
    peer.write(framed(numbered(1)));
    await peer.answers(1);
    peer.write(framed(numbered(1)));
    await peer.answers(2);
    expect(codes(peer)).toEqual(['AE 1', 'AA 1']);
  });

  it('rule 11: treats a receipt that says so like a refusal', async () => {
    const clock = fakeClock();
    const peer = await (
      await sourceOn(
        fakeIntake(() => failed('store-failed')),
        {},
        { clock },
      )
    ).connect();
    peer.write(framed(numbered(1)));
    // The second timer is the one that closes.
    await vi.waitFor(() => expect(clock.pending).toBe(2));
    clock.advance(5_000);
    await peer.closed;
    expect(peer.acks).toEqual([]);
  });
});
