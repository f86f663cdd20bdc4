import { readdir, readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadChannelFile } from '../core/config/channels-folder.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { shippedRegistry } from '../hub/registry.ts';
import { type ChannelHarness, channelHarness } from '../hub/testing/channel-harness.ts';
import { type AckCode, acknowledge } from '../protocols/hl7v2/ack.ts';
import { FrameFault, MllpDecoder } from '../protocols/mllp/decoder.ts';
import { encodeFrame } from '../protocols/mllp/encoder.ts';

const fixtures = join(import.meta.dirname, '../test-fixtures/hl7v2');

async function definition() {
  const read = await loadChannelFile(join(import.meta.dirname, 'orders-to-lab.channel.yaml'), {
    directory: import.meta.dirname,
    registry: shippedRegistry(),
    code: { load: () => Promise.reject(new Error('it has no script')) },
    weirVersion: '0',
  });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value.definition;
}

/** A laboratory system that answers each order with the next of these codes, the last one for ever. */
class Laboratory implements AsyncDisposable {
  received: Buffer[] = [];
  #codes: readonly AckCode[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      const decoder = new MllpDecoder(1_000_000);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        for (const framed of decoder.decode(chunk)) {
          if (framed instanceof FrameFault) throw new Error(framed.code);
          const code = this.#codes[Math.min(this.received.length, this.#codes.length - 1)]!;
          this.received.push(framed);
          socket.write(encodeFrame(acknowledge(framed, { code, controlId: `L${this.received.length}`, now: 0 })));
        }
      });
    });
  }

  answers(...codes: readonly AckCode[]): void {
    this.#codes = codes;
    this.received = [];
  }

  async endpoint(): Promise<Endpoint> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return { kind: 'tcp-connect', host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

const lab = new Laboratory();
let channel: ChannelHarness;
beforeAll(async () => {
  channel = await channelHarness(await definition(), { 'lab-orders': await lab.endpoint() });
});
afterAll(async () => {
  await channel[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

describe('orders-to-lab', () => {
  it('sends an order, keeps the answer, and archives what it sent', async () => {
    lab.answers('AA');
    const message = await channel.send('orm-o01.hl7');
    expect(message.parts.map(({ destination, status }) => `${destination} ${status}`).sort()).toEqual([
      'archive sent',
      'lab sent',
    ]);
    const order = await readFile(join(fixtures, 'orm-o01.hl7'));
    expect(lab.received).toEqual([order]);
    const { contents } = await channel.content(message.id);
    expect(Buffer.from(contents.find(({ destination }) => destination === 'lab')!.reply!).toString()).toContain(
      'MSA|AA|ORM00001',
    );
    const [file] = await readdir(channel.directory);
    expect(await readFile(join(channel.directory, file!))).toEqual(order);
  });

  it('rule 18: makes an order that the laboratory refuses with AE a dead letter', async () => {
    lab.answers('AE');
    const { parts } = await channel.send('oml-o21.hl7');
    const [archive, laboratory] = parts.toSorted((a, b) => (a.destination < b.destination ? -1 : 1));
    expect(laboratory).toMatchObject({ status: 'error', attempts: 1, error: { code: 'reply-negative' } });
    expect(archive).toMatchObject({ status: 'sent' });
  });

  it('rule 18: sends an order again that the laboratory answers with AR', async () => {
    lab.answers('AR', 'AA');
    expect((await channel.send('orm-o01.hl7')).status).toBe('sent');
    expect(lab.received).toHaveLength(2);
    expect(lab.received[1]).toEqual(lab.received[0]);
  });

  it('filters what is no order', async () => {
    expect((await channel.send('adt-a01.hl7')).status).toBe('filtered');
  });
});
