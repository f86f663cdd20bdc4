import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { eventually, reading, texts } from './testing/reading.ts';
import { type ScriptedServer, scriptedServer } from './testing/scripted-server.ts';

const lockedKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'p' },
}).privateKey;

describe('the sftp source, against a server that misbehaves', () => {
  let server: ScriptedServer;
  let open = new AsyncDisposableStack();
  beforeEach(async () => {
    server = open.use(await scriptedServer());
  });
  afterEach(async () => {
    await open.disposeAsync();
    open = new AsyncDisposableStack();
  });
  const file = (text: string) => ({ content: Buffer.from(text) });

  it.for(['password', 'keyboard-interactive'] as const)('logs in with its password by %s', async (method) => {
    server.methods = [method];
    server.files.set('a', file('one'));
    const intake = fakeIntake(() => positive);
    open.use(reading(intake, server.endpoint()));
    await eventually(() => expect(texts(intake)).toEqual(['one']));
    await eventually(() => expect(server.files.size).toBe(0));
  });

  it('keeps trying while its password is refused, and never says which it is', async () => {
    server.password = 'another one';
    server.files.set('a', file('one'));
    const intake = fakeIntake(() => positive);
    const { context } = open.use(reading(intake, server.endpoint()));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    expect(context.logged).toMatchObject([{ text: expect.stringContaining('does not accept the user') }]);
    expect(JSON.stringify(context.logged)).not.toContain('sesame');
    server.password = 'open sesame';
    await eventually(() => expect(texts(intake)).toEqual(['one']));
  });

  it('sends neither password nor name to a server with another host key', async () => {
    const { context } = open.use(reading(fakeIntake(), server.endpoint({ hostKeys: [`SHA256:${'A'.repeat(43)}`] })));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    expect(server.logins).toEqual([]);
    expect(context.logged[0]?.text).toContain(server.fingerprint);
  });

  it.for([
    ['that is none', 'not a key', undefined],
    ['with a passphrase that is not given', lockedKey, undefined],
    ['with another passphrase', lockedKey, 'q'],
  ] as const)('reports a private key %s, and shows nothing of it', async ([, privateKey, passphrase]) => {
    const endpoint = server.endpoint({ privateKey, ...(passphrase && { passphrase }) });
    const { context } = open.use(reading(fakeIntake(), endpoint));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    expect(context.logged).toMatchObject([{ text: expect.stringContaining('privateKey cannot be read') }]);
    expect(context.logged[0]?.text).not.toContain('not a key');
  });

  it('reports a file that it may not read with growing pauses, and reads the others', async () => {
    server.fault = (request, path) => (request === 'OPEN' && path === 'a-locked' ? 3 : undefined);
    server.files.set('a-locked', file('x')).set('b', file('readable'));
    const intake = fakeIntake(() => positive);
    const { context } = open.use(reading(intake, server.endpoint()));
    await eventually(() => expect(texts(intake)).toEqual(['readable']));
    await eventually(() => expect(context.counts.sftp_unreadable_total).toBeGreaterThan(1));
    expect(context.counts.sftp_unreadable_total).toBeLessThan(8);
    expect(JSON.stringify(context.logged)).not.toContain('a-locked');
  });

  it('reports a directory that it may not read, and waits', async () => {
    server.fault = (request) => (request === 'OPENDIR' ? 3 : undefined);
    const { context } = open.use(reading(fakeIntake(), server.endpoint()));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    expect(context.logged[0]?.text).toBe('working in the directory of in: permission denied');
    server.fault = () => undefined;
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('reading'));
  });

  it('passes over names that could lead elsewhere, and links', async () => {
    for (const name of ['../passwd', '/etc/passwd', 'a/b', '..\\x', '', '..', 'x\0y', '\uFFFD'])
      server.files.set(name, file('out of reach'));
    server.files.set('link', { ...file('out of reach'), mode: 0o120777 });
    server.files.set('fine', file('fine'));
    const intake = fakeIntake(() => positive);
    open.use(reading(intake, server.endpoint()));
    await eventually(() => expect(texts(intake)).toEqual(['fine']));
    await pause(50);
    expect(texts(intake)).toEqual(['fine']);
    expect(server.requests.filter((request) => request.startsWith('OPEN '))).toEqual(['OPEN fine']);
  });

  it('never asks for the bytes of a file that is too long by what the server says, or by what it is', async () => {
    server.files.set('a', { ...file('x'), claimedSize: 2 ** 45 });
    server.files.set('b', { ...file('shorter'), claimedSize: 1000 });
    server.files.set('c', file('fine'));
    const intake = fakeIntake(() => positive);
    open.use(reading(intake, server.endpoint(), { maxMessageBytes: 2000 }));
    await eventually(() => expect(texts(intake)).toEqual(['fine']));
    await eventually(() => expect(server.files.has('error/a')).toBe(true));
    await pause(50);
    expect(texts(intake)).toEqual(['fine']);
    expect(server.requests).not.toContain('READ a');
  });

  it('looks at no more than 50,000 entries of a listing', async () => {
    for (let number = 0; number < 51_000; number++) server.files.set(`.${number}`, file(''));
    open.use(reading(fakeIntake(), server.endpoint()));
    await eventually(() => expect(server.requests).toContain('CLOSE .'));
    expect(server.requests.slice(0, server.requests.indexOf('CLOSE .')).length).toBeLessThan(510);
  });

  it.for(['silence', 'reset'] as const)('goes on after a %s in place of each answer', async (fault) => {
    server.files.set('a', file('one'));
    const intake = fakeIntake(() => positive);
    const faulty = ['OPENDIR', 'READDIR', 'OPEN', 'FSTAT', 'READ', 'LSTAT', 'REMOVE'];
    server.fault = (request) => {
      if (request !== faulty[0]) return undefined;
      faulty.shift();
      return fault;
    };
    open.use(reading(intake, server.endpoint(), { replyTimeoutMs: 50 }));
    await eventually(() => expect(server.files.size).toBe(0));
    expect(faulty).toEqual([]);
    expect(texts(intake)).toEqual(['one']);
  });
});
