import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ProfiledDevice, readDeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import { loadDeviceProfiles } from '../../core/config/device-profiles.ts';
import { type EndpointOf, endpointKinds } from '../../core/endpoint.ts';
import { service } from '../../core/testing/services.ts';
import { weirHere } from '../testing/command-line.ts';
import { weir } from '../testing/hub-process.ts';
import type { SimulateOptions } from './simulate/playing.ts';
import { simulateDevices } from './simulate/simulated-device.ts';

const channels = fileURLToPath(new URL('../../channels', import.meta.url));
const { profiles } = await loadDeviceProfiles(channels, { deviceProfile: readDeviceProfile });
const mosquitto = await service('mosquitto', import.meta.filename);

function device(profile: string, id: string): ProfiledDevice {
  return (profiles.get(profile)!.profile.devices as readonly ProfiledDevice[]).find((each) => each.id === id)!;
}

/** Plays devices until the test ends. Resolves with the port, where there is one. */
async function playing(devices: readonly ProfiledDevice[], how: Partial<SimulateOptions>): Promise<number | undefined> {
  const end = new AbortController();
  const ready = Promise.withResolvers<number | undefined>();
  const played = simulateDevices({
    ...{ devices, episodes: [], faults: [], sent: () => undefined, ...how },
    ready: (_, port) => ready.resolve(port),
    signal: end.signal,
  });
  played.catch(ready.reject);
  onTestFinished(async () => {
    end.abort();
    await played;
  });
  return await ready.promise;
}

const probe = (...args: readonly string[]) => weirHere('device', 'probe', ...args, '--channels', channels);
const columns = (out: string) => out.split('\n').map((line) => line.trim().split(/ {2,}/).join('|'));

describe('weir device probe', () => {
  it('shows the values of a Modbus device', async () => {
    const port = await playing([device('isolation-room', 'iso-405')], { way: { kind: 'listen', port: 0 } });
    const { code, out, err } = await probe('isolation-room', '--device', 'iso-405', '--to', `127.0.0.1:${port}`);
    expect([code, err]).toEqual([0, '']);
    expect(columns(out)).toEqual(expect.arrayContaining(['door-open|false|Vld', 'mode|negative|Vld']));
    expect(out).toMatch(/^pressure +-\d+(\.\d)? +Pa +Vld$/m);
  });

  it('shows the values of a device on a serial line', async () => {
    const port = await playing([device('pulse-oximeter', 'oximeter-1')], { way: { kind: 'listen', port: 0 } });
    const { code, out } = await probe('pulse-oximeter', '--to', `127.0.0.1:${port}`);
    expect(code).toBe(0);
    expect(out).toMatch(/^spo2 +9\d +% +Vld$/m);
  });

  it.skipIf(mosquitto.missing)('shows the values of a device that publishes', async () => {
    const { hostname, port, username, password } = new URL(mosquitto.address);
    const broker = {
      kind: 'mqtt',
      ...endpointKinds.mqtt.parse({ host: hostname, port: Number(port), user: username, password }),
    };
    await playing([device('bedside-monitor', 'mon-1')], { broker: broker as EndpointOf<'mqtt'>, everyMs: 100 });
    const { code, out } = await probe('bedside-monitor', '--to', mosquitto.address);
    expect(code).toBe(0);
    expect(out).toMatch(/^hr +7\d +\{beats\}\/min +Vld +20\d\d-/m);
  });

  /** Of a room that has this fault all the time. */
  async function probeFaulty(kind: 'silence' | 'exception') {
    const faults = [{ kind, fromMs: 0, toMs: Number.POSITIVE_INFINITY }];
    const port = await playing([device('isolation-room', 'iso-405')], { way: { kind: 'listen', port: 0 }, faults });
    return await probe('isolation-room', '--device', 'iso-405', '--to', `127.0.0.1:${port}`, '--wait', '3');
  }

  it('says what is wrong where nothing answers, and fails', async () => {
    const { code, out } = await probeFaulty('silence');
    expect(code).toBe(1);
    expect(columns(out)).toContain('pressure|not heard');
    expect(out).toContain('silent: no answer within 500 ms');
  });

  it('tells what the device refuses', async () => {
    const { code, out } = await probeFaulty('exception');
    expect(code).toBe(1);
    expect(out).toMatch(/^faulty: .*exception 4/m);
  });

  it.for([
    [['isolation-rom'], 4, 'isolation-rom: there is no such profile – did you mean isolation-room?'],
    [['isolation-room', '--device', 'iso-9'], 4, 'isolation-room has no device iso-9'],
    [['isolation-room', '--to', 'nowhere'], 2, '--to nowhere: host:port is needed'],
    [['chemistry-analyzer'], 1, 'probing an analyzer: it speaks when it has results'],
  ] as const)('refuses %j in one line', async ([args, code, text]) => {
    const ended = await probe(...args);
    expect(ended.code).toBe(code);
    expect(ended.err).toContain(text);
  });
});

describe('weir device simulate', () => {
  it('ends when it is asked to, and tells what it did', async () => {
    const args = ['device', 'simulate', 'pulse-oximeter', '--listen', '0', '--for', '1', '--channels', channels];
    const { code, out } = await weir(args);
    expect(code).toBe(0);
    expect(out).toMatch(/^oximeter-1 of pulse-oximeter at 127\.0\.0\.1:\d+; Ctrl-C ends it\n0 frames sent\n$/);
  });

  it.for([
    [['isolation-room', '--set', 'presure=1'], 1, 'there is no such point – did you mean pressure?'],
    [['isolation-room', '--set', 'pressure'], 1, 'it is not like spo2=82@20'],
    [['isolation-room', '--fault', 'fire'], 1, 'reading fire: it is not like silence'],
    [['isolation-room', '--listen', '0', '--to', '127.0.0.1:1'], 2, '--listen and --to'],
    [['isolation-room', '--device', 'iso-301', '--device', 'iso-302', '--listen', '0'], 1, 'both are unit 1'],
    [['bedside-monitor', '--to', '127.0.0.1:1'], 1, 'connecting to 127.0.0.1:1'],
    [['chemistry-analyzer'], 1, '--to says where the hub listens'],
  ] as const)('refuses %j in one line', async ([args, code, text]) => {
    const ended = await weir(['device', 'simulate', ...args, '--channels', channels]);
    expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(text)]);
    expect(ended.err.trimEnd().split('\n')).toHaveLength(1);
  });
});
