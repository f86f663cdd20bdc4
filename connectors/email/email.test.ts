import { afterEach, describe, expect, it } from 'vitest';
import type { Outgoing } from '../../core/message.ts';
import { outcomesOf } from '../../core/testing/destination-suite.ts';
import { type Config, destinationTo, message, sent } from './testing/destination.ts';
import { type MailServer, mailServer } from './testing/mail-server.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const headerOf = (text: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*(?:\r\n .*)*)`, 'm').exec(text.split('\r\n\r\n')[0] ?? '')?.[1];

describe('a mail', () => {
  let server: MailServer;
  async function mailOf(each: Outgoing<unknown>, config: Partial<Config> = {}): Promise<string> {
    server = open.use(await mailServer());
    expect(await outcomesOf(destinationTo(server, config).destination, [each])).toEqual([sent]);
    return server.mails[0]?.text ?? '';
  }

  it('has the payload as its text, to the byte', async () => {
    const text = await mailOf(message(1, 'MSH|^~\\&|A\rPID|||4711||Müller\r\n.\r\n'));
    expect(headerOf(text, 'Content-Type')).toBe('text/plain; charset=utf-8');
    expect(Buffer.from(text.split('\r\n\r\n')[1] ?? '', 'base64').toString()).toBe(
      'MSH|^~\\&|A\rPID|||4711||Müller\r\n.\r\n',
    );
  });

  it.for(['text', 'attachment'] as const)('may be empty, as %s', async (body) => {
    const text = await mailOf(message(1, ''), { body });
    expect(headerOf(text, 'Subject')).toBe('A message');
  });

  it('has it as a file, with a name that is one and a text beside it', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 256));
    const config = { body: 'attachment', text: 'For ${meta.ward}', attachmentName: '${meta.name}' } as const;
    const text = await mailOf(message(1, bytes, { ward: 'A 3', name: '../x"\r\n.pdf' }), config);
    const [, , beside = '', file = ''] = text.split(/\r\n\r\n/);
    expect(Buffer.from(beside.split('--')[0] ?? '', 'base64').toString()).toBe('For A 3');
    expect(text).toContain('filename=_.._x___.pdf');
    expect(Buffer.compare(Buffer.from(file.split('--')[0] ?? '', 'base64'), bytes)).toBe(0);
  });

  it('rule 22: is the same for a retry, and known to be by its Message-ID', async () => {
    const first = await mailOf(message(1, 'x'), { body: 'attachment' });
    const retry = await mailOf({ ...message(1, 'x'), attempt: 2 }, { body: 'attachment' });
    expect(retry).toBe(first);
    expect(headerOf(first, 'Message-ID')).toBe('<019a0000-0000-7000-8000-000000000001.out.0@hospital.example>');
    expect(headerOf(first, 'Date')).toBe('Sat, 31 Jan 2026 23:59:58 +0000');
    expect(headerOf(first, 'Auto-Submitted')).toBe('auto-generated');
  });

  it('goes to those of to and cc, to each once', async () => {
    const config = { to: ['a@x.example', '${meta.to}'], cc: ['a@x.example', 'c@x.example'] };
    const text = await mailOf(message(1, 'x', { to: 'b@x.example' }), config);
    expect(server.mails[0]).toMatchObject({
      from: 'weir@hospital.example',
      to: ['a@x.example', 'b@x.example', 'c@x.example'],
    });
    expect(headerOf(text, 'To')).toBe('a@x.example, b@x.example');
    expect(headerOf(text, 'Cc')).toBe('a@x.example, c@x.example');
  });

  it('has no header and no command that meta could smuggle in', async () => {
    const evil = 'x\r\nBcc: evil@x.example\r\n\r\nRCPT TO:<evil@x.example>\r\n\u2028y';
    const text = await mailOf(message(1, 'x', { evil }), { subject: 'About ${meta.evil}${meta.missing}' });
    expect(headerOf(text, 'Subject')).toMatch(/^About x Bcc: evil@x\.example RCPT TO:<evil@x\.example>\s+y$/);
    expect(headerOf(text, 'Bcc')).toBeUndefined();
    expect(server.mails[0]?.to).toEqual(['lab@hospital.example']);
  });

  it.for([
    'a@x.example, b@x.example',
    'a@x.example\r\nRCPT TO:<b@x.example>',
    '<a@x.example>',
    'Name <a@x.example>',
    '"a b"@x.example',
    'a@x.example SIZE=1',
    '',
    'a',
    `${'a'.repeat(300)}@x.example`,
  ])('is not written where what meta gives as an address is %j', async (to) => {
    server = open.use(await mailServer());
    const { destination } = destinationTo(server, { to: ['${meta.to}'] });
    const [outcome] = await outcomesOf(destination, [message(1, 'x', { to })]);
    expect(outcome).toMatchObject({
      status: 'error',
      error: { code: 'encode-failed', kind: 'permanent', scope: 'message' },
    });
    expect(server.commands.join()).not.toContain('MAIL');
  });

  it('is not written as text where the payload is none', async () => {
    server = open.use(await mailServer());
    const { destination } = destinationTo(server);
    expect(await outcomesOf(destination, [message(1, Buffer.from([0xff, 0xfe, 0x00]))])).toMatchObject([
      { status: 'error', error: { code: 'encode-failed', kind: 'permanent', scope: 'message' } },
    ]);
  });

  it.for([
    { subject: '${payload}' },
    { subject: '${messageId}' },
    { subject: '${meta.x' },
    { to: [] },
    { from: 'Weir <weir@x.example>' },
    { contentType: 'text/plain; charset=x' },
  ])('is not configured with %j', (config) => {
    expect(() => destinationTo({ port: 1 }, config)).toThrow(/configuring email/);
  });
});
