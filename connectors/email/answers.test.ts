import { afterEach, describe, expect, it } from 'vitest';
import { outcomesOf } from '../../core/testing/destination-suite.ts';
import { destinationTo, message, sent } from './testing/destination.ts';
import { mailServer } from './testing/mail-server.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

describe('what the mail server says', () => {
  it.for([
    ['RCPT TO', '550 no such user: doe@x.example', 'permanent', 'message'],
    ['RCPT TO', '450 greylisted', 'transient', 'message'],
    ['RCPT TO', '452 too many recipients', 'transient', 'message'],
    ['.', '554 looks like spam', 'permanent', 'message'],
    ['.', '451 try again', 'transient', 'message'],
    ['MAIL FROM', '552 too long', 'permanent', 'message'],
    ['MAIL FROM', '530 log in first', 'transient', 'destination'],
    ['MAIL FROM', '452 insufficient system storage', 'transient', 'destination'],
    ['.', '452 insufficient system storage', 'transient', 'destination'],
    ['RCPT TO', '421 closing', 'transient', 'destination'],
    ['CONNECT', '554 no service here', 'transient', 'destination'],
    ['EHLO', '421 closing', 'transient', 'destination'],
  ] as const)('to %s, %s, is %s and of the %s', async ([command, line, kind, scope]) => {
    const server = open.use(await mailServer());
    const { destination } = destinationTo(server);
    server.say = (each) => (each.startsWith(command) ? line : undefined);
    const outcomes = await outcomesOf(destination, [message(1), message(2)]);
    expect(outcomes).toMatchObject([{ status: 'error', error: { kind, scope } }, { status: 'untried' }]);
    expect(JSON.stringify(outcomes[0])).not.toContain(line.slice(4));
    server.say = () => undefined;
    expect(await outcomesOf(destination, [message(1), message(2)])).toEqual([sent, sent]);
  });

  it('to one of several recipients is not taken for success', async () => {
    const server = open.use(await mailServer());
    const { destination } = destinationTo(server, { to: ['a@x.example', 'b@x.example', 'c@x.example'] });
    server.say = (each) => (/^RCPT.*<b@/.test(each) ? '550 no' : undefined);
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([
      {
        status: 'error',
        error: {
          ...{ code: 'reply-negative', kind: 'permanent', scope: 'message' },
          message: 'sending a mail: 1 of 3 recipients are refused with 550, the others have got it',
        },
      },
    ]);
    expect(server.mails[0]?.to).toEqual(['a@x.example', 'c@x.example']);
  });

  it('of its size is heeded before anything is sent', async () => {
    const server = open.use(await mailServer());
    server.offers = ['SIZE 1000'];
    const { destination } = destinationTo(server);
    expect(await outcomesOf(destination, [message(1, 'x'.repeat(2000))])).toMatchObject([
      { status: 'error', error: { kind: 'permanent', scope: 'message', message: expect.stringContaining('longer') } },
    ]);
    expect(server.commands.join()).not.toContain('MAIL');
  });

  it('is not collected without end', async () => {
    const server = open.use(await mailServer());
    const { destination } = destinationTo(server);
    server.say = (each) => (each === 'EHLO' ? `250-${'x'.repeat(10_000_000)}` : undefined);
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([
      { status: 'error', error: { code: 'refused', scope: 'destination' } },
    ]);
  });
});

describe('a mail server that goes away', () => {
  it.for([
    ['CONNECT', 'refused', 'error'],
    ['EHLO', 'refused', 'error'],
    ['MAIL FROM', 'lost', 'error'],
    ['RCPT TO', 'lost', 'error'],
    ['DATA', 'lost', 'error'],
    ['.', 'lost', 'uncertain'],
  ] as const)('rule 19: at %s leaves the mail %s, %s', async ([command, how, status]) => {
    const server = open.use(await mailServer());
    const { destination } = destinationTo(server, { connectTimeoutMs: 400, sendTimeoutMs: 400 });
    for (const said of ['reset', 'silence'] as const) {
      server.say = (each) => (each.startsWith(command) ? said : undefined);
      const code = how === 'refused' ? 'refused' : said === 'reset' ? 'connection-lost' : 'reply-timeout';
      expect(await outcomesOf(destination, [message(1), message(2)])).toMatchObject([
        { status, error: { code, kind: 'transient', scope: 'destination' } },
        { status: 'untried' },
      ]);
    }
    server.say = () => undefined;
    expect(await outcomesOf(destination, [message(1), message(2)])).toEqual([sent, sent]);
  });

  it('rule 15: and cannot be reached is an error of the destination', async () => {
    const server = await mailServer();
    await server[Symbol.asyncDispose]();
    const { destination, context } = destinationTo(server);
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([
      { status: 'error', error: { code: 'refused', kind: 'transient', scope: 'destination' } },
    ]);
    expect(context.reported.at(-1)?.state).toBe('retrying');
  });
});
