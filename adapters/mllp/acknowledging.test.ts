import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Receipt } from '../../core/outcome.ts';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { arrived, codes, failed } from './testing/observed.ts';
import { framed, numbered } from './testing/peer.ts';
import { runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});
const sourceOn: typeof runSource = async (...args) => open.use(await runSource(...args));

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
