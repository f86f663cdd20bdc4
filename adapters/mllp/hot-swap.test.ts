import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { discard } from '../../connectors/discard/discard.ts';
import { defineChannel } from '../../core/builder.ts';
import { type EngineHarness, engineHarness, eventually } from '../../core/testing/engine-harness.ts';
import { readAck } from '../../protocols/hl7v2/read-ack.ts';
import { MllpDecoder } from '../../protocols/mllp/decoder.ts';
import { encodeFrame } from '../../protocols/mllp/encoder.ts';
import { mllp } from './mllp.ts';

const open: EngineHarness[] = [];
afterEach(async () => {
  for (const harness of open.splice(0)) await harness[Symbol.asyncDispose]();
});

const adt = (controlId: number) =>
  Buffer.from(`MSH|^~\\&|EHR|H|WEIR|H|20260101||ADT^A01|${controlId}|P|2.5\rPID|1||${controlId % 7}^^^H^MR\r`);

async function port(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

describe('deploying behind a listening socket', () => {
  test('rule 24: one connection survives 100 deploys, every message is acknowledged once and processed by one version', async () => {
    const listen = await port();
    const harness = await engineHarness({ endpoints: { in: { kind: 'tcp-listen', host: '127.0.0.1', listen } } });
    open.push(harness);
    const { engine, store } = harness;
    const seen: string[] = [];
    const version = (mark: string) =>
      defineChannel('swap')
        .from(mllp({ endpoint: 'in' }))
        .keyBy((message) => message.keys('PID-3[5=MR]'))
        .through((message) => {
          seen.push(mark);
          return message;
        })
        .to('nowhere', discard({})).definition;
    await engine.deploy(version('v0'), 'v0');

    const socket = connect(listen, '127.0.0.1');
    let closed = false;
    socket.on('close', () => {
      closed = true;
    });
    const decoder = new MllpDecoder(1_000_000);
    const acks: string[] = [];
    let sent = 0;
    let sending = true;
    const next = () => void socket.write(encodeFrame(adt(sent++)));
    socket.on('data', (chunk) => {
      for (const frame of decoder.decode(chunk)) {
        if (!Buffer.isBuffer(frame)) throw new Error(frame.code);
        const ack = readAck(frame);
        acks.push(`${ack.code} ${ack.controlId}`);
        if (sending) next();
      }
    });
    next();
    for (let n = 1; n <= 100; n++) {
      const before = seen.length;
      await engine.deploy(version(`v${n}`), `v${n}`);
      await eventually(() => seen.length > before);
    }
    sending = false;
    await eventually(() => acks.length === sent);
    await eventually(() => seen.length === sent);
    expect(closed).toBe(false);
    expect(acks).toEqual(Array.from({ length: sent }, (_, n) => `AA ${n}`));
    // Versions only ever go up, and most of them did work.
    const numbers = seen.map((mark) => Number(mark.slice(1)));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBeGreaterThan(90);
    await eventually(async () => (await store.counts())[0]?.destinations[0]?.sent === sent);
    socket.destroy();
  });

  test('a changed source takes over the port, and a stopped channel gives it back', async () => {
    const listen = await port();
    const harness = await engineHarness({ endpoints: { in: { kind: 'tcp-listen', host: '127.0.0.1', listen } } });
    open.push(harness);
    const { engine } = harness;
    const channel = (maxConnections: number) =>
      defineChannel('swap')
        .from(mllp({ endpoint: 'in', maxConnections }))
        .to('nowhere', discard({})).definition;
    await engine.deploy(channel(5), 'v1');
    await engine.deploy(channel(6), 'v2');
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(listen, '127.0.0.1', () => socket.write(encodeFrame(adt(1))));
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        resolve(chunk.toString('latin1'));
        socket.destroy();
      });
    });
    expect(answer).toContain('MSA|AA|1');
    await engine.stop('swap', { actor: 'analyst', reason: 'test' });
    await expect(
      new Promise((resolve, reject) => {
        connect(listen, '127.0.0.1', () => resolve('connected')).on('error', reject);
      }),
    ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('two channels on one port: the second is refused with one clear line, the first goes on', async () => {
    const listen = await port();
    const harness = await engineHarness({
      endpoints: {
        in: { kind: 'tcp-listen', host: '127.0.0.1', listen },
        same: { kind: 'tcp-listen', host: '127.0.0.1', listen },
      },
    });
    open.push(harness);
    const { engine } = harness;
    await engine.deploy(
      defineChannel('one')
        .from(mllp({ endpoint: 'in' }))
        .to('nowhere', discard({})).definition,
      'v1',
    );
    await expect(
      engine.deploy(
        defineChannel('two')
          .from(mllp({ endpoint: 'in' }))
          .to('nowhere', discard({})).definition,
        'v1',
      ),
    ).rejects.toThrow('deploying two: endpoint:in belongs to channel one');
    await expect(
      engine.deploy(
        defineChannel('three')
          .from(mllp({ endpoint: 'same' }))
          .to('nowhere', discard({})).definition,
        'v1',
      ),
    ).rejects.toMatchObject({
      code: 'port-in-use',
    });
  });
});
