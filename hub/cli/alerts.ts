import { subjectText } from '../alerts/alert.ts';
import type { AlertsReport } from '../alerts/alerts.ts';
import { readDuration } from '../alerts/duration.ts';
import type { HistoryEntry } from '../alerts/history.ts';
import type { OpenedMaintenance } from '../alerts/maintenance.ts';
import type { FeedReport } from '../alerts/silent.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { CommandFailure, type ExitCode, exit } from './exit.ts';
import { age, print, printJson, table, when } from './output.ts';

const alertColumns = [
  { title: 'Severity' },
  { title: 'Since' },
  { title: 'Condition' },
  { title: 'Where' },
  { title: 'Host' },
  { title: 'What' },
] as const;

/** `weir alerts`: what fires now, maintenance that is under way, and ways out that do not work. */
export async function alerts(options: ClientOptions): Promise<ExitCode> {
  const report = await call<AlertsReport>(options, '/api/alerts');
  if (options.json) {
    printJson(report);
    return exit.done;
  }
  const order = report.firing.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
  const rows = order.map(({ severity, muted, since, condition, subject, host = '', text, overSince, clearForMs }) => [
    muted ? `(${severity})` : severity,
    when(since),
    condition,
    subjectText(subject),
    host,
    overSince === undefined ? text : `${text}; over since ${when(overSince)}, cleared ${age(clearForMs)} after that`,
  ]);
  print(rows.length === 0 ? 'nothing is firing' : table(alertColumns, rows));
  for (const { channels, until, reason, actor } of report.maintenance) {
    const by = actor === undefined ? '' : ` (${actor})`;
    print(`maintenance of ${[channels].flat().join(', ')} until ${when(until)}: ${reason}${by}`);
  }
  for (const { name, waiting, lost, failingSince, error } of report.sinks) {
    const given = lost > 0 ? `, ${lost} given up` : '';
    if (failingSince !== undefined)
      print(`${name} fails since ${when(failingSince)}, ${waiting} wait${given}: ${error?.message ?? ''}`);
    else if (lost > 0) print(`${name} works${given}`);
  }
  if (report.sinks.length === 0) print('nobody is told: alerts.yaml has no notify');
  return exit.done;
}

/** `weir alerts --history`: what began and ended, the newest first. */
export async function alertHistory(options: ClientOptions & { readonly limit?: string }): Promise<ExitCode> {
  const query = { limit: options.limit };
  const report = await call<{ history: readonly HistoryEntry[] }>(options, '/api/alerts/history', { query });
  if (options.json) printJson(report);
  else {
    const columns = [{ title: 'Time' }, { title: 'Event' }, ...alertColumns.filter(({ title }) => title !== 'Since')];
    const rows = report.history.map(({ at, what, muted, severity, condition, subject, host = '', text }) => [
      when(at),
      what,
      muted ? `(${severity})` : severity,
      condition,
      subjectText(subject),
      host,
      text,
    ]);
    print(table(columns, rows));
  }
  return exit.done;
}

const feedColumns = [
  { title: 'Feed' },
  { title: 'Stands' },
  { title: 'Last message' },
  { title: 'Last hour', align: 'right' },
  { title: 'Usual', align: 'right' },
  { title: 'Last day', align: 'right' },
  { title: 'Usual', align: 'right' },
  { title: 'Expected' },
] as const;

/** `weir silent`: 1 when a feed brings nothing although it is expected, or usual. */
export async function silent(options: ClientOptions): Promise<ExitCode> {
  const { feeds } = await call<{ feeds: readonly FeedReport[] }>(options, '/api/silent');
  if (options.json) printJson({ feeds });
  else {
    const usual = (count: number | undefined) => (count === undefined ? '-' : String(Math.round(count)));
    const rows = feeds.map((feed) => [
      feed.channel,
      feed.silent ? 'SILENT' : feed.state,
      when(feed.lastReceivedAt),
      String(feed.lastHour),
      usual(feed.usualHour),
      String(feed.lastDay),
      usual(feed.usualDay),
      feed.expectedEveryMs === undefined ? '' : `every ${age(feed.expectedEveryMs)}`,
    ]);
    print(table(feedColumns, rows));
  }
  return feeds.some((feed) => feed.silent) ? exit.failed : exit.done;
}

/** `weir maintenance start <channel|pattern> --for 2h --reason …` */
export async function startMaintenance(
  channels: string,
  options: ClientOptions & { readonly for: string },
): Promise<ExitCode> {
  if (!options.reason) throw new CommandFailure(exit.usage, 'maintenance needs --reason: it is shown with the alerts');
  const forMs = readDuration(options.for);
  if (forMs === undefined) throw new CommandFailure(exit.usage, `--for takes a time span like 2h, not ${options.for}`);
  const { reason } = options;
  const body = { channels, forMs };
  const window = await call<OpenedMaintenance>(options, '/api/maintenance', { method: 'POST', body, reason });
  if (options.json) printJson(window);
  else print(`alerts of ${channels} are muted until ${when(window.until)} (${window.id})`);
  return exit.done;
}

/** `weir maintenance end <id|channel|pattern>` */
export async function endMaintenance(window: string, options: ClientOptions): Promise<ExitCode> {
  const path = `/api/maintenance/${encodeURIComponent(window)}/end`;
  const report = await call<{ ended: readonly OpenedMaintenance[] }>(options, path, {
    method: 'POST',
    reason: 'command line',
  });
  if (options.json) printJson(report);
  else for (const { channels } of report.ended) print(`maintenance of ${channels} has ended`);
  return exit.done;
}

/** `weir maintenance list` */
export async function listMaintenance(options: ClientOptions): Promise<ExitCode> {
  const { maintenance } = await call<AlertsReport>(options, '/api/alerts');
  if (options.json) printJson({ maintenance });
  else if (maintenance.length === 0) print('no maintenance is under way');
  else {
    const columns = [{ title: 'Channels' }, { title: 'Until' }, { title: 'Reason' }, { title: 'By' }, { title: 'Id' }];
    const rows = maintenance.map(({ channels, until, reason, actor = 'alerts.yaml', id = '' }) => [
      [channels].flat().join(', '),
      when(until),
      reason,
      actor,
      id,
    ]);
    print(table(columns, rows));
  }
  return exit.done;
}
