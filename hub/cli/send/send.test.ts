import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AckCode, acknowledge } from '../../../protocols/hl7v2/ack.ts';
import { readHeader } from '../../../protocols/hl7v2/header.ts';
import { MllpDecoder } from '../../../protocols/mllp/decoder.ts';
import { encodeFrame } from '../../../protocols/mllp/encoder.ts';
import { messagesToSend } from './messages-to-send.ts';
import { type PlayOptions, play } from './player.ts';
import { Tally } from './tally.ts';

const fixtures = join(import.meta.dirname, '../../../test-fixtures/hl7v2');

function message(controlId: string, acks = ''): Buffer {
  return Buffer.from(`MSH|^~\\&|A|B|C|D|20260302||ADT^A08|${controlId}|P|2.5${acks}\r`);
}

/** Answers by the control id: `AE…` with AE; `none…` not at all; `drop…` by closing; in enhanced mode with CA, then AA. */
function answer(socket: Socket, framed: Buffer): void {
  const { controlId, acceptAckType } = readHeader(framed)!;
  const reply = (code: AckCode) => socket.write(encodeFrame(acknowledge(framed, { code, controlId: 'R', now: 0 })));
  if (controlId.startsWith('drop')) socket.destroy();
  else if (controlId.startsWith('AE')) reply('AE');
  else if (!controlId.startsWith('none')) {
    if (acceptAckType === 'AL') reply('CA');
    if (!controlId.startsWith('commit')) reply('AA');
  }
}

let server: Server;
let received: Buffer[];
let busiest: number;
let connections: number;

beforeEach(async () => {
  received = [];
  connections = 0;
  busiest = 0;
  server = createServer((socket) => {
    connections++;
    const decoder = new MllpDecoder(1_000_000);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const frames = decoder.decode(chunk) as Buffer[];
      busiest = Math.max(busiest, frames.length);
      received.push(...frames);
      setImmediate(() => {
        for (const framed of frames) if (!socket.destroyed) answer(socket, framed);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

async function played(messages: readonly Buffer[], options: Partial<PlayOptions> = {}): Promise<Tally> {
  const tally = new Tally();
  const { port } = server.address() as AddressInfo;
  const one = { to: { host: '127.0.0.1', port }, connections: 1, pipeline: 1, repeat: 1, timeoutMs: 5_000 };
  await play(messages, { ...one, signal: new AbortController().signal, ...options }, tally);
  return tally;
}

describe('weir send', () => {
  it('waits for each answer before the next message, and leaves the bytes as they are', async () => {
    const messages = Array.from({ length: 20 }, (_, n) => message(`${n}`));
    const tally = await played(messages);
    expect(received).toEqual(messages);
    expect(busiest).toBe(1);
    expect([...tally.codes]).toEqual([['AA', 20]]);
    expect(tally.percentiles()?.p50).toBeLessThanOrEqual(tally.percentiles()!.max);
  });

  it('shares the messages out among connections, each as often as asked', async () => {
    const tally = await played([message('a'), message('b')], { connections: 3, repeat: 15, pipeline: 4 });
    expect(connections).toBe(3);
    expect(tally.answers).toBe(30);
    expect(received.filter((each) => each.equals(message('a')))).toHaveLength(15);
  });

  it('keeps to the rate', async () => {
    const startedAt = performance.now();
    await played([message('a')], { repeat: 11, rate: 50, connections: 2 });
    expect(performance.now() - startedAt).toBeGreaterThan(180);
  });

  it('counts a commit accept and the application’s answer after it as one message', async () => {
    const tally = await played([message('same', '|||AL|AL'), message('same', '|||AL|AL'), message('next')], {
      repeat: 2,
    });
    expect(tally.answers).toBe(6);
    expect(Object.fromEntries(tally.codes)).toEqual({ CA: 4, AA: 6 });
    expect(tally.stray).toBe(0);
  });

  it('counts negative answers, and goes on after a connection that broke or stayed silent', async () => {
    const tally = await played([message('AE1'), message('drop1'), message('none1'), message('ok')], { timeoutMs: 200 });
    expect(tally.negative).toBe(1);
    expect(tally.unanswered).toBe(2);
    expect(tally.codes.get('AA')).toBe(1);
    expect(connections).toBe(3);
  });

  it('does not wait for ever for an application that never answers after the commit accept', async () => {
    const tally = await played([message('commit', '|||AL|AL')], { timeoutMs: 100 });
    expect(tally.answers).toBe(1);
    expect(Object.fromEntries(tally.codes)).toEqual({ CA: 1 });
  });

  it('rejects when nobody listens', async () => {
    await expect(played([message('a')], { to: { host: '127.0.0.1', port: 1 } })).rejects.toThrow(/ECONNREFUSED/);
  });

  it('takes batches, files of several messages and directories apart', async () => {
    expect(await messagesToSend([join(fixtures, 'batch-file.hl7'), join(fixtures, 'batch-bare.hl7')])).toHaveLength(5);
    const directory = await mkdtemp(join(tmpdir(), 'weir-send-'));
    await writeFile(join(directory, 'b.hl7'), message('second'));
    await writeFile(join(directory, 'a.hl7'), message('first'));
    expect((await messagesToSend([directory])).map((each) => readHeader(each)?.controlId)).toEqual(['first', 'second']);
    await rm(directory, { recursive: true });
    await expect(messagesToSend([join(fixtures, 'no-msh.hl7')])).rejects.toThrow(/no-msh\.hl7: /);
    await expect(messagesToSend(['/no/such/file'])).rejects.toThrow(/there is no such file/);
  });
});
