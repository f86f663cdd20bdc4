/** Undeploying channels of a running hub, and bringing them back. */
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChannelStatus } from '../core/runtime/engine.ts';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, weir as weirOn, workplace } from './testing/hub-process.ts';

const fixture = join(import.meta.dirname, '../test-fixtures/hl7v2/adt-a08.hl7');

let place: Workplace;
let hub: HubProcess;
let ports: readonly [plain: number, collecting: number, lab: number];

const weir = (...args: readonly string[]) => weirOn(args, hub.admin);
const send = (port: number, repeat = 1) =>
  weir('send', fixture, '--to', `127.0.0.1:${port}`, '--repeat', `${repeat}`, '--timeout-ms', '10000');
const names = async () =>
  (await hub.get<{ channels: readonly ChannelStatus[] }>('/api/channels')).channels.map(({ channel }) => channel);
const restarted = async () => {
  process.kill(hub.processId, 'SIGTERM');
  await hub.exited;
  hub = await hubProcess(place);
};

beforeAll(async () => {
  ports = [await freePort(), await freePort(), await freePort()];
  place = await workplace({
    'channels/env/test.yaml': `endpoints:
  in: { kind: tcp-listen, listen: ${ports[0]} }
  many: { kind: tcp-listen, listen: ${ports[1]} }
  lab: { kind: tcp-connect, host: 127.0.0.1, port: ${ports[2]} }
  archive: { kind: directory, path: '\${stateDir}/archive' }
`,
    'channels/plain.channel.yaml':
      'channel: plain\nsource: { mllp: { endpoint: in } }\ndestinations: { lab: { to: { mllp: { endpoint: lab } } } }\n',
    'channels/daily.channel.yaml': `channel: daily
source: { mllp: { endpoint: many } }
destinations:
  batch: { collect: { count: 3, envelope: { hl7-batch: {} } }, to: { file: { endpoint: archive, name: "\${seq}" } } }
`,
  });
  hub = await hubProcess(place);
});

afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

describe('weir deploy', () => {
  it('leaves the channel that sends what another one collects where it is', async () => {
    expect(await names()).toEqual(expect.arrayContaining(['daily', 'daily.batch', 'plain']));
    expect((await weir('deploy', '--reason', 'again')).out).toBe('0 deployed, 2 unchanged, 0 removed\n');
    expect(await names()).toContain('daily.batch');
    await send(ports[1], 3);
    const sent = async () => (await hub.get<ChannelStatus>('/api/channels/daily.batch')).counts.sent;
    await expect.poll(sent).toBe(1);
  });

  it('takes it away with the channel whose file is gone', async () => {
    const file = join(place.directory, 'channels/gone.channel.yaml');
    const text = `channel: gone
source: { schedule: { name: x, everyMs: 3600000 } }
destinations: { batch: { collect: { count: 2, envelope: { lines: {} } }, to: { discard: {} } } }
`;
    await place.write({ 'channels/gone.channel.yaml': text });
    expect(await weir('deploy')).toMatchObject({ err: '', out: expect.stringMatching(/^gone: deployed /) });
    await rm(file);
    expect((await weir('deploy')).out).toBe('gone: removed\n0 deployed, 2 unchanged, 1 removed\n');
    expect((await names()).filter((each) => each.startsWith('gone'))).toEqual([]);
  });
});

describe('weir undeploy', () => {
  it('takes a channel away until it is deployed by name, also over a restart', async () => {
    const done = await weir('undeploy', 'plain', '--reason', 'the EHR moves', '--ticket', 'CHG-9', '--actor', 'ute');
    expect(done).toMatchObject({ code: 0, out: 'plain is undeployed; weir deploy plain brings it back\n' });
    expect(await names()).not.toContain('plain');
    expect(await send(ports[0])).toMatchObject({ code: 1 });
    const row = /^undeployed +plain +\d{4}-.* by ute: the EHR moves \(CHG-9\)$/m;
    expect((await weir('channels')).out).toMatch(row);
    expect((await weir('deploy')).out).toBe('0 deployed, 1 unchanged, 0 removed; undeployed, and left so: plain\n');
    await restarted();
    expect(await names()).not.toContain('plain');
    expect((await weir('channels')).out).toMatch(row);
    expect((await weir('status')).out).toContain('1 undeployed');
    const asked = await weir('channel', 'start', 'plain', '--reason', 'x');
    expect(asked).toMatchObject({
      code: 4,
      err: expect.stringMatching(/undeployed by ute .* weir deploy plain brings/),
    });
    expect((await weir('changes')).out).toMatch(/ ute +undeploy +the EHR moves +CHG-9 +plain$/m);

    expect(await weir('deploy', 'nosuch')).toMatchObject({ code: 4 });
    const back = await weir('deploy', 'plain', '--reason', 'the EHR is back');
    expect(back.out).toMatch(/^plain: deployed [0-9a-f]{8}\n1 deployed, 0 unchanged, 0 removed\n$/);
    expect((await weir('channels', 'plain')).out).toMatch(/^running +plain /m);
    expect((await send(ports[0])).code).toBe(0);
    // Twelve commands, each a process of its own.
  }, 60_000);

  it('keeps what waits for a far end: the source ends at once, and the channel goes when the far end has it', async () => {
    const queued = async () => (await hub.get<ChannelStatus>('/api/channels/plain')).counts.queued;
    // A machine that is busy may make the sender repeat itself.
    await expect.poll(queued).toBeGreaterThan(0);
    const waiting = await queued();
    const going = await weir('undeploy', 'plain', '--reason', 'the EHR moves');
    expect(going.out).toMatch(/^plain takes nothing any more, and goes when this is done:$/m);
    expect(going.out).toMatch(new RegExp(`^  plain → lab: ${waiting} messages? queued$`, 'm'));
    expect(await send(ports[0])).toMatchObject({ code: 1 });
    await restarted();
    expect((await weir('channels')).out).toMatch(/^undeploying +plain .* by .*: the EHR moves$/m);
    expect(await send(ports[0])).toMatchObject({ code: 1 });
    expect(await weir('channel', 'start', 'plain')).toMatchObject({ code: 5 });

    await using lab = await laboratory(ports[2]);
    await expect.poll(names).not.toContain('plain');
    expect(lab.received).toBe(waiting);
    expect((await weir('deploy', 'plain')).code).toBe(0);
    expect((await weir('channels', 'plain')).out).toMatch(/^running +plain /m);
  });

  it('takes the channel of a collection along when that is closed, and says what is collected', async () => {
    expect(await weir('undeploy', 'daily.batch')).toMatchObject({ code: 5, err: expect.stringContaining('daily') });
    await send(ports[1], 2);
    const report = await weir('undeploy', 'daily', '--reason', 'test');
    expect(report.out).toContain('  daily → batch: 2 messages collected, until the collection is closed\n');
    expect(await names()).toEqual(expect.arrayContaining(['daily', 'daily.batch']));
    await fetch(new URL('/api/channels/daily/send', hub.admin), {
      method: 'POST',
      body: 'MSH|^~\\&|A|B|C|D|20260302||ADT^A08|X1|P|2.5\r',
      headers: { 'weir-actor': 'ute', 'weir-reason': 'closes it' },
    });
    await expect.poll(names).toEqual(['plain']);
    expect((await weir('deploy', 'daily')).code).toBe(0);
    expect(await names()).toEqual(expect.arrayContaining(['daily', 'daily.batch']));
  });

  it('refuses a channel that is stopped and has messages waiting, which nothing would send', async () => {
    await weir('channel', 'stop', 'plain', '--reason', 'test');
    expect(await weir('undeploy', 'plain')).toMatchObject({ code: 0 });
    await weir('deploy', 'plain');
    expect((await weir('channels', 'plain')).out).toMatch(/^stopped +plain /m);
    await weir('channel', 'start', 'plain', '--reason', 'test');
    await send(ports[0]);
    await weir('channel', 'stop', 'plain', '--reason', 'test');
    const refused = await weir('undeploy', 'plain');
    expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('it is stopped and 1 message waits') });
    expect(await weir('undeploy', 'nosuch')).toMatchObject({ code: 4 });
  });
});

/** Takes every message. */
async function laboratory(port: number): Promise<AsyncDisposable & { readonly received: number }> {
  let received = 0;
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const control = /^\x0bMSH(?:\|[^|]*){8}\|([^|]*)/.exec(data.toString('latin1'))?.[1] ?? '';
      received += 1;
      socket.write(`\x0bMSH|^~\\&|LAB|LAB|WEIR|WEIR|20260302||ACK|1|P|2.5\rMSA|AA|${control}\r\x1c\r`);
    });
  });
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    get received() {
      return received;
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of sockets) each.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
