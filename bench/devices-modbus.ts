import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { modbus } from '../adapters/modbus/modbus.ts';
import { type EndpointUser, ModbusEndpoint } from '../clients/modbus/endpoint.ts';
import { readDeviceProfile } from '../contracts/device-profile/device-profile.ts';
import { YamlFile } from '../core/config/yaml-file.ts';
import { fakeSourceContext } from '../core/testing/contexts.ts';
import { fakeIntake, positive } from '../core/testing/fake-intake.ts';
import { systemClock } from '../hub/system-clock.ts';
import type { DevicesPart } from './devices-part.ts';
import type { Gate } from './gates.ts';
import { median, percentile, spread } from './statistics.ts';

const ROUNDS = 5;
const ROUND_MS = 1_500;
const DEVICES = 200;
const SECONDS = 30;
const request = { function: 'read-input-registers', address: 0, quantity: 16 } as const;

export const modbusPart: DevicesPart = {
  name: 'modbus',
  title: `polls over one connection beside a bare socket, and ${DEVICES} devices polled once a second for ${SECONDS} s`,
  measure: async () => [await oneConnection(), await manyDevices()],
};

async function started(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = fork(join(import.meta.dirname, 'devices-modbus-server.ts'));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { child, port };
}

/** One request after the other, in alternate rounds; the server is in another process. */
async function oneConnection(): Promise<Gate> {
  const { child, port } = await started();
  const rates: { bare: number[]; ours: number[] } = { bare: [], ours: [] };
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  const user: EndpointUser = {
    ...{ clock: systemClock, random: Math.random, timeoutMs: 1_000, log: fakeSourceContext().log },
    report: () => undefined,
    count: () => undefined,
  };
  const endpoint = new ModbusEndpoint({ kind: 'tcp', host: '127.0.0.1', port, maxOpen: 4 }, user);
  // The first round warms up both, and is not counted.
  for (let round = -1; round < ROUNDS; round++) {
    const inTurn = round % 2 === 0 ? (['bare', 'ours'] as const) : (['ours', 'bare'] as const);
    for (const which of inTurn) {
      const rate = which === 'bare' ? await pollBare(socket) : await pollOurs(endpoint);
      if (round >= 0) rates[which].push(rate);
    }
  }
  socket.destroy();
  endpoint.detach(user);
  await endpoint.closed;
  child.kill();
  const ratios = rates.ours.map((rate, round) => (100 * rate) / rates.bare[round]!);
  console.log(`  polls/s, one after the other: ours ${spread(rates.ours)}, a bare socket ${spread(rates.bare)}`);
  return {
    ...{ name: 'modbus: polls over one connection, of what a bare socket does', figure: median(ratios) },
    ...{ limit: 70, must: 'reach', unit: '%' },
  };
}

async function pollOurs(endpoint: ModbusEndpoint): Promise<number> {
  const end = performance.now() + ROUND_MS;
  let polls = 0;
  for (; performance.now() < end; polls++) {
    const answered = await endpoint.ask(1, request, { timeoutMs: 1_000, notAfter: Number.POSITIVE_INFINITY });
    if (answered.kind !== 'answer') throw answered.error;
  }
  return (polls * 1_000) / ROUND_MS;
}

/** What has to be done: write 12 bytes, wait for 41. It checks nothing. */
function pollBare(socket: Socket): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const end = performance.now() + ROUND_MS;
  const ask = Buffer.from('000100000006010400000010', 'hex');
  let polls = 0;
  let missing = 41;
  const receive = (chunk: Buffer): void => {
    missing -= chunk.length;
    if (missing > 0) return;
    missing = 41;
    polls += 1;
    if (performance.now() < end) socket.write(ask);
    else {
      socket.off('data', receive);
      resolve((polls * 1_000) / ROUND_MS);
    }
  };
  socket.on('data', receive);
  socket.write(ask);
  return promise;
}

/** Each behind a connection of its own; what counts is when the devices are asked. */
async function manyDevices(): Promise<Gate> {
  const { child, port } = await started();
  // 127.0.0.0/8 is this machine: every device has an address of its own.
  const hosts = Array.from({ length: DEVICES }, (_, index) => `127.1.${index >> 8}.${index & 255}`);
  const profile = profileOf(hosts, port);
  const context = fakeSourceContext({ deviceProfiles: [profile], clock: systemClock });
  const drain = new AbortController();
  const intake = fakeIntake(() => positive);
  const life = { drain: drain.signal, halt: new AbortController().signal };
  const ended = modbus({ profile: profile.name }).create(context).run(intake, life);
  const before = process.cpuUsage();
  await pause(SECONDS * 1_000);
  const { user, system } = process.cpuUsage(before);
  drain.abort();
  await ended;
  child.send('report');
  const [{ asked }] = (await once(child, 'message')) as [{ asked: readonly (readonly number[])[] }];
  child.kill();
  // The first is asked when its connection is there.
  const jitter = asked.flatMap((times) => times.slice(2).map((at, index) => Math.abs(at - times[index + 1]! - 1_000)));
  const polls = asked.reduce((sum, times) => sum + times.length, 0);
  const expected = DEVICES * SECONDS;
  console.log(
    `  ${DEVICES} devices: ${polls} polls of ${expected}, interval off by ${percentile(jitter, 0.5).toFixed(1)} ms (median), ${percentile(jitter, 0.99).toFixed(1)} ms (p99), ${Math.max(...jitter).toFixed(1)} ms (most); ${((user + system) / 1_000 / polls).toFixed(2)} ms of processor a poll`,
  );
  if (polls < expected) throw new Error(`benching Modbus: ${expected - polls} polls of ${expected} were lost`);
  return {
    ...{ name: `modbus: ${DEVICES} devices polled each second, interval off at p99`, figure: percentile(jitter, 0.99) },
    ...{ limit: 50, must: 'stay-within', unit: 'ms' },
  };
}

function profileOf(hosts: readonly string[], port: number) {
  const text = `profile: rooms
transport: modbus-tcp
modbus: { host: '\${HOST}', port: ${port}, unit: 1, addressing: zero-based, groups: { all: { everyMs: 1000 } } }
devices:
${hosts.map((host, index) => `  - { id: room-${index}, variables: { HOST: ${host} } }`).join('\n')}
points:
${Array.from({ length: 16 }, (_, at) => `  - { id: p${at}, read: { table: input-registers, address: ${at} }, type: u16, unit: Pa }`).join('\n')}
`;
  const file = new YamlFile('rooms.profile.yaml', text);
  const profile = readDeviceProfile(file, { environment: {}, readFile: () => undefined });
  if (!profile) throw new Error(JSON.stringify(file.problems[0]));
  return profile;
}
