/** Faults of the hub itself, with devices of every kind in front of it: a real hub that is full, killed, and started again. */
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Analyzer, ENQ, EOT, framesOf, numbered } from '../../clients/astm-link/testing/analyzer.ts';
import { answering, type FarEnd, farEnd } from '../../clients/http-client/testing/far-end.ts';
import { SimulatedDevices } from '../../clients/modbus/testing/simulated-devices.ts';
import { TestBroker } from '../../clients/mqtt/testing/broker.ts';
import { CuttingProxy } from '../../clients/postgres/testing/cutting-proxy.ts';
import { newDatabase, serverOf } from '../../clients/postgres/testing/database.ts';
import type { VitalReadings } from '../../contracts/vitals.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { ACK } from '../../protocols/astm/control.ts';
import { type HubProcess, hubProcess, type Workplace, workplace } from '../testing/hub-process.ts';

const mosquitto = await service('mosquitto', import.meta.filename);
const patience = { timeout: 30_000, interval: 50 };

let open: AsyncDisposableStack;
beforeEach(() => {
  open = new AsyncDisposableStack();
});
afterEach(() => open.disposeAsync());

/** Where everything goes: what it took, once for each effect, in the order of first arrivals. */
class Sink {
  readonly far: FarEnd;
  readonly #taken = new Map<string, { readonly url: string; readonly body: string }>();

  private constructor(far: FarEnd) {
    this.far = far;
    this.isThere(true);
  }

  static async open(): Promise<Sink> {
    return new Sink(open.use(await farEnd()));
  }

  isThere(there: boolean): void {
    this.far.respond = (response, { url, headers, body }) => {
      if (!there) return answering(503)(response, { method: 'POST', url, headers, body });
      const effect = String(headers['idempotency-key']);
      if (!this.#taken.has(effect)) this.#taken.set(effect, { url, body });
      response.writeHead(200).end();
    };
  }

  of(channel: string): readonly string[] {
    return [...this.#taken.values()].filter(({ url }) => url === `/${channel}`).map(({ body }) => body);
  }
}

/** A device that sends a number in a line of its own every 50 ms, behind a device server. */
async function counting(): Promise<{ readonly port: number; readonly said: () => number }> {
  const sockets = new Set<Socket>();
  let number = 0;
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    // The first line is never taken.
    socket.write('\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const timer = setInterval(() => {
    number++;
    for (const socket of sockets) socket.write(`${number}\r\n`);
  }, 50);
  open.defer(async () => {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { readonly port: number };
  return { port, said: () => number };
}

interface Ports {
  readonly analyzer: number;
  readonly filler: number;
  readonly modbus: number;
  readonly line: number;
  readonly sink: number;
}

async function ward(ports: Ports, broker: TestBroker | undefined, topic: string): Promise<Workplace> {
  const to = (channel: string) =>
    `destinations:\n  sink: { to: { http: { endpoint: sink, path: /${channel} } }, retry: { maxMs: 200 } }\n`;
  const mqtt = broker && {
    'channels/monitors.channel.yaml': `channel: monitors\nsource: { mqtt: { endpoint: broker, clientId: ${topic}, subscriptions: [{ topic: '${topic}/{id}' }] } }\n${to('monitors')}`,
  };
  const endpoints = [
    `sink: { kind: http, url: 'http://127.0.0.1:${ports.sink}' }`,
    `analyzer: { kind: tcp-listen, listen: ${ports.analyzer} }`,
    `filler: { kind: tcp-listen, listen: ${ports.filler} }`,
    ...(broker ? [`broker: ${JSON.stringify({ ...broker.endpoint(), password: '${env:WEIR_TEST_BROKER}' })}`] : []),
  ];
  return open.use(
    await workplace({
      'weir.yaml': 'store: { maxBacklogBytes: 1MB }\n',
      'channels/env/test.yaml': `endpoints:\n${endpoints.map((each) => `  ${each}\n`).join('')}`,
      'channels/devices/rooms.profile.yaml': `profile: rooms
transport: modbus-tcp
modbus: { host: 127.0.0.1, port: ${ports.modbus}, unit: 1, addressing: zero-based, groups: { all: { everyMs: 100 } } }
devices: [{ id: room-1 }]
points: [{ id: pressure, read: { table: input-registers, address: 7 }, type: u16, unit: Pa }]
`,
      'channels/devices/pumps.profile.yaml': `profile: pumps
transport: serial
serial: { path: '127.0.0.1:${ports.line}', framing: { type: line } }
devices: [{ id: pump-1 }]
points: [{ id: rate, type: number, match: '(\\d+)', unit: mL/h }]
`,
      'channels/rooms.channel.yaml': `channel: rooms\nsource: { modbus: { profile: rooms } }\n${to('rooms')}`,
      'channels/pumps.channel.yaml': `channel: pumps\nsource: { serial: { profile: pumps, queueFrames: 10 } }\n${to('pumps')}`,
      'channels/chemistry.channel.yaml': `channel: chemistry\nduplicates: detect\nsource: { astm: { endpoint: analyzer } }\nkey: [O-3]\nfilter: { R: { exists: true } }\n${to('chemistry')}`,
      'channels/filler.channel.yaml': `channel: filler\nsource: { http: { endpoint: filler, format: bytes } }\n${to('filler')}`,
      ...mqtt,
    }),
  );
}

/** Stores what nobody takes, until there is no room, not even for little. */
async function fill(port: number): Promise<void> {
  for (let size = 50_000; size >= 50; ) {
    const signal = AbortSignal.timeout(1_000);
    const body = new Uint8Array(size);
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, signal }).catch(() => undefined);
    if (!answer?.ok) size /= 10;
  }
}

async function counter(hub: HubProcess, name: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', hub.admin))).text();
  return Number(new RegExp(`^weir_component_total\\{[^}]*counter="${name}"[^}]*\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Sends a message; rejects where its last frame, or one before, has no answer. */
async function sendOnce(port: number, content: string, lastWithinMs = 20_000): Promise<void> {
  const analyzer = await Analyzer.connect(port);
  open.defer(() => analyzer.close());
  const frames = [Buffer.of(ENQ), ...framesOf(content)];
  for (const [at, frame] of frames.entries()) {
    analyzer.write(frame);
    const isLast = at === frames.length - 1;
    const answer = await analyzer.next(isLast ? lastWithinMs : 20_000).catch((thrown: Error) => {
      throw new Error(`${thrown.message} after its ${isLast ? 'last' : `${at}th`} frame`);
    });
    if (answer !== ACK) throw new Error(`0x${answer.toString(16)} came after frame ${at}`);
  }
  analyzer.write(Buffer.of(EOT));
}

const numbers = (bodies: readonly string[]) =>
  bodies.flatMap((body) =>
    (JSON.parse(body) as { readonly frames: readonly { readonly kind: string; readonly bytes?: string }[] }).frames
      .filter(({ kind }) => kind === 'serial')
      .map(({ bytes }) => Number(Buffer.from(bytes!, 'base64').toString())),
  );

it('disk full, and a kill between receive and commit: what can be asked for again is not lost, what streams is counted, nothing is kept twice', async () => {
  const sink = await Sink.open();
  const devices = open.use(await SimulatedDevices.start());
  const line = await counting();
  const broker = mosquitto.missing === undefined ? open.use(new TestBroker(mosquitto)) : undefined;
  vi.stubEnv('WEIR_TEST_BROKER', broker?.endpoint().password ?? 'none');
  open.defer(() => void vi.unstubAllEnvs());
  const topic = uniqueName(import.meta.filename);
  const ports = { analyzer: await freePort(), filler: await freePort() };
  const place = await ward({ ...ports, modbus: devices.port, line: line.port, sink: sink.far.port }, broker, topic);
  const messages = Array.from({ length: 30 }, (_, number) => `reading ${number}`);
  {
    await using hub = await hubProcess(place);
    await sendOnce(ports.analyzer, numbered(1));
    await broker?.send(`${topic}/mon-1`, messages.slice(0, 10));
    await vi.waitFor(() => {
      for (const channel of ['rooms', 'pumps', 'chemistry']) expect(sink.of(channel).length).toBeGreaterThan(0);
      if (broker) expect(sink.of('monitors')).toEqual(messages.slice(0, 10));
    }, patience);

    sink.isThere(false);
    await vi.waitFor(async () => {
      await fill(ports.filler);
      expect((await fetch(new URL('/health/ready', hub.admin))).status).toBe(503);
    }, patience);
    // Modbus: nobody polls for what cannot be kept. Once the poll that was under way is over, the device is left alone.
    const overruns = await counter(hub, 'modbus_overruns_total');
    await vi.waitFor(
      async () => expect(await counter(hub, 'modbus_overruns_total')).toBeGreaterThan(overruns + 2),
      patience,
    );
    const asked = devices.asked.length;
    await vi.waitFor(
      async () => expect(await counter(hub, 'modbus_overruns_total')).toBeGreaterThan(overruns + 6),
      patience,
    );
    expect(devices.asked.length).toBe(asked);
    // A stream: as many frames as may wait, and every other one counted.
    await vi.waitFor(async () => expect(await counter(hub, 'serial_dropped_total')).toBeGreaterThan(5), patience);
    // MQTT: the broker has them, the hub acknowledges none.
    await broker?.send(`${topic}/mon-1`, messages.slice(10));
    // The analyzer: received to its last frame, which is not acknowledged.
    await expect(sendOnce(ports.analyzer, numbered(2), 1_000)).rejects.toThrow('nothing came after its last frame');
    process.kill(hub.processId, 'SIGKILL');
    await hub.exited;
  }
  const before = sink.of('pumps').length;
  sink.isThere(true);
  open.use(await hubProcess(place));
  await vi.waitFor(() => sendOnce(ports.analyzer, numbered(2)), patience);
  // It did not hear that: it sends the message once more.
  await sendOnce(ports.analyzer, numbered(2));
  await sendOnce(ports.analyzer, numbered(3));
  const asked = devices.asked.length;
  await vi.waitFor(() => {
    expect(sink.of('chemistry').map((body) => /\|S(\d+)\|/.exec(body)?.[1])).toEqual(['1', '2', '3']);
    if (broker) expect(sink.of('monitors')).toEqual(messages);
    expect(devices.asked.length).toBeGreaterThan(asked + 3);
    expect(sink.of('pumps').length).toBeGreaterThan(before + 3);
  }, patience);
  const heard = numbers(sink.of('pumps'));
  expect(heard).toEqual([...new Set(heard)].toSorted((a, b) => a - b));
  expect(heard.length).toBeLessThan(line.said());
  const polls = sink.of('rooms').map((body) => (JSON.parse(body) as { readonly receivedAt: number }).receivedAt);
  expect(polls).toEqual([...new Set(polls)].toSorted((a, b) => a - b));
}, 120_000);

const postgres = await service('postgres', import.meta.filename);

describe.skipIf(postgres.missing)('in front of a database', () => {
  it('sink down 10 minutes: readings wait in the store and not in memory, none is lost or twice there, in their order', async () => {
    const database = open.use(await newDatabase(serverOf(postgres.address), uniqueName(import.meta.filename)));
    const proxy = open.use(await CuttingProxy.before(database.server));
    const { host, port, database: name, user, password } = proxy.server;
    vi.stubEnv('WEIR_TEST_DATABASE', password ?? '');
    open.defer(() => void vi.unstubAllEnvs());
    const listen = await freePort();
    const place = open.use(
      await workplace({
        'channels/env/test.yaml': `endpoints:
  in: { kind: tcp-listen, listen: ${listen} }
  sink: { kind: postgres, host: ${host}, port: ${port}, database: ${name}, user: ${user}, password: '\${env:WEIR_TEST_DATABASE}' }
`,
        'channels/readings.channel.yaml': `channel: readings
source: { http: { endpoint: in, format: bytes } }
format: vitals.numeric.v1
key: [device]
limits: { maxInFlight: 100 }
destinations:
  sink: { to: { postgres-readings: { endpoint: sink } }, retry: { maxMs: 200 } }
`,
      }),
    );
    const hub = open.use(await hubProcess(place));
    const begun = Date.now() - 660_000;
    const devices = ['mon-1', 'mon-2', 'mon-3', 'mon-4'];
    /** Four monitors say twenty values each, every five seconds. */
    const say = async (times: readonly number[]) => {
      for (const at of times)
        await Promise.all(
          devices.map(async (device) => {
            const body = JSON.stringify(readingsOf(device, at, new Date(begun + 5_000 * at).toISOString()));
            const answer = await fetch(`http://127.0.0.1:${listen}/`, { method: 'POST', body });
            expect(answer.status).toBe(202);
          }),
        );
    };
    const status = async () => (await hub.get<{ readonly channels: readonly Status[] }>('/api/channels')).channels[0]!;
    const rows = async () => Number((await database.sql('SELECT count(*) FROM readings.reading'))[0]![0]);
    const each = devices.length * 20;
    const numbers = Array.from({ length: 123 }, (_, at) => at);
    await say(numbers.slice(0, 3));
    await vi.waitFor(async () => expect(await rows()).toBe(3 * each), patience);

    proxy.away();
    await say(numbers.slice(3));
    const { inFlight, destinations } = await status();
    expect(inFlight).toBeLessThanOrEqual(100);
    expect(destinations[0]!.queued).toBeGreaterThanOrEqual(380);
    expect(await rows()).toBe(3 * each);

    proxy.back();
    await vi.waitFor(async () => expect(await rows()).toBe(123 * each), patience);
    expect((await status()).destinations[0]).toMatchObject({ errored: 0 });
    // In the order in which they were written.
    const written = await database.sql(
      `SELECT value FROM readings.reading JOIN readings.series ON series.id = series_id
       WHERE device = 'mon-2' AND point = 'p7' ORDER BY reading.tableoid, reading.ctid`,
    );
    expect(written.map(([value]) => Number(value))).toEqual(numbers);
  }, 90_000);
});

interface Status {
  readonly inFlight: number;
  readonly destinations: readonly { readonly queued: number; readonly errored: number }[];
}

function readingsOf(device: string, value: number, receivedAt: string): VitalReadings {
  const readings = Array.from({ length: 20 }, (_, point) => ({
    ...{ point: `p${point}`, value, unit: '/min', validity: 'Vld' as const, deviceTime: receivedAt, skewMs: 0 },
  }));
  return { device, profile: 'monitor', receivedAt, readings };
}
