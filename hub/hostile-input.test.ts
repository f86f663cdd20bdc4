/** Rule 5 of the architecture: no input stops a channel or the process. Everything here goes through sockets into a real hub. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectPeer, framed, numbered } from '../adapters/mllp/testing/peer.ts';
import type { ChannelStatus } from '../core/runtime/engine.ts';
import type { MessagePage } from '../core/store/message-store.ts';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, peakMegabytes, type Workplace, weir, workplace } from './testing/hub-process.ts';

const faultsPerMinute = 60;
let place: Workplace;
let hub: HubProcess;
let port: number;
beforeAll(async () => {
  port = await freePort();
  place = await workplace({
    'channels/env/test.yaml': `endpoints:\n  in: { kind: tcp-listen, listen: ${port} }\n`,
    'channels/one.channel.yaml': `channel: one
source: { mllp: { endpoint: in, maxMessageBytes: 24MB, faultsPerMinute: ${faultsPerMinute} } }
key: ['PID-3']
destinations:
  gone: { steps: [ hl7v2-to-patient-event: {} ], to: { publish: { topic: clinical.patient.v1 } } }
  raw: { input: source, to: { discard: {} } }
`,
  });
  hub = await hubProcess(place);
});
afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

const status = () => hub.get<ChannelStatus>('/api/channels/one');

async function ofControlId(controlId: string) {
  const { messages } = await hub.get<MessagePage>(`/api/messages?meta.hl7.controlId=${controlId}`);
  return messages[0];
}

/** Sends one message and resolves with its code and how it stands when nothing is on its way any more. */
async function sent(controlId: string, bytes: string | Uint8Array) {
  const peer = await connectPeer(port);
  peer.write(bytes);
  const [ack] = await peer.answers(1);
  peer.socket.destroy();
  await expect.poll(async () => (await status()).inFlight).toBe(0);
  return { code: ack!.code, message: await ofControlId(controlId) };
}

describe('a hub', () => {
  it('takes a message of 100,000 segments', async () => {
    const notes = Array.from({ length: 100_000 }, (_, index) => `NTE|${index}||x\r`).join('');
    const { code, message } = await sent('MANY', framed(numbered('MANY') + notes));
    expect({ code, status: message?.status }).toEqual({ code: 'AA', status: 'sent' });
  });

  it('takes a field of 20 MB', async () => {
    const field = `OBX|1|ED|||${'A'.repeat(20_000_000)}\r`;
    const { code, message } = await sent('LONG', framed(numbered('LONG') + field));
    expect({ code, status: message?.status }).toEqual({ code: 'AA', status: 'sent' });
    expect(message!.size).toBeGreaterThan(20_000_000);
  });

  it('rule 10: refuses one that is longer than maxMessageBytes with AR, and takes the next one on the same connection', async () => {
    const peer = await connectPeer(port);
    peer.write(framed(`${numbered('OVER')}OBX|1|ED|||${'A'.repeat(26_000_000)}\r`));
    peer.write(framed(numbered('NEXT')));
    expect((await peer.answers(2)).map(({ code }) => code)).toEqual(['AR', 'AA']);
    peer.socket.destroy();
  });

  it('answers nothing to a message that breaks off, and keeps what came', async () => {
    const before = (await status()).counts.errored;
    const peer = await connectPeer(port);
    peer.write(framed(numbered('CUT')).slice(0, 60));
    peer.socket.end();
    await peer.closed;
    expect(peer.acks).toEqual([]);
    await expect.poll(async () => (await status()).counts.errored).toBe(before + 1);
  });

  it.each([
    ['LATIN', '8859/1 in a message that says UTF-8', 'UNICODE UTF-8', Buffer.from([0x47, 0xfc, 0x6e, 0xff])],
    ['UTF', 'UTF-8 in a message that says 8859/1', '8859/1', Buffer.from('Gün')],
    ['KLINGON', 'a character set that there is not', 'KLINGON', Buffer.from('Gün')],
    ['ZERO', 'zero bytes', '', Buffer.from([0, 0, 0])],
  ])('keeps every byte where the character set is wrong: %s, %s', async (controlId, _what, charset, name) => {
    const header = `MSH|^~\\&|EHR|NORTH|WEIR|LAB|20260101120000||ADT^A01|${controlId}|P|2.5.1||||||${charset}\rPID|1||P1^^^NORTH^MR||`;
    const bytes = Buffer.concat([Buffer.from(header), name, Buffer.from('^Jane\r')]);
    const { code, message } = await sent(
      controlId,
      Buffer.concat([Buffer.from([0x0b]), bytes, Buffer.from([0x1c, 0x0d])]),
    );
    expect(code).toBe('AA');
    expect(['sent', 'error']).toContain(message?.status);
    const { out } = await weir(['show', message!.id, '--json', '--reason', 'test'], hub.admin);
    expect(Buffer.from(JSON.parse(out).raw, 'base64')).toEqual(bytes);
  });

  it('goes on serving others while a million frames without MSH come, keeps those under the quota, in bounded memory', async () => {
    const { counts } = await status();
    const before = peakMegabytes(hub.processId);
    const begun = performance.now();
    let over = false;
    const storm = frames(1_000_000).finally(() => {
      over = true;
    });
    const took: number[] = [];
    let served = 0;
    let meanwhile = 0;
    const ordinary = await connectPeer(port);
    while (!over) {
      const at = performance.now();
      ordinary.write(framed(numbered(`OK${++served}`)));
      await ordinary.answers(served);
      took.push(performance.now() - at);
      if (!over) meanwhile++;
    }
    ordinary.socket.destroy();
    const minutes = Math.ceil((performance.now() - begun) / 60_000) + 1;
    expect(await storm).toBe(1_000_000);
    expect(meanwhile).toBeGreaterThan(10);
    // Of one in the middle: any machine may stand still for a moment.
    expect(took.toSorted((a, b) => a - b)[took.length >> 1]).toBeLessThan(2_000);

    const after = await status();
    expect(after.counts.received - counts.received - served).toBeGreaterThan(0);
    expect(after.counts.received - counts.received - served).toBeLessThanOrEqual(minutes * faultsPerMinute);
    expect(after.counters.mllp_faults_unkept_total).toBeGreaterThan(0);
    const peak = peakMegabytes(hub.processId);
    if (before !== undefined && peak !== undefined) expect(peak - before).toBeLessThan(250);
  });

  it('runs at the end as at the beginning', async () => {
    expect(hub.process.exitCode).toBeNull();
    expect((await sent('LAST', framed(numbered('LAST')))).code).toBe('AA');
    expect((await status()).state).toBe('running');
  });
});

/**
 * Writes so many frames without MSH, a thousand on each connection: the hub lets a sender go that brings more than the quota.
 * Resolves with how many it wrote.
 */
async function frames(count: number): Promise<number> {
  const perConnection = 1_000;
  const some = Buffer.from(framed('no header at all\r').repeat(perConnection));
  let written = 0;
  while (written < count) {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.resume();
    const closed = once(socket, 'close');
    socket.end(some, () => {
      written += perConnection;
    });
    await closed;
  }
  return written;
}
