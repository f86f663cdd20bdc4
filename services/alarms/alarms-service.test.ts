// Over 350 lines: the rules of alarms, side by side on one ward.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readDeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import { topics } from '../../contracts/topics.ts';
import { type VitalScore, vitalScore } from '../../contracts/vital-score.ts';
import {
  type Reading,
  type VitalAlarm,
  type VitalReadings,
  vitalAlarm,
  vitalReadings,
} from '../../contracts/vitals.ts';
import { YamlFile } from '../../core/config/yaml-file.ts';
import type { EventLog } from '../../core/events/event-log.ts';
import { type MemoryLogState, openMemoryLog } from '../../core/events/memory-log.ts';
import { type MemoryServices, openMemoryServiceStore } from '../../core/services/memory-service-store.ts';
import { ServiceRunner } from '../../core/services/service-runner.ts';
import { recordingLog } from '../../core/testing/contexts.ts';
import { type FakeClock, fakeClock } from '../../core/testing/fake-clock.ts';
import { openAlarms } from './alarm-report.ts';
import { acknowledge, associate, chart, dissociate, setThreshold } from './alarm-verbs.ts';
import { type AlarmsOptions, alarmsService } from './alarms-service.ts';
import { AlarmsTally } from './alarms-tally.ts';
import { collections, type PatientDocument } from './documents.ts';
import { scoresAt } from './patient-scores.ts';
import type { WatchedDevices } from './watched-alarms.ts';

const devices: WatchedDevices = new Map(
  ['bedside-monitor', 'isolation-room'].flatMap((name) => {
    const path = new URL(`../../channels/devices/${name}.profile.yaml`, import.meta.url);
    const file = new YamlFile(name, readFileSync(path, 'utf8'));
    const profile = readDeviceProfile(file, { environment: {}, readFile: () => undefined })!;
    return profile.devices.map((device) => [device.id, { ...device, profile: profile.name }] as const);
  }),
);
const anna = { value: '100042', authority: 'MAIN' };
const ben = { value: '100077', authority: 'MAIN' };
const units: Record<string, [string, number]> = {
  ...{ hr: ['{beats}/min', 147_842], spo2: ['%', 150_456], rr: ['{breaths}/min', 151_562] },
  ...{ systolic: ['mm[Hg]', 150_021], temperature: ['Cel', 150_344] },
};
type Values = Readonly<Record<string, number | undefined>>;
const readingsOf = (values: Values): Reading[] =>
  Object.entries(values).map(([point, value]) => {
    const [unit = '1', mdc = 1] = units[point] ?? [];
    const rest = { point, unit, code: { mdc } };
    return value === undefined ? { ...rest, validity: 'Inv' } : { ...rest, value, validity: 'Vld' };
  });

class Ward {
  readonly clock: FakeClock = fakeClock();
  readonly told: VitalAlarm[] = [];
  readonly scored: VitalScore[] = [];
  readonly tally = new AlarmsTally();
  readonly options: AlarmsOptions = {
    devices: () => devices,
    ages: { monitoredMs: 3_600_000, chartedMs: 43_200_000 },
    patientReadings: true,
    changed: (alarm) => void this.told.push(alarm),
    scored: (score) => void this.scored.push(score),
    counted: (tally) => this.tally.add(tally),
  };
  readonly #state: MemoryLogState = new Map();
  readonly #services: MemoryServices = new Map();
  readonly #now = () => this.clock.now();
  log: EventLog = openMemoryLog({ state: this.#state, now: this.#now });
  #runner: ServiceRunner<VitalReadings> | undefined;
  #sent = 0;

  async start(): Promise<this> {
    this.#runner = await ServiceRunner.start(alarmsService(this.options), {
      ...{ store: openMemoryServiceStore(this.#services), events: this.log, clock: this.clock, random: () => 0 },
      log: recordingLog().log,
    });
    return this;
  }

  get runner(): ServiceRunner<VitalReadings> {
    return this.#runner!;
  }

  /** As after kill -9: what ran goes on in vain. */
  async restart(): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    this.log = openMemoryLog({ state: this.#state, now: this.#now });
    await this.start();
  }

  async say(values: Values, given: Partial<VitalReadings> = {}, id = `m${this.#sent++}`): Promise<void> {
    const { device = 'mon-1' } = given;
    const message: VitalReadings = {
      ...{ device, profile: 'bedside-monitor', receivedAt: new Date(this.clock.now()).toISOString() },
      ...{ readings: readingsOf(values), ...given },
    };
    const before = this.#done;
    await this.log.publish(topics.vitalReadings.name, [
      { key: device, value: vitalReadings.encode(message), id, headers: {} },
    ]);
    await vi.waitFor(() => expect(this.#done).toBe(before + 1), { interval: 1 });
  }

  /** Seconds of which each begins with these values. */
  async seconds(count: number, values?: Values, given?: Partial<VitalReadings>): Promise<void> {
    for (let second = 0; second < count; second++) {
      if (values) await this.say(values, given);
      for (let half = 0; half < 2; half++) {
        await this.clock.advanceAsync(500);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** `low-spo2 active`, since it was last asked. */
  news(): readonly string[] {
    return this.told.splice(0).map(({ alarm, state }) => `${alarm} ${state}`);
  }

  /** Everything in a topic, once in effect: what is published again after a kill has the same id. */
  async topic(name: string): Promise<readonly string[]> {
    const found = new Map<string, string>();
    const leave = new AbortController();
    const group = `look ${Math.random()}`;
    const all = { topic: name, group, maxBatch: 1_000, from: 'earliest', signal: leave.signal } as const;
    const reading = this.log.consume(all, async ({ events }) => {
      for (const { id, value } of events) found.set(id, Buffer.from(value).toString());
    });
    await vi.waitFor(async () => {
      const status = (await this.log.status()).find((each) => each.topic === name);
      expect(status?.lag[group]).toBe(0);
    });
    leave.abort();
    await reading;
    return [...found.values()];
  }

  get #done(): number {
    const { handled, repeated, refused } = this.runner.status();
    return handled + repeated + refused;
  }
}

async function ward(): Promise<Ward> {
  const made = await new Ward().start();
  onTestFinished(() => made.runner.close());
  return made;
}

describe('alarms of devices', () => {
  it('are raised after their delay, stay until they are acknowledged where they latch, and name the device', async () => {
    const at = await ward();
    await at.seconds(9, { spo2: 84 });
    expect(at.news()).toEqual([]);
    await at.seconds(3, { spo2: 84 });
    const [raised] = at.told;
    expect(raised).toMatchObject({ device: 'mon-1', alarm: 'low-spo2', priority: 'high' });
    expect(raised).not.toHaveProperty('patient');
    expect(vitalAlarm.decode(vitalAlarm.encode(raised!), {})).toEqual(raised);
    await at.seconds(3, { spo2: 95 });
    expect(at.news()).toEqual(['low-spo2 active', 'low-spo2 latched']);
    expect(openAlarms(at.runner.state, true)).toMatchObject([
      { state: 'latched', reading: { point: 'spo2', value: 84 } },
    ]);
    expect(openAlarms(at.runner.state, false)[0]).not.toHaveProperty('reading');
    const ack = () => at.runner.act((context) => acknowledge(context, at.options, raised!.incident, 'ute'));
    expect(await ack()).toBe(true);
    expect(at.told).toMatchObject([{ state: 'cleared', by: 'ute', incident: raised!.incident }]);
    await expect(ack()).rejects.toMatchObject({ code: 'not-found' });
    const published = (await at.topic('vitals.critical.v1')).map((text) => JSON.parse(text).state);
    expect(published).toEqual(['active', 'latched', 'cleared']);
  });

  it('do not flap at a threshold, and are not raised by one sample', async () => {
    const at = await ward();
    for (let time = 0; time < 10; time++) {
      await at.seconds(1, { spo2: 87.9 });
      await at.seconds(1, { spo2: 88.1 });
    }
    expect(at.news()).toEqual([]);
    await at.seconds(12, { hr: 150 });
    expect(at.news()).toEqual(['fast-heart active']);
    // Between the limit that raises and the one that clears nothing changes.
    for (const hr of [139, 141, 138, 142, 136]) await at.seconds(1, { hr });
    expect(at.news()).toEqual([]);
    await at.seconds(1, { hr: 135 });
    expect(at.news()).toEqual(['fast-heart cleared']);
  });

  it('neither begin nor end with a value that is missing', async () => {
    const at = await ward();
    await at.seconds(5, { spo2: 84 });
    await at.seconds(2, { spo2: undefined });
    await at.seconds(5, { spo2: 84 });
    expect(at.news()).toEqual(['low-spo2 active']);
    await at.seconds(20, { spo2: undefined });
    expect(at.news()).toEqual([]);
  });

  it('tell that a device is silent, and that it is back', async () => {
    const at = await ward();
    await at.seconds(1, { hr: 70 });
    await at.seconds(9);
    expect(at.news()).toEqual([]);
    await at.seconds(2);
    expect(at.told).toMatchObject([{ alarm: 'silent', kind: 'technical', state: 'active' }]);
    at.news();
    await at.seconds(1, { hr: 70 });
    expect(at.news()).toEqual(['silent cleared']);
  });

  it('count silence from when somebody listened, and not before a backlog is worked off', async () => {
    const at = await ward();
    await at.seconds(1, { hr: 70 });
    await at.runner.close();
    for (let minute = 0; minute < 60; minute++) {
      at.clock.advance(60_000);
      const message = { device: 'mon-1', profile: 'bedside-monitor', readings: readingsOf({ hr: 70 }) };
      const value = vitalReadings.encode({ ...message, receivedAt: new Date(at.clock.now()).toISOString() });
      await at.log.publish(topics.vitalReadings.name, [{ key: 'mon-1', value, id: `away ${minute}`, headers: {} }]);
    }
    await at.restart();
    await vi.waitFor(() => expect(at.runner.status().handled).toBe(60));
    await at.seconds(5);
    expect(at.news()).toEqual([]);
    await at.seconds(12);
    expect(at.news()).toEqual(['silent active']);
  });

  it('do not ask the device’s clock, which may stand at 1970', async () => {
    const at = await ward();
    const readings = readingsOf({ spo2: 84 }).map((each) => ({
      ...each,
      deviceTime: '1970-01-01T00:00:07Z',
      skewMs: -1,
    }));
    await at.seconds(12, {}, { readings });
    expect(at.news()).toEqual(['low-spo2 active']);
  });

  it('go on where the hub’s clock is set back to 1970', async () => {
    const at = await ward();
    await at.seconds(3, { hr: 70 });
    const shift = -at.clock.now();
    const now = at.clock.now;
    Object.assign(at.clock, { now: () => now() + shift });
    await at.seconds(12, { hr: 150 });
    expect(at.news()).toEqual(['fast-heart active']);
    await at.seconds(2, { hr: 70 });
    expect(at.news()).toEqual(['fast-heart cleared']);
  });

  it('are not changed by readings that come late or twice', async () => {
    const at = await ward();
    await at.say({ spo2: 97 }, {}, 'first');
    await at.seconds(12, { spo2: 84 });
    expect(at.news()).toEqual(['low-spo2 active']);
    await at.say({ spo2: 97 }, {}, 'first');
    await at.seconds(61, { spo2: 84 });
    await at.say({ spo2: 97 }, { receivedAt: new Date(at.clock.now() - 70_000).toISOString() });
    expect(at.news()).toEqual([]);
    expect(at.runner.status().repeated).toBe(1);
  });

  it('of a profile that has them no more are over', async () => {
    const at = await ward();
    await at.seconds(12, { hr: 150 });
    at.news();
    const { options } = at;
    Object.assign(options, { devices: () => new Map() });
    await at.seconds(1);
    expect(at.news()).toEqual(['fast-heart cleared']);
  });
});

describe('patients', () => {
  it('are named by alarms of the device that they are with, and by its readings in their own topic', async () => {
    const at = await ward();
    await at.seconds(1, { hr: 70 });
    await at.runner.act((context) => associate(context, at.options, 'mon-1', anna));
    await at.seconds(12, { hr: 150 });
    expect(at.told).toMatchObject([{ alarm: 'fast-heart', patient: { identifiers: [anna] } }]);
    const named = (await at.topic('vitals.patient.v1')).map((text) => JSON.parse(text));
    expect(named).toHaveLength(12);
    expect(named[0]).toMatchObject({ device: 'mon-1', patient: { identifiers: [anna] } });
  });

  it('that are moved between beds take their alarms with them and leave none behind', async () => {
    const at = await ward();
    await at.runner.act((context) => associate(context, at.options, 'mon-1', anna));
    await at.seconds(12, { spo2: 84 });
    expect(at.news()).toEqual(['low-spo2 active']);
    await at.runner.act((context) => {
      dissociate(context, at.options, 'mon-1');
      associate(context, at.options, 'mon-2', anna);
      associate(context, at.options, 'mon-1', ben);
    });
    expect(at.told).toMatchObject([{ alarm: 'low-spo2', state: 'cleared', patient: { identifiers: [anna] } }]);
    at.news();
    await at.seconds(3, { spo2: 96 });
    expect(at.news()).toEqual([]);
    await at.seconds(12, { spo2: 80 });
    expect(at.told).toMatchObject([{ alarm: 'low-spo2', patient: { identifiers: [ben] } }]);
    await at.say({ hr: 71 }, { device: 'mon-2' });
    const pulse = (patient: typeof anna) =>
      at.runner.state.get<PatientDocument>(collections.patient, `${patient.value}@MAIN`)?.vitals.pulse;
    expect([pulse(anna)?.value, pulse(ben)?.value]).toEqual([71, undefined]);
  });

  it('are with a device from one time to another, never in the future and never two at once', async () => {
    const at = await ward();
    const now = at.clock.now();
    const at1 = (from: number, patient = anna) =>
      at.runner.act((context) => associate(context, at.options, 'mon-1', patient, from));
    await expect(at1(now + 1_000)).rejects.toMatchObject({ code: 'not-allowed' });
    await at1(now - 60_000);
    await expect(at1(now - 70_000, ben)).rejects.toMatchObject({ code: 'not-allowed' });
    await at1(now - 30_000, ben);
    expect(at.runner.state.get(collections.association, 'mon-1')).toEqual({
      list: [
        { patient: anna, from: now - 60_000, to: now - 30_000 },
        { patient: ben, from: now - 30_000 },
      ],
    });
    await expect(at.runner.act((c) => associate(c, at.options, 'mon-9', anna))).rejects.toMatchObject({
      code: 'not-found',
    });
    // A reading from before is of whoever it was with then.
    await at.say({ hr: 99 }, { receivedAt: new Date(now - 45_000).toISOString() });
    expect(at.runner.state.get(collections.patient, '100042@MAIN')).toMatchObject({ vitals: { pulse: { value: 99 } } });
    await at.runner.act((context) => dissociate(context, at.options, 'mon-1'));
    await at.say({ hr: 98 });
    expect(at.runner.state.get(collections.patient, '100077@MAIN')).toBeUndefined();
  });

  it('may have thresholds of their own over those of the profile', async () => {
    const at = await ward();
    const set = (threshold: Parameters<typeof setThreshold>[4], alarm = 'low-spo2') =>
      at.runner.act((context) => setThreshold(context, at.options, anna, alarm, threshold, 'ute'));
    await set({ when: 'spo2 < 82', clearWhen: 'spo2 >= 84', raiseAfterMs: 2_000, priority: 'medium' });
    await at.runner.act((context) => associate(context, at.options, 'mon-1', anna));
    await at.seconds(12, { spo2: 84 });
    expect(at.news()).toEqual([]);
    await at.seconds(4, { spo2: 81 });
    expect(at.told).toMatchObject([{ alarm: 'low-spo2', state: 'active', priority: 'medium' }]);
    await at.seconds(12, { spo2: 81 }, { device: 'mon-2' });
    const other = at.told.filter(({ device }) => device === 'mon-2');
    expect(other).toMatchObject([{ alarm: 'low-spo2', priority: 'high' }]);
    at.news();
    await set({ off: true });
    await at.seconds(1);
    expect(at.news()).toContain('low-spo2 cleared');
    for (const [threshold, alarm, code] of [
      [{ when: 'spo2 < 82' }, 'low-spo3', 'not-found'],
      [{ when: 'spo3 < 82' }, 'low-spo2', 'config-invalid'],
      [{ when: 'spo2 below 82' }, 'low-spo2', 'config-invalid'],
      [{ clearWhen: 'spo2 > 82' }, 'low-spo2', 'config-invalid'],
      [{ when: 'spo2 < 82' }, 'silent', 'config-invalid'],
    ] as const)
      await expect(set(threshold, alarm)).rejects.toMatchObject({ code });
  });

  it('have scores of what was read and charted, while none of it is missing or too old', async () => {
    const at = await ward();
    const scores = () =>
      scoresAt(
        at.runner.state.get<PatientDocument>(collections.patient, '100042@MAIN')!,
        at.clock.now(),
        at.options.ages,
      );
    await at.runner.act((context) => associate(context, at.options, 'mon-1', anna));
    await at.say({ hr: 95, spo2: 93, rr: 22, systolic: 105, temperature: 38.24 });
    expect(scores().news2).toEqual({ missing: ['onOxygen', 'consciousness'] });
    await at.runner.act((context) => chart(context, at.options, anna, { consciousness: 'A', onOxygen: true }, 'ute'));
    expect(scores()).toMatchObject({
      news2: { score: { total: 9, response: 'emergency' } },
      mews: { score: { total: 2 } },
    });
    await at.runner.act((context) => chart(context, at.options, anna, { scale2: true }, 'dr berger'));
    expect(scores()).toMatchObject({ spo2Scale: 2, news2: { score: { total: 8 } } });
    await at.say({ hr: undefined, spo2: 91 });
    expect(scores().of).toMatchObject({ pulse: { value: 95 }, spo2: { value: 91, from: 'mon-1' } });
    at.clock.advance(3_600_001);
    expect(scores().news2).toEqual({ missing: ['respiration', 'spo2', 'systolic', 'pulse'] });
    const wrongUnit = [
      { point: 'temperature', value: 99, unit: '[degF]', code: { mdc: 150_344 }, validity: 'Vld' as const },
    ];
    await at.say({}, { readings: wrongUnit });
    expect(scores().of).toMatchObject({ temperature: { value: 38.24 } });
  });

  it('have each change of a score published once, and that there is none any more', async () => {
    const at = await ward();
    const news = () =>
      at.scored.splice(0).map(({ score, total, missing }) => `${score} ${total ?? missing?.toSorted()}`);
    await at.runner.act((context) => associate(context, at.options, 'mon-1', anna));
    await at.say({ hr: 95, spo2: 96, rr: 18, systolic: 120, temperature: 37 });
    expect(news()).toEqual([]);
    await at.runner.act((context) => chart(context, at.options, anna, { consciousness: 'A', onOxygen: false }, 'ute'));
    expect(news()).toEqual(['NEWS2 1', 'MEWS 1']);
    await at.seconds(3, { hr: 96 });
    expect(news()).toEqual([]);
    await at.restart();
    await at.seconds(1, { hr: 97 });
    expect(news()).toEqual([]);
    await at.seconds(1, { spo2: 91 });
    const [urgent] = at.scored;
    expect(urgent).toMatchObject({
      ...{ patient: { identifiers: [anna] }, score: 'NEWS2', total: 4, response: 'urgent', spo2Scale: 1 },
      ...{ points: { spo2: 3, pulse: 1 }, of: { spo2: { value: 91, from: 'mon-1' }, onOxygen: { from: 'ute' } } },
    });
    expect(vitalScore.decode(vitalScore.encode(urgent!), {})).toEqual(urgent);
    news();
    // A slow pulse has the points of a fast one in NEWS2, and others in MEWS.
    await at.seconds(1, { hr: 45 });
    expect(news()).toEqual(['MEWS 2']);
    at.clock.advance(3_599_000);
    await at.seconds(6);
    expect(news()).toEqual(['NEWS2 respiration,systolic', 'MEWS respiration,systolic']);
    const published = (await at.topic('vitals.score.v1')).map((text) => JSON.parse(text) as VitalScore);
    expect(published.map(({ score, total }) => `${score} ${total}`)).toEqual([
      ...['NEWS2 1', 'MEWS 1', 'NEWS2 4', 'MEWS 2', 'NEWS2 undefined', 'MEWS undefined'],
    ]);
    expect(at.tally.figures()).toMatchObject({
      readings: { late: 0 },
      missing: expect.arrayContaining([
        { score: 'NEWS2', input: 'consciousness', count: 1 },
        { score: 'NEWS2', input: 'onOxygen', count: 1 },
      ]),
    });
  });

  it('about whom nothing is read any more are forgotten after a month', async () => {
    const at = await ward();
    await at.runner.act((context) => associate(context, at.options, 'mon-1', anna));
    await at.say({ hr: 95 });
    const known = () => at.runner.state.get(collections.patient, '100042@MAIN');
    at.clock.advance(29 * 86_400_000);
    await at.seconds(6);
    expect(known()).toBeDefined();
    at.clock.advance(2 * 86_400_000);
    await at.seconds(6);
    expect(known()).toBeUndefined();
  });
});

it('tells each change once, and loses none, wherever it is killed and whatever comes twice', async () => {
  type Step = { readonly spo2: number | undefined; readonly killed: boolean; readonly twice: boolean };
  const step: fc.Arbitrary<Step> = fc.record({
    spo2: fc.constantFrom(84, 84, 84, 89, 96, 96, undefined),
    killed: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
    twice: fc.boolean(),
  });
  const played = async (steps: readonly Step[], isDisturbed: boolean) => {
    const at = await new Ward().start();
    for (const [index, { spo2, killed, twice }] of steps.entries()) {
      await at.say({ spo2 }, {}, `m${index}`);
      if (isDisturbed && twice) await at.say({ spo2 }, {}, `m${index}`);
      if (isDisturbed && killed) await at.restart();
      await at.seconds(4);
    }
    const changes = await vi.waitFor(async () => {
      const all = (await at.topic('vitals.critical.v1')).map((text) => JSON.parse(text) as VitalAlarm);
      expect(at.runner.status().outbox).toBe(0);
      return all;
    });
    await at.runner.close();
    await at.log[Symbol.asyncDispose]();
    return changes.map(({ incident, state, at: when }) => `${incident} ${state} ${when}`);
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      expect(await played(steps, true)).toEqual(await played(steps, false));
    }),
    { numRuns: 12 },
  );
}, 60_000);
