import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { type DeviceProfile, readDeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import { topics } from '../../contracts/topics.ts';
import type { VitalAlarm } from '../../contracts/vitals.ts';
import { loadDeviceProfiles } from '../../core/config/device-profiles.ts';
import type { EventLog } from '../../core/events/event-log.ts';
import { noMeta } from '../../core/format.ts';
import type { SimulateOptions } from '../device/simulate/playing.ts';
import { simulateDevices } from '../device/simulate/simulated-device.ts';
import { freePort } from './demo-hub.ts';
import { eachEvent } from './published-events.ts';
import type { Screen } from './screen.ts';
import { openWays, type Ways } from './ward-ways.ts';

/** How long a value has to be low in the demo, so that nobody waits for ten seconds. */
const raiseAfterMs = 2_000;
const lowFromMs = 3_000;
const alarmWithinMs = 20_000;

/** What one device of the ward sent, and what of it came out. */
export interface WardRow {
  readonly device: string;
  readonly way: string;
  readonly sent: number;
  readonly there: number;
  /** Why it is not as it should be. */
  readonly wrong?: string;
}

export interface SeenAlarm {
  readonly alarm: VitalAlarm;
  /** From the arrival of the reading that raised it to whoever reads the topic. */
  readonly latencyMs: number;
}

/** What devices of one kind have said. */
export type Said = Readonly<Played>;

interface Played {
  readonly way: string;
  readonly devices: readonly string[];
  sent: number;
}

/**
 * A ward that is played while the morning goes on: three monitors over MQTT, an oximeter on a serial line, isolation rooms over Modbus
 * TCP, an analyzer over ASTM. The hub reads them by the shipped profiles, with addresses of this machine.
 */
export class Ward implements AsyncDisposable {
  /** The channels folder, with the addresses of this ward in its profiles. */
  readonly channels: string;
  readonly broker: Ways['broker'];
  readonly #ways: Ways;
  readonly #profiles: ReadonlyMap<string, DeviceProfile>;
  readonly #end = new AbortController();
  readonly #playing: Promise<void>[] = [];
  readonly #played: Played[] = [];
  readonly #screen: Screen;
  readonly #alarm = Promise.withResolvers<SeenAlarm | undefined>();

  private constructor(channels: string, ways: Ways, profiles: ReadonlyMap<string, DeviceProfile>, screen: Screen) {
    this.channels = channels;
    this.broker = ways.broker;
    this.#ways = ways;
    this.#profiles = profiles;
    this.#screen = screen;
  }

  /** @param shipped the channels folder, which is copied below `state` */
  static async open(shipped: string, state: string, screen: Screen): Promise<Ward> {
    const ways = await openWays(screen);
    const channels = join(state, 'channels');
    await cp(shipped, channels, { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
    const profileOf = (name: string) => join(channels, 'devices', `${name}.profile.yaml`);
    const roomsPort = await freePort(0);
    await rewrite(profileOf('isolation-room'), (profile) => {
      profile.modbus = { ...profile.modbus, port: roomsPort };
      for (const device of profile.devices) device.variables = { ...device.variables, HOST: '127.0.0.1' };
      // Two at different hosts are the same unit; here all of them are behind one.
      profile.devices = profile.devices.filter(({ id }) => id !== 'iso-302');
    });
    await rewrite(profileOf('pulse-oximeter'), (profile) => {
      profile.devices = profile.devices.slice(0, 1);
      for (const device of profile.devices) device.variables = { ...device.variables, PORT: ways.oximeter.host };
    });
    await rewrite(profileOf('bedside-monitor'), (profile) => {
      for (const alarm of profile.alarms ?? []) if (alarm.id === 'low-spo2') alarm.raiseAfterMs = raiseAfterMs;
    });
    const set = await loadDeviceProfiles(channels, { deviceProfile: readDeviceProfile });
    const profiles = new Map([...set.profiles].map(([name, { profile }]) => [name, profile as DeviceProfile]));
    const ward = new Ward(channels, ways, profiles, screen);
    ward.#play('isolation-room', 'Modbus TCP', { way: { kind: 'listen', port: roomsPort } });
    return ward;
  }

  /** Begins with what needs a hub: publishing, sending, connecting. */
  begin(events: EventLog, analyzerPort: number): void {
    const { broker, oximeter } = this.#ways;
    if (broker) {
      const episodes = [{ point: 'spo2', value: 82, fromMs: lowFromMs }];
      this.#play('bedside-monitor', 'MQTT', { broker, episodes: [] }, ['mon-2', 'mon-3']);
      this.#play('bedside-monitor', 'MQTT', { broker, episodes }, ['mon-1']);
      void this.#watch(events);
    } else this.#alarm.resolve(undefined);
    this.#play('pulse-oximeter', oximeter.name, { way: oximeter.device });
    const way = { kind: 'connect', settings: { ...serialDefaults, path: `127.0.0.1:${analyzerPort}` } } as const;
    this.#play('chemistry-analyzer', 'ASTM', { way, everyMs: 2_000 });
  }

  /** The critical alarm of the play, once it was seen, or too late. */
  async alarm(signal: AbortSignal): Promise<SeenAlarm | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), alarmWithinMs);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    try {
      return await Promise.race([this.#alarm.promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What the devices have said so far: the play goes on. */
  said(): readonly Said[] {
    return this.#played.map((each) => ({ ...each }));
  }

  /** What of it came out of the channels. To be asked when they have settled. */
  async rows(said: readonly Said[], events: EventLog): Promise<readonly WardRow[]> {
    const there = new Map<string, number>();
    const count = (device: string) => there.set(device, (there.get(device) ?? 0) + 1);
    await eachEvent(events, topics.vitalReadings.name, ({ value }) => {
      const { device, readings } = topics.vitalReadings.format.decode(value, noMeta);
      // A packet of the oximeter has one saturation; several may be in one event.
      const packets = readings.filter(({ point }) => point === 'spo2').length;
      for (let packet = 0; packet < Math.max(1, packets); packet++) count(device);
    });
    await eachEvent(events, topics.labResult.name, ({ value }) => {
      const { origin } = topics.labResult.format.decode(value, noMeta);
      if (origin.application === 'chem-1') count('chem-1');
    });
    return said.map(({ way, devices, sent }) => {
      const found = devices.reduce((sum, id) => sum + (there.get(id) ?? 0), 0);
      const missing = devices.filter((id) => (there.get(id) ?? 0) === 0);
      const row = { device: devices.join(', '), way, sent, there: found };
      if (missing.length > 0) return { ...row, wrong: `nothing of ${missing.join(', ')}` };
      // What nobody acknowledges may be lost on the line; a poll takes several requests.
      const isKept = way === 'MQTT' || way === 'ASTM';
      return isKept && found < sent ? { ...row, wrong: `${sent - found} are missing` } : row;
    });
  }

  /** Ends the play: before the hub, which devices would miss. */
  async end(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#playing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.#ways[Symbol.asyncDispose]();
  }

  #play(name: string, way: string, how: Partial<SimulateOptions>, only?: readonly string[]): void {
    const profile = this.#profiles.get(name);
    const devices = profile?.devices.filter(({ id }) => only?.includes(id) ?? true) ?? [];
    const played: Played = { way, devices: devices.map(({ id }) => id), sent: 0 };
    this.#played.push(played);
    const running = simulateDevices({
      ...{ devices, episodes: [], faults: [], ready: () => undefined, ...how },
      sent: (count) => {
        played.sent += count;
      },
      signal: this.#end.signal,
    });
    this.#playing.push(
      running.catch((thrown: unknown) => {
        if (!this.#end.signal.aborted) this.#screen.line(`error: playing ${name}: ${(thrown as Error).message}`);
      }),
    );
  }

  async #watch(events: EventLog): Promise<void> {
    const { name: topic, format } = topics.vitalAlarm;
    const options = { topic, group: 'demo-viewer', maxBatch: 100, from: 'earliest', signal: this.#end.signal } as const;
    await events
      .consume(options, async (batch) => {
        for (const { value } of batch.events) {
          const alarm = format.decode(value, noMeta);
          if (alarm.alarm !== 'low-spo2' || alarm.state !== 'active') continue;
          this.#alarm.resolve({ alarm, latencyMs: Date.now() - Date.parse(alarm.receivedAt ?? alarm.at) });
        }
      })
      .catch(() => this.#alarm.resolve(undefined));
  }
}

const serialDefaults = { baud: 9_600, dataBits: 8, parity: 'none', stopBits: 1 } as const;

const profileFile = z.looseObject({
  modbus: z.looseObject({}).optional(),
  devices: z.array(z.looseObject({ id: z.string(), variables: z.record(z.string(), z.unknown()).optional() })),
  alarms: z.array(z.looseObject({ id: z.string() })).optional(),
});

async function rewrite(path: string, change: (profile: z.output<typeof profileFile>) => void): Promise<void> {
  const profile = profileFile.parse(parse(await readFile(path, 'utf8')));
  change(profile);
  await writeFile(path, stringify(profile));
}
