import type { Identifier } from '../../contracts/clinical-person.ts';
import type { VitalReadings } from '../../contracts/vitals.ts';
import { HubError } from '../../core/errors.ts';
import type { ServiceStatus } from '../../core/services/service-runner.ts';
import type { Reader } from '../../core/store/message-store.ts';
import { type AlarmFigures, alarmFigures } from '../../services/alarms/alarm-figures.ts';
import {
  devicesOf,
  type KnownDevice,
  knownDevices,
  type OpenAlarm,
  openAlarms,
  type ScoredPatient,
  scoredPatients,
} from '../../services/alarms/alarm-report.ts';
import {
  acknowledge,
  associate,
  type Charted,
  chart,
  dissociate,
  setThreshold,
} from '../../services/alarms/alarm-verbs.ts';
import { type AlarmsOptions, alarmsService } from '../../services/alarms/alarms-service.ts';
import { AlarmsTally } from '../../services/alarms/alarms-tally.ts';
import {
  type Association,
  collections,
  type PatientDocument,
  patientKey,
  type Threshold,
  type ThresholdsDocument,
} from '../../services/alarms/documents.ts';
import { type PatientScores, type ScoreAges, scoresAt } from '../../services/alarms/patient-scores.ts';
import type { WatchedDevices } from '../../services/alarms/watched-alarms.ts';
import type { LiveAlarm } from '../live/live-alarm.ts';
import type { LiveBus } from '../live/live-bus.ts';
import { ServiceOfOne, type ServiceOfOneOptions } from './service-of-one.ts';
import type { ServiceStanding } from './service-standing.ts';
import { type ProfilesFolder, readWatchedDevices } from './watched-devices.ts';

export interface AlarmsServiceOptions extends Omit<ServiceOfOneOptions<VitalReadings>, 'definition'> {
  readonly profiles: ProfilesFolder;
  readonly bus: LiveBus<LiveAlarm>;
  readonly hub: string;
  readonly ages: ScoreAges;
  readonly patientReadings: boolean;
}

export interface PatientThresholds {
  readonly thresholds: ThresholdsDocument['alarms'];
  /** How many are with the patient now: thresholds of somebody who is with none are of no effect yet. */
  readonly devices: number;
}

export interface AlarmsServiceFigures extends ReturnType<AlarmsTally['figures']> {
  readonly service: string;
  readonly now: number;
  readonly here: (AlarmFigures & ServiceStatus) | undefined;
}

/** The alarms service of a hub: what is asked of it, and who asked, on the audit trail. */
export class AlarmsService implements AsyncDisposable {
  readonly #options: AlarmsServiceOptions;
  readonly #service: ServiceOfOne<VitalReadings>;
  readonly #alarms: AlarmsOptions;
  readonly #tally = new AlarmsTally();
  #devices: WatchedDevices = new Map();

  constructor(options: AlarmsServiceOptions) {
    const { bus, hub, clock, ages, patientReadings } = options;
    this.#options = options;
    this.#alarms = {
      ...{ ages, patientReadings },
      devices: () => this.#devices,
      changed: (alarm) => bus.publish({ hub, at: clock.now(), alarm }),
      scored: (score) => bus.publish({ hub, at: clock.now(), score }),
      counted: (tally) => this.#tally.add(tally),
    };
    this.#service = new ServiceOfOne({ ...options, definition: alarmsService(this.#alarms) });
  }

  get bus(): LiveBus<LiveAlarm> {
    return this.#options.bus;
  }

  /** Makes its topics known: channels that read them may start before it does. */
  declare(): Promise<void> {
    return this.#service.declare();
  }

  async start(): Promise<void> {
    await this.reload();
    await this.#service.start();
  }

  /** Reads the device profiles anew. */
  async reload(): Promise<void> {
    this.#devices = await readWatchedDevices(this.#options.profiles, this.#devices, this.#options.log);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#service[Symbol.asyncDispose]();
  }

  /** How it stands, without anything of a patient. `here` is undefined where another hub runs it. */
  figures(): AlarmsServiceFigures {
    const runner = this.#service.runner;
    const here = runner && { ...alarmFigures(runner.state), ...runner.status() };
    return { service: 'alarms', now: this.#options.clock.now(), here, ...this.#tally.figures() };
  }

  standing(): ServiceStanding {
    const runner = this.#service.runner;
    return { service: 'alarms', runs: runner !== undefined, behindMs: runner?.status().behindMs ?? 0 };
  }

  /** What fires now; whoever is named gets patients and values with it, which is on the audit trail. */
  async open(by: Reader | undefined): Promise<readonly OpenAlarm[]> {
    const { state } = this.#service.here;
    if (by) await this.#audit(by, 'read alarms', 'all devices');
    return openAlarms(state, by !== undefined);
  }

  async devices(by: Reader | undefined): Promise<readonly KnownDevice[]> {
    const { state } = this.#service.here;
    if (by) await this.#audit(by, 'read associations', 'all devices');
    return knownDevices(state, this.#devices, by !== undefined);
  }

  /** False where it was acknowledged before. */
  async acknowledge(incident: string, by: Reader): Promise<boolean> {
    const done = await this.#service.here.act((context) => acknowledge(context, this.#alarms, incident, by.actor));
    if (done) await this.#audit(by, 'acknowledge alarm', incident);
    return done;
  }

  async associate(device: string, patient: Identifier, from: number | undefined, by: Reader): Promise<Association> {
    const runner = this.#service.here;
    // Before it is done: nobody is with a device without the trail knowing who said so.
    await this.#audit(by, 'associate device', device);
    return await runner.act((context) => associate(context, this.#alarms, device, patient, from));
  }

  async dissociate(device: string, by: Reader): Promise<Association> {
    const runner = this.#service.here;
    await this.#audit(by, 'dissociate device', device);
    return await runner.act((context) => dissociate(context, this.#alarms, device));
  }

  async setThreshold(patient: Identifier, alarm: string, threshold: Threshold | undefined, by: Reader): Promise<void> {
    const runner = this.#service.here;
    await this.#audit(by, threshold ? 'set alarm threshold' : 'remove alarm threshold', alarm);
    await runner.act((context) => setThreshold(context, this.#alarms, patient, alarm, threshold, by.actor));
  }

  async thresholds(patient: Identifier, by: Reader): Promise<PatientThresholds> {
    const { state } = this.#service.here;
    await this.#audit(by, 'read alarm thresholds', 'a patient');
    const key = patientKey(patient);
    const thresholds = state.get<ThresholdsDocument>(collections.thresholds, key)?.alarms ?? {};
    return { thresholds, devices: devicesOf(state).get(key)?.length ?? 0 };
  }

  async chart(patient: Identifier, charted: Charted, by: Reader): Promise<PatientScores> {
    const runner = this.#service.here;
    await this.#audit(by, 'chart for scores', Object.keys(charted).join(', '));
    return await runner.act((context) => chart(context, this.#alarms, patient, charted, by.actor));
  }

  /** Throws HubError `not-found` where nothing that is scored is known of the patient. */
  async scores(patient: Identifier, by: Reader): Promise<PatientScores> {
    const { state } = this.#service.here;
    await this.#audit(by, 'read early-warning scores', 'a patient');
    const document = state.get<PatientDocument>(collections.patient, patientKey(patient));
    if (!document)
      throw new HubError(
        'not-found',
        'permanent',
        'looking for scores: nothing is known of this patient, by this identifier of this authority',
      );
    return scoresAt(document, this.#options.clock.now(), this.#options.ages);
  }

  /** Of everybody about whom something was read or charted that is not too old, the most urgent first. */
  async allScores(by: Reader): Promise<readonly ScoredPatient[]> {
    const { state } = this.#service.here;
    await this.#audit(by, 'read early-warning scores', 'all patients');
    return scoredPatients(state, this.#options.clock.now(), this.#options.ages);
  }

  /** Who looks at live alarms with patients and values. */
  async looks(by: Reader): Promise<void> {
    await this.#audit(by, 'look at live alarms', 'all devices');
  }

  #audit(by: Reader, action: string, subject: string): Promise<void> {
    return this.#options.engine.store.audit({ ...by, at: this.#options.clock.now(), action, subject });
  }
}
