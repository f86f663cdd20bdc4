import type { Identifier } from '../../contracts/clinical-person.ts';
import type { VitalReadings } from '../../contracts/vitals.ts';
import { HubError } from '../../core/errors.ts';
import type { Reader } from '../../core/store/message-store.ts';
import { type KnownDevice, knownDevices, type OpenAlarm, openAlarms } from '../../services/alarms/alarm-report.ts';
import {
  acknowledge,
  associate,
  type Charted,
  chart,
  dissociate,
  setThreshold,
} from '../../services/alarms/alarm-verbs.ts';
import { type AlarmsOptions, alarmsService } from '../../services/alarms/alarms-service.ts';
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
import { type ProfilesFolder, readWatchedDevices } from './watched-devices.ts';

export interface AlarmsServiceOptions extends Omit<ServiceOfOneOptions<VitalReadings>, 'definition'> {
  readonly profiles: ProfilesFolder;
  readonly bus: LiveBus<LiveAlarm>;
  readonly hub: string;
  readonly ages: ScoreAges;
  readonly patientReadings: boolean;
}

/** The alarms service of a hub: what is asked of it, and who asked, on the audit trail. */
export class AlarmsService implements AsyncDisposable {
  readonly #options: AlarmsServiceOptions;
  readonly #service: ServiceOfOne<VitalReadings>;
  readonly #alarms: AlarmsOptions;
  #devices: WatchedDevices = new Map();

  constructor(options: AlarmsServiceOptions) {
    const { bus, hub, clock, patientReadings } = options;
    this.#options = options;
    this.#alarms = {
      patientReadings,
      devices: () => this.#devices,
      changed: (alarm) => bus.publish({ hub, at: clock.now(), alarm }),
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

  /** Undefined where another hub runs it. */
  figures():
    | ({ readonly active: Readonly<Record<OpenAlarm['priority'], number>> } & ReturnType<
        ServiceOfOne<VitalReadings>['here']['status']
      >)
    | undefined {
    const runner = this.#service.runner;
    if (!runner) return undefined;
    const active = { low: 0, medium: 0, high: 0 };
    for (const { priority } of openAlarms(runner.state, false)) active[priority]++;
    return { active, ...runner.status() };
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

  async thresholds(patient: Identifier, by: Reader): Promise<ThresholdsDocument['alarms']> {
    const { state } = this.#service.here;
    await this.#audit(by, 'read alarm thresholds', 'a patient');
    return state.get<ThresholdsDocument>(collections.thresholds, patientKey(patient))?.alarms ?? {};
  }

  async chart(patient: Identifier, charted: Charted, by: Reader): Promise<PatientScores> {
    const runner = this.#service.here;
    await this.#audit(by, 'chart for scores', Object.keys(charted).join(', '));
    const document = await runner.act((context) => chart(context, patient, charted, by.actor));
    return this.#scores(document);
  }

  /** Throws HubError `not-found` where nothing that is scored is known of the patient. */
  async scores(patient: Identifier, by: Reader): Promise<PatientScores> {
    const { state } = this.#service.here;
    await this.#audit(by, 'read early-warning scores', 'a patient');
    const document = state.get<PatientDocument>(collections.patient, patientKey(patient));
    if (!document) throw new HubError('not-found', 'permanent', 'looking for scores: nothing is known of this patient');
    return this.#scores(document);
  }

  /** Who looks at live alarms with patients and values. */
  async looks(by: Reader): Promise<void> {
    await this.#audit(by, 'look at live alarms', 'all devices');
  }

  #scores(document: PatientDocument): PatientScores {
    return scoresAt(document, this.#options.clock.now(), this.#options.ages);
  }

  #audit(by: Reader, action: string, subject: string): Promise<void> {
    return this.#options.engine.store.audit({ ...by, at: this.#options.clock.now(), action, subject });
  }
}
