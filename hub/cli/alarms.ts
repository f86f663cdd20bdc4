import type { Identifier } from '../../contracts/clinical-person.ts';
import type { VitalAlarm } from '../../contracts/vitals.ts';
import type { KnownDevice, OpenAlarm, ScoredPatient } from '../../services/alarms/alarm-report.ts';
import { type Association, patientKey, type Threshold } from '../../services/alarms/documents.ts';
import type { PatientScores } from '../../services/alarms/patient-scores.ts';
import { interruption } from '../interruption.ts';
import type { AlarmTold, LiveAlarm, ScoreTold } from '../live/live-alarm.ts';
import type { PatientThresholds } from '../services/alarms-service.ts';
import { type ClientOptions, call, events } from './admin-client.ts';
import { CommandFailure, type ExitCode, exit } from './exit.ts';
import { print, printJson, table, when } from './output.ts';

const alarmColumns = [
  { title: 'Priority' },
  { title: 'State' },
  { title: 'Since' },
  { title: 'Device' },
  { title: 'Where' },
  { title: 'What' },
  { title: 'Incident' },
] as const;

/** `weir alarms`: what fires at devices now; with a reason, about whom and at which value. */
export async function alarms(options: ClientOptions): Promise<ExitCode> {
  const { alarms: open } = await call<{ readonly alarms: readonly OpenAlarm[] }>(
    options,
    '/api/alarms',
    reading(options),
  );
  if (options.json) printJson({ alarms: open });
  else if (open.length === 0) print('no alarm is raised');
  else
    print(
      table(
        alarmColumns,
        open.map((alarm) => [
          alarm.priority,
          alarm.by === undefined ? alarm.state : `${alarm.state} (${alarm.by})`,
          when(alarm.raisedAt),
          alarm.device,
          alarm.location ?? alarm.subject ?? '',
          said(alarm, alarm.patient),
          alarm.incident,
        ]),
      ),
    );
  return exit.done;
}

/** `weir alarms watch`: each change as it comes, until Ctrl-C; with a reason, about whom and at which value, and scores. */
export async function watchAlarms(options: ClientOptions): Promise<ExitCode> {
  const signal = interruption(() => undefined);
  for await (const { event, data } of events(options, '/api/live/alarms', signal)) {
    if (event !== 'message' && event !== 'score') continue;
    const told = data as LiveAlarm;
    if (options.json) printJson(data);
    else print(('alarm' in told ? alarmLine(told) : scoreLine(told)).filter((each) => each !== '').join('  '));
  }
  return exit.done;
}

function alarmLine({ at, alarm }: AlarmTold): readonly string[] {
  const { priority, state, by, device, location = '', incident } = alarm;
  return [
    when(at),
    priority,
    by === undefined ? state : `${state} (${by})`,
    device,
    location,
    said(alarm, alarm.patient?.identifiers[0]),
    incident,
  ];
}

function scoreLine({ at, score }: ScoreTold): readonly string[] {
  const { score: name, total, response, missing = [], patient } = score;
  const figure = total === undefined ? noScore(missing) : `${total}${response === undefined ? '' : ` (${response})`}`;
  return [when(at), name, figure, ...patient.identifiers.slice(0, 1).map(patientKey)];
}

function noScore(missing: readonly string[]): string {
  return `no score: ${missing.join(', ')} missing or too old`;
}

/** What it is about, with value and patient where they are told. */
function said({ title, reading: at }: Pick<VitalAlarm, 'title' | 'reading'>, patient: Identifier | undefined): string {
  const value = at?.value === undefined ? '' : `${at.point} ${at.value}${at.unit === undefined ? '' : ` ${at.unit}`}`;
  return [title, value, patient && patientKey(patient)].filter((each) => each).join(', ');
}

/** `weir alarms ack <incident>` */
export async function acknowledgeAlarm(incident: string, options: ClientOptions): Promise<ExitCode> {
  const report = await call<{ readonly acknowledged: boolean }>(options, '/api/alarms/acknowledge', {
    ...{ method: 'POST', body: { incident }, reason: 'command line' },
  });
  if (options.json) printJson(report);
  else print(report.acknowledged ? `${incident} is acknowledged` : `${incident} was acknowledged before`);
  return exit.done;
}

export interface PatientOptions extends ClientOptions {
  readonly authority?: string;
  readonly type?: string;
}

export interface ThresholdOptions extends PatientOptions {
  readonly when?: string;
  readonly clearWhen?: string;
  readonly raiseAfter?: number;
  readonly clearAfter?: number;
  readonly priority?: Threshold['priority'];
  readonly off?: boolean;
  readonly remove?: boolean;
}

/** `weir alarms threshold <patient> [alarm]`: sets one, or lists those of the patient. */
export async function thresholds(
  patient: string,
  alarm: string | undefined,
  options: ThresholdOptions,
): Promise<ExitCode> {
  const { off, remove, priority, clearWhen, raiseAfter: raiseAfterMs, clearAfter: clearAfterMs } = options;
  const given = { when: options.when, clearWhen, raiseAfterMs, clearAfterMs, priority, off };
  const isChange = Object.values(given).some((each) => each !== undefined);
  if (alarm === undefined && (isChange || remove))
    throw new CommandFailure(exit.usage, 'a threshold needs the name of its alarm');
  if (alarm !== undefined && !isChange && !remove)
    throw new CommandFailure(exit.usage, 'what is to be different: --when, --priority, --off …, or --remove');
  const of = patientOf(patient, options);
  const [path, body] =
    alarm === undefined
      ? ['/api/alarms/thresholds/list', { patient: of }]
      : ['/api/alarms/thresholds', { patient: of, alarm, ...(!remove && { threshold: given }) }];
  const answer = await call<PatientThresholds>(options, path as string, {
    method: 'POST',
    body,
    reason: 'command line',
  });
  if (options.json) {
    printJson(answer);
    return exit.done;
  }
  const { thresholds: set, devices: count } = answer;
  const rows = Object.entries(set).map(([name, { by, at, ...threshold }]) => [
    name,
    threshold.off
      ? 'off'
      : Object.entries(threshold)
          .map(([key, value]) => `${key}: ${value}`)
          .join(', '),
    by,
    when(at),
  ]);
  const columns = [{ title: 'Alarm' }, { title: 'Threshold' }, { title: 'By' }, { title: 'Since' }];
  print(rows.length === 0 ? 'this patient has the thresholds of the profiles' : table(columns, rows));
  if (rows.length > 0 && count === 0)
    print(`no device is with ${patientKey(of)} now: this holds from when one is (weir device associate)`);
  return exit.done;
}

export interface ScoresOptions extends PatientOptions {
  readonly consciousness?: string;
  readonly oxygen?: string;
  readonly scale?: string;
}

/** `weir scores [patient]`: NEWS2 and MEWS; with options, after charting what no device tells. Of all where nobody is named. */
export async function scores(patient: string | undefined, options: ScoresOptions): Promise<ExitCode> {
  const { consciousness, oxygen, scale } = options;
  if (patient === undefined) {
    if (consciousness !== undefined || oxygen !== undefined || scale !== undefined)
      throw new CommandFailure(exit.usage, 'for whom: charting needs a patient');
    return await allScores(options);
  }
  const charted = {
    ...(consciousness !== undefined && { consciousness: consciousness.toUpperCase() }),
    ...(oxygen !== undefined && { onOxygen: oxygen === 'yes' }),
    ...(scale !== undefined && { scale2: scale === '2' }),
  };
  const path = Object.keys(charted).length > 0 ? '/api/scores/chart' : '/api/scores';
  const body = { patient: patientOf(patient, options), ...charted };
  const report = await call<PatientScores>(options, path, { method: 'POST', body, reason: 'command line' });
  if (options.json) {
    printJson(report);
    return exit.done;
  }
  print(`NEWS2  ${news2Text(report)}`);
  print(`MEWS   ${mewsText(report)}`);
  const { of } = report;
  const rows = Object.entries(of).map(([name, { value, at, from }]) => [name, String(value), when(at), from]);
  if (rows.length > 0) print(table([{ title: 'Of' }, { title: 'Value' }, { title: 'At' }, { title: 'From' }], rows));
  return exit.done;
}

async function allScores(options: ClientOptions): Promise<ExitCode> {
  const { patients } = await call<{ readonly patients: readonly ScoredPatient[] }>(options, '/api/scores', {
    reason: 'command line',
  });
  const titles = ['Patient', 'Where', 'NEWS2', 'MEWS'];
  const rows = patients.map((each) => [
    patientKey(each.patient),
    each.devices.map(({ device, location }) => location ?? device).join(', '),
    ...[news2Text(each), mewsText(each)],
  ]);
  if (options.json) printJson({ patients });
  else if (rows.length === 0) print('no device is with a patient, and nothing was read of any');
  else
    print(
      table(
        titles.map((title) => ({ title })),
        rows,
      ),
    );
  return exit.done;
}

function news2Text({ news2, spo2Scale }: Pick<PatientScores, 'news2' | 'spo2Scale'>): string {
  if (!('score' in news2)) return noScore(news2.missing);
  return `${news2.score.total} (${news2.score.response}${spo2Scale === 2 ? ', SpO2 scale 2' : ''})`;
}

function mewsText({ mews }: Pick<PatientScores, 'mews'>): string {
  return 'score' in mews ? String(mews.score.total) : noScore(mews.missing);
}

/** `weir devices`: devices of the profiles, and what was heard of them. */
export async function devices(options: ClientOptions): Promise<ExitCode> {
  const { devices: known } = await call<{ readonly devices: readonly KnownDevice[] }>(
    options,
    '/api/devices',
    reading(options),
  );
  if (options.json) printJson({ devices: known });
  else {
    const titles = ['Device', 'Profile', 'Where', 'Last heard', 'Alarms', 'Patient'];
    const rows = known.map(
      ({ device, profile = '', location = '', heardAt, alarms: raised, associated, association }) => [
        ...[device, profile, location, heardAt === undefined ? 'never' : when(heardAt), String(raised)],
        association ? patientKey(association.patient) : associated ? 'yes' : '',
      ],
    );
    print(
      rows.length === 0
        ? 'no device is known'
        : table(
            titles.map((title) => ({ title })),
            rows,
          ),
    );
  }
  return exit.done;
}

/** `weir device associate <device> --patient <id>` */
export async function associateDevice(
  device: string,
  options: PatientOptions & { readonly patient: string; readonly from?: string },
): Promise<ExitCode> {
  const from = options.from === undefined ? undefined : Date.parse(options.from);
  if (Number.isNaN(from))
    throw new CommandFailure(exit.usage, `--from takes a time like 2026-11-22T08:15:00Z, not ${options.from}`);
  const body = { patient: patientOf(options.patient, options), ...(from !== undefined && { from }) };
  const path = `/api/devices/${encodeURIComponent(device)}/associate`;
  const association = await call<Association>(options, path, { method: 'POST', body, reason: 'command line' });
  if (options.json) printJson(association);
  else print(`${device} is with ${patientKey(association.patient)} since ${when(association.from)}`);
  return exit.done;
}

/** `weir device dissociate <device>` */
export async function dissociateDevice(device: string, options: ClientOptions): Promise<ExitCode> {
  const path = `/api/devices/${encodeURIComponent(device)}/dissociate`;
  const association = await call<Association>(options, path, { method: 'POST', reason: 'command line' });
  if (options.json) printJson(association);
  else print(`${device} is with nobody`);
  return exit.done;
}

/** Patients and values come where a reason is given; it is on the audit trail. */
function reading({ reason }: ClientOptions) {
  return reason === undefined ? {} : { reason };
}

function patientOf(value: string, { authority, type }: PatientOptions): Identifier {
  return { value, ...(authority !== undefined && { authority }), ...(type !== undefined && { type }) };
}
