import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { encodeFrame } from '../../protocols/mllp/encoder.ts';
import { type Answer, acking, destinationTo, farEnd, order, text } from './testing/far-end.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

type Config = Parameters<typeof destinationTo>[1];

async function pair(answer: Answer = acking(), config: Config = {}) {
  const far = open.use(await farEnd(answer));
  const { destination, context } = destinationTo(far.port, config);
  open.use(destination);
  return { far, destination, context };
}

/** The outcome in short: `sent`, or status, code, kind and scope. */
function brief(outcomes: readonly WriteOutcome[] | void): readonly string[] {
  return (outcomes ?? []).map((outcome) => {
    if (outcome.status === 'sent' || outcome.status === 'untried') return outcome.status;
    const { code, kind, scope } = outcome.error;
    return `${outcome.status} ${code} ${kind} ${scope}`;
  });
}

const withErrors = (code: 'AE' | 'AR', error: string) => acking(code, { errors: [{ code: error, severity: 'E' }] });

describe('rule 18: the response table of an MLLP destination', () => {
  const deadLetter = 'error reply-negative permanent message';
  const retry = 'error reply-negative transient message';
  it.each([
    ['AA', acking('AA'), {}, 'sent'],
    ['CA', acking('CA'), {}, 'sent'],
    ['AE', acking('AE'), {}, deadLetter],
    ['CE', acking('CE'), {}, deadLetter],
    ['AR', acking('AR'), {}, retry],
    ['CR', acking('CR'), {}, retry],
    ['AE with ERR-3.1 206', withErrors('AE', '206'), {}, retry],
    ['AE with ERR-3.1 101', withErrors('AE', '101'), {}, deadLetter],
    ['AE where the table says retry', acking('AE'), { AE: 'retry' }, retry],
    ['AE where the table says accept', acking('AE'), { AE: 'accept' }, 'sent'],
    ['AR where the table says dead-letter', acking('AR'), { AR: 'dead-letter' }, deadLetter],
    ['205 where the table says accept', withErrors('AE', '205'), { 'ERR-3.1=205': 'accept' }, 'sent'],
    ['206 where the table says dead-letter', withErrors('AR', '206'), { 'ERR-3.1=206': 'dead-letter' }, deadLetter],
  ] as const)('%s', async (_, answer, response, expected) => {
    const { destination } = await pair(answer, { response });
    expect(brief(await destination.write([order(1)], patient))).toEqual([expected]);
  });

  it('reads the error code of ERR-1 in versions before 2.5 too', async () => {
    const old = 'MSH|^~\\&|LAB|||||ACK|9|P|2.3\rMSA|AE|1|locked\rERR|PID^1^3^206&Application record locked&HL70357\r';
    const { destination } = await pair((_, socket) => void socket.write(encodeFrame(Buffer.from(old))));
    expect(brief(await destination.write([order(1)], patient))).toEqual([retry]);
  });

  it('keeps the answer beside the outcome, the negative one too, and quotes nothing of it', async () => {
    const { destination } = await pair(acking('AE', { text: 'Jane Doe unknown' }));
    const [outcome] = (await destination.write([order(1)], patient)) ?? [];
    expect(outcome).toMatchObject({ status: 'error' });
    if (outcome?.status !== 'error') return;
    expect(String(outcome.reply)).toContain('Jane Doe');
    expect(outcome.error.message).toBe('sending the message: the far end answered AE (ERR 207)');
  });

  it.each([
    ['retry', 'uncertain reply-timeout transient message'],
    ['dead-letter', 'error reply-timeout permanent message'],
    ['accept', 'sent'],
  ] as const)('no answer, where the table says %s', async (none, expected) => {
    const { destination } = await pair(() => undefined, { ackTimeoutMs: 50, response: { none } });
    expect(brief(await destination.write([order(1)], patient))).toEqual([expected]);
  });

  it.each(['XX', 'ERR-3.1='])('refuses %s as a key', (key) => {
    expect(() => destinationTo(1, { response: { [key]: 'retry' } as never })).toThrow(HubError);
  });
});

describe('MSA-2 of the answer', () => {
  const stranger: Answer = (message, socket) => acking()(Buffer.from(String(message).replace('|1|P', '|99|P')), socket);
  it('strict: another one is no answer, and ends the connection', async () => {
    const { far, destination } = await pair(stranger);
    expect(brief(await destination.write([order(1)], patient))).toEqual(['uncertain reply-invalid transient message']);
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
  });

  it('warn: another one counts, with a warning', async () => {
    const { destination, context } = await pair(stranger, { messageControlId: 'warn' });
    expect(brief(await destination.write([order(1)], patient))).toEqual(['sent']);
    expect(context.counts.mllp_mismatched_answers_total).toBe(1);
    expect(context.logged).toMatchObject([{ level: 'warn' }]);
  });

  it('off: is not looked at', async () => {
    const { destination, context } = await pair(stranger, { messageControlId: 'off' });
    expect(brief(await destination.write([order(1)], patient))).toEqual(['sent']);
    expect(context.counts).toEqual({});
  });
});

describe('the connection of an MLLP destination', () => {
  it('stays, and carries one message after the other', async () => {
    const { far, destination, context } = await pair();
    for (let number = 1; number <= 20; number++) await destination.write([order(number)], patient);
    expect(far.controlIds).toEqual(Array.from({ length: 20 }, (_, at) => String(at + 1)));
    expect(far.connections).toBe(1);
    expect(context.reported.map((report) => report.state)).toEqual(['idle', 'connecting', 'connected']);
  });

  it('is made again when the far end has closed it between two messages', async () => {
    const { far, destination, context } = await pair();
    await destination.write([order(1)], patient);
    for (const socket of far.sockets) socket.destroy();
    await vi.waitFor(() => expect(context.reported.at(-1)?.state).toBe('idle'));
    expect(brief(await destination.write([order(2)], patient))).toEqual(['sent']);
    expect(far.connections).toBe(2);
  });

  it('rule 15: refused is the destination’s error, not the message’s', async () => {
    const { far, destination, context } = await pair();
    await far[Symbol.asyncDispose]();
    expect(brief(await destination.write([order(1)], patient))).toEqual(['error refused transient destination']);
    expect(context.reported.at(-1)?.state).toBe('retrying');
  });

  it('rule 19: broken after the message was written is uncertain', async () => {
    const { destination } = await pair((_, socket) => void socket.resetAndDestroy());
    expect(brief(await destination.write([order(1)], patient))).toEqual([
      'uncertain connection-lost transient destination',
    ]);
  });

  it('rule 19: is destroyed when an answer is late, so that the late one is not taken for the next', async () => {
    const answers: (() => void)[] = [];
    const { far, destination } = await pair((message, socket) => void answers.push(() => acking()(message, socket)), {
      ackTimeoutMs: 400,
    });
    expect(brief(await destination.write([order(1)], patient))).toEqual(['uncertain reply-timeout transient message']);
    answers[0]?.();
    far.answer = acking('AE');
    expect(brief(await destination.write([order(2)], patient))).toEqual(['error reply-negative permanent message']);
    expect(far.connections).toBe(2);
  });

  it.each([
    ['an answer nobody asked for', encodeFrame(Buffer.from('MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|AA|1\r'))],
    ['bytes that are no frame', Buffer.from('hello')],
    ['the beginning of one', Buffer.from('\x0bMSH')],
  ])('is destroyed when %s comes while it is idle', async (_, bytes) => {
    const { far, destination } = await pair();
    await destination.write([order(1)], patient);
    for (const socket of far.sockets) socket.write(bytes);
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
    expect(brief(await destination.write([order(2)], patient))).toEqual(['sent']);
  });

  it('is destroyed when an answer has bytes behind it', async () => {
    const { far, destination } = await pair((message, socket) => {
      acking()(message, socket);
      socket.write('trailing');
    });
    await destination.write([order(1)], patient);
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
  });

  it.each([
    ['no acknowledgement', encodeFrame(Buffer.from('MSH|^~\\&|||||||ADT^A01|1|P|2.5\rPID|1\r'))],
    ['not HL7', encodeFrame(Buffer.from('no'))],
    ['badly framed', Buffer.from('\x0bMSH|^~\\&|\x1c\n')],
  ])('is destroyed when the answer is %s', async (_, bytes) => {
    const { far, destination } = await pair((_message, socket) => void socket.write(bytes));
    expect(brief(await destination.write([order(1)], patient))).toEqual(['uncertain reply-invalid transient message']);
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
  });

  it('is one of several, each with a message of its own', async () => {
    const { far, destination, context } = await pair(() => undefined, { connections: 3 });
    const writes = [1, 2, 3, 4].map((number) => destination.write([order(number)], patient));
    await vi.waitFor(() => expect(far.received).toHaveLength(3));
    await pause(20);
    expect(far.received).toHaveLength(3);
    expect(context.reported.at(-1)).toEqual({ state: 'connected', connections: 3 });
    far.answer = acking();
    const sockets = [...far.sockets];
    far.received.forEach((message, at) => {
      acking()(message, sockets[at]!);
    });
    for (const outcome of await Promise.all(writes)) expect(brief(outcome)).toEqual(['sent']);
    expect(far.connections).toBe(3);
  });

  it('ends with the destination; what was on its way is uncertain', async () => {
    const { far, destination } = await pair(() => undefined);
    const writing = destination.write([order(1)], patient);
    await vi.waitFor(() => expect(far.received).toHaveLength(1));
    await destination[Symbol.asyncDispose]();
    expect(brief(await writing)).toEqual(['uncertain connection-lost transient destination']);
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
  });
});

describe('enhanced acknowledgement at an MLLP destination', () => {
  const two =
    (commit: 'CA' | 'CE', application: 'AA' | 'AE'): Answer =>
    (message, socket) => {
      acking(commit)(message, socket);
      setTimeout(() => acking(application)(message, socket), 20);
    };
  it('waits for the application’s answer after the commit accept', async () => {
    const { destination } = await pair(two('CA', 'AE'));
    expect(brief(await destination.write([order(1, 'AL|AL')], patient))).toEqual([
      'error reply-negative permanent message',
    ]);
  });

  it('is content with the commit accept where told so, and passes over the answers that follow', async () => {
    const { far, destination } = await pair(two('CA', 'AE'), { waitFor: 'commit' });
    for (let number = 1; number <= 3; number++) {
      expect(brief(await destination.write([order(number, 'AL|AL')], patient))).toEqual(['sent']);
      await pause(number === 2 ? 40 : 0);
    }
    expect(far.connections).toBe(1);
  });

  it('takes a refused commit for the last word', async () => {
    const { destination } = await pair(acking('CE'));
    expect(brief(await destination.write([order(1, 'AL|AL')], patient))).toEqual([
      'error reply-negative permanent message',
    ]);
  });

  it('takes the commit accept where the message asks for no more', async () => {
    const { destination } = await pair(acking('CA'));
    expect(brief(await destination.write([order(1, 'AL|NE')], patient))).toEqual(['sent']);
  });

  it('waits for nothing where the message asks for nothing', async () => {
    const { far, destination } = await pair(() => undefined);
    expect(brief(await destination.write([order(1, 'NE|NE')], patient))).toEqual(['sent']);
    await vi.waitFor(() => expect(far.controlIds).toEqual(['1']));
  });
});

it('passes over answers to messages that asked for none, on the same connection', async () => {
  const { far, destination } = await pair(acking());
  for (let number = 1; number <= 3; number++) {
    expect(brief(await destination.write([order(number, 'NE|NE')], patient))).toEqual(['sent']);
    await pause(20);
  }
  expect(far.controlIds).toEqual(['1', '2', '3']);
  expect(far.connections).toBe(1);
});

describe('what an MLLP destination writes', () => {
  it('is the bytes of the message, unchanged', async () => {
    const { far, destination } = await pair();
    const message = order(1);
    await destination.write([message], patient);
    expect(far.received[0]).toEqual(message.bytes);
  });

  it('rule 22: has an MSH-10 made from the effect id where told so: the same at a retry', async () => {
    const { far, destination } = await pair(acking(), { controlId: 'effect' });
    for (const message of [order(1), order(1), order(2)]) await destination.write([message], patient);
    const [first, again, other] = far.controlIds;
    expect(first).toMatch(/^[0-9A-F]{20}$/);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(String(far.received[0])).toBe(text(first!));
  });

  it('is nothing where the content holds a byte that MLLP reserves', async () => {
    const { far, destination } = await pair();
    const bytes = Buffer.from(`${text(1)}NTE|1||a\x1cb\r`);
    const message = outgoing({ number: 1, payload: parse(bytes), bytes });
    expect(brief(await destination.write([message], patient))).toEqual(['error encode-failed permanent message']);
    expect(far.connections).toBe(0);
  });
});
