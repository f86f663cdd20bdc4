import type { Identifier } from '../../contracts/clinical-person.ts';
import type { KnownDevice, OpenAlarm } from '../../services/alarms/alarm-report.ts';
import { type Association, patientKey, type Threshold } from '../../services/alarms/documents.ts';
import type { PatientScores } from '../../services/alarms/patient-scores.ts';
import { interruption } from '../interruption.ts';
import type { LiveAlarm } from '../live/live-alarm.ts';
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
          [alarm.title, readValue(alarm), alarm.patient && patientKey(alarm.patient)].filter((each) => each).join(', '),
          alarm.incident,
        ]),
      ),
    );
  return exit.done;
}

/** `weir alarms watch`: each change as it comes, until Ctrl-C. */
export async function watchAlarms(options: ClientOptions): Promise<ExitCode> {
  const signal = interruption(() => undefined);
  for await (const { event, data } of events(options, '/api/live/alarms', signal)) {
    if (event !== 'message') continue;
    const { at, alarm } = data as LiveAlarm;
    if (options.json) printJson(data);
    else
      print(
        [when(at), alarm.priority, alarm.state, alarm.device, alarm.location ?? '', alarm.title, alarm.incident]
          .filter((each) => each !== '')
          .join('  '),
      );
  }
  return exit.done;
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
  type Answer = {
    readonly thresholds: Readonly<Record<string, Threshold & { readonly by: string; readonly at: number }>>;
  };
  const { thresholds: set } = await call<Answer>(options, path as string, {
    method: 'POST',
    body,
    reason: 'command line',
  });
  if (options.json) {
    printJson({ thresholds: set });
    return exit.done;
  }
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
  return exit.done;
}

export interface ScoresOptions extends PatientOptions {
  readonly consciousness?: string;
  readonly oxygen?: string;
  readonly scale?: string;
}

/** `weir scores <patient>`: NEWS2 and MEWS; with options, after charting what no device tells. */
export async function scores(patient: string, options: ScoresOptions): Promise<ExitCode> {
  const { consciousness, oxygen, scale } = options;
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
  const { news2, mews, spo2Scale, of } = report;
  const missing = (names: readonly string[]) => `no score: ${names.join(', ')} missing or too old`;
  const scale2 = spo2Scale === 2 ? ', SpO2 scale 2' : '';
  print(
    `NEWS2  ${'score' in news2 ? `${news2.score.total} (${news2.score.response}${scale2})` : missing(news2.missing)}`,
  );
  print(`MEWS   ${'score' in mews ? mews.score.total : missing(mews.missing)}`);
  const rows = Object.entries(of).map(([name, { value, at, from }]) => [name, String(value), when(at), from]);
  if (rows.length > 0) print(table([{ title: 'Of' }, { title: 'Value' }, { title: 'At' }, { title: 'From' }], rows));
  return exit.done;
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

function readValue({ reading: at }: OpenAlarm): string | undefined {
  if (at?.value === undefined) return undefined;
  return `${at.point} ${at.value}${at.unit === undefined ? '' : ` ${at.unit}`}`;
}
