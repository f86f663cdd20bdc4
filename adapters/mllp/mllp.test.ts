import { afterEach, describe, expect, it, vi } from 'vitest';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { codes } from './testing/observed.ts';
import { framed, numbered } from './testing/peer.ts';
import { runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});
const sourceOn: typeof runSource = async (...args) => open.use(await runSource(...args));

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
