import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HubError } from '../../core/errors.ts';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { draining, fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { arrived, codes, failed } from './testing/observed.ts';
import { framed, numbered } from './testing/peer.ts';
import { runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});
const sourceOn: typeof runSource = async (...args) => open.use(await runSource(...args));

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
