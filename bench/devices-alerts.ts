import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { newDatabase, serverOf, type TestDatabase } from '../clients/postgres/testing/database.ts';
import type { VitalReadings } from '../contracts/vitals.ts';
import { freePort } from '../core/testing/free-port.ts';
import { service, uniqueName } from '../core/testing/services.ts';
import { type HubProcess, hubProcess, workplace } from '../hub/testing/hub-process.ts';
import type { DevicesPart } from './devices-part.ts';
import type { Gate } from './gates.ts';
import { percentile } from './statistics.ts';

const monitors = 500;
const points = 10;
const perSecond = 500;
const seconds = Number(process.env.WEIR_BENCH_SECONDS ?? 30);
/** One message in so many turns its monitor’s alarm on or off. */
const turnsOne = 20;

const profile = `
profile: monitor
transport: mqtt
mqtt: { topic: 'devices/\${DEVICE}/vitals' }
devices: [${Array.from({ length: monitors }, (_, n) => `{ id: mon-${n} }`).join(', ')}]
points: [${Array.from({ length: points }, (_, n) => `{ id: p${n}, from: p${n}, type: number, unit: /min }`).join(', ')}]
alarms: [{ id: fast, title: It is fast, when: p0 > 140, priority: high }, { id: silent, noDataMs: 60000, priority: low }]
`;
const channel = `
channel: readings
source: { http: { endpoint: readings-in, format: bytes } }
format: vitals.numeric.v1
key: [device]
destinations:
  topic: { to: { publish: { topic: vitals.numeric.v1 } } }
`;

/**
 * From the first byte of a message to the change of an alarm at a viewer (WebSocket): 500 monitors with ten readings a second
 * each come in by HTTP, are stored, published to their topic, judged, and what changes is committed before anybody is told.
 */
export const alertsPart: DevicesPart = {
  name: 'alerts',
  title: `device to live alarm at ${perSecond * points} readings/s, ${seconds} s`,
  async measure(): Promise<readonly Gate[]> {
    const gate = await measureOn('embedded', undefined);
    const { address, missing } = await service('postgres', import.meta.filename);
    if (missing !== undefined) console.log(`  not with PostgreSQL: ${missing}`);
    else {
      await using database = await newDatabase(serverOf(address), uniqueName(import.meta.filename));
      // Printed, and not judged: the server shares these two cores.
      await measureOn('PostgreSQL', database);
    }
    return [gate];
  },
};

async function measureOn(name: string, database: TestDatabase | undefined): Promise<Gate> {
  const port = await freePort();
  const store = database ? 'store: { postgres: { endpoint: hub } }\n' : '';
  const { host, port: at, database: db, user, password } = database?.server ?? {};
  const server = database
    ? `  hub: { kind: postgres, host: ${host}, port: ${at}, database: ${db}, user: ${user}, password: '\${env:WEIR_BENCH_PASSWORD}' }\n`
    : '';
  process.env.WEIR_BENCH_PASSWORD = password ?? '';
  await using where = await workplace({
    'weir.yaml': `services: { alarms: {} }\n${store}`,
    'channels/env/test.yaml': `endpoints:\n  readings-in: { kind: tcp-listen, listen: ${port} }\n${server}`,
    'channels/readings.channel.yaml': channel,
    'channels/devices/monitor.profile.yaml': profile,
  });
  await using hub = await hubProcess(where);
  const { told, stored } = await play(hub, port);
  const p99 = percentile(told, 0.99);
  console.log(`  ${name}: ${stored.length} messages stored and acknowledged, ${spreadOf(stored)}`);
  console.log(`  ${name}: ${told.length} changes of alarms, ${spreadOf(told)}`);
  return { name: `device to live alarm, ${name}, p99`, figure: p99, limit: 250, must: 'stay-within', unit: 'ms' };
}

function spreadOf(times: readonly number[]): string {
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
  return `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, longest ${Math.max(...times).toFixed(0)} ms`;
}

interface Played {
  /** From a message sent to the change at the viewer. */
  readonly told: readonly number[];
  /** From a message sent to its acknowledgement. */
  readonly stored: readonly number[];
}

async function play(hub: HubProcess, port: number): Promise<Played> {
  const turned = new Map<string, number>();
  const times: number[] = [];
  const stored: number[] = [];
  using _viewer = await watch(hub, (device) => {
    const sent = turned.get(device);
    if (sent !== undefined) times.push(performance.now() - sent);
    turned.delete(device);
  });
  // As many as a source keeps open less some: with few, a slow commit would have messages wait at their sender.
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const isFast = Array.from({ length: monitors }, () => false);
  let wanted = 0;
  let sent = 0;
  const began = performance.now();
  for (let n = 0; performance.now() - began < seconds * 1_000; n++) {
    const due = began + (n * 1_000) / perSecond;
    const early = due - performance.now();
    if (early > 1) await sleep(early);
    const monitor = n % monitors;
    // One whose change is still on its way is left alone: it would be told apart from this one by nothing.
    if (n > monitors && n % turnsOne === 7 && !turned.has(`mon-${monitor}`)) {
      isFast[monitor] = !isFast[monitor];
      turned.set(`mon-${monitor}`, performance.now());
      wanted++;
    }
    const at = performance.now();
    sent++;
    post(agent, port, messageOf(monitor, isFast[monitor]!), () => stored.push(performance.now() - at));
  }
  // An alarm can be at its viewer before the message that raised it is acknowledged: the connections stay until all of them are.
  for (let waited = 0; (times.length < wanted || stored.length < sent) && waited < 10_000; waited += 100)
    await sleep(100);
  agent.destroy();
  if (stored.length < sent) throw new Error(`benching alerts: ${stored.length} of ${sent} messages were acknowledged`);
  if (times.length < wanted) throw new Error(`benching alerts: ${times.length} of ${wanted} changes were told`);
  return { told: times, stored };
}

/** Resolves once it looks; disposing of the result ends it. */
async function watch(hub: HubProcess, told: (device: string) => void): Promise<Disposable> {
  const socket = new WebSocket(new URL('/api/live/alarms', hub.admin));
  socket.addEventListener('message', ({ data }) => {
    const { event, data: change } = JSON.parse(data) as Told;
    if (event === 'message') told(change.alarm.device);
  });
  await once(socket, 'open');
  return { [Symbol.dispose]: () => socket.close() };
}

interface Told {
  readonly event: string;
  readonly data: { readonly alarm: { readonly device: string } };
}

function messageOf(monitor: number, isFast: boolean): string {
  const readings = Array.from({ length: points }, (_, point) => ({
    ...{
      point: `p${point}`,
      value: point === 0 && isFast ? 150 : 70 + (monitor % 20),
      unit: '/min',
      validity: 'Vld' as const,
    },
  }));
  const message: VitalReadings = {
    ...{ device: `mon-${monitor}`, profile: 'monitor', receivedAt: new Date().toISOString(), readings },
  };
  return JSON.stringify(message);
}

function post(agent: Agent, port: number, body: string, stored: () => void): void {
  const sending = request({ agent, host: '127.0.0.1', port, method: 'POST' }, (answer) => {
    if (answer.statusCode === 202) stored();
    else console.error(`  a message was answered with ${answer.statusCode}`);
    answer.resume();
  });
  sending.on('error', (thrown) => console.error(`  a message had no answer: ${thrown.message}`));
  sending.end(body);
}
