import { dayNumber } from '../../core/store/local-days.ts';
import type { DailyReport } from '../admin/analyst-routes.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { CommandFailure, type ExitCode, exit } from './exit.ts';
import { assertChannel } from './known-channel.ts';
import { print, printJson, table } from './output.ts';

export interface ReportOptions extends ClientOptions {
  readonly day?: string;
  readonly from?: string;
  readonly to?: string;
  readonly by: DailyReport['by'];
  readonly channel?: string;
}

const figures = ['received', 'filtered', 'queued', 'sent', 'errored', 'duplicates'] as const;
const titles = { channel: undefined, destination: 'Destination', type: 'Type' } as const;

/** `weir report`: what was received on a day, today if none is named, and how it stands. Queued is what is still open. */
export async function report(options: ReportOptions): Promise<ExitCode> {
  const { day, by, channel } = options;
  if (day !== undefined && (options.from ?? options.to) !== undefined)
    throw new CommandFailure(exit.usage, '--day is one day; --from and --to are several');
  for (const [name, text] of Object.entries({ '--day': day, '--from': options.from, '--to': options.to }))
    if (text !== undefined && dayNumber(text) === undefined)
      throw new CommandFailure(exit.usage, `${name} takes a day like 2026-11-20, not ${text}`);
  const query = { from: day ?? options.from, to: day ?? options.to, by, channel };
  const told = await call<DailyReport>(options, '/api/report', { query });
  if (told.counts.length === 0) await assertChannel(options, channel);
  if (options.json) printJson(told);
  else print(reportTable(told));
  return exit.done;
}

function reportTable({ counts, by, from, to, timeZone }: DailyReport): string {
  const days = from === to ? from : `${from} to ${to}`;
  if (counts.length === 0) return `nothing was received on ${days} (${timeZone})`;
  // What came to a destination is no duplicate.
  const told = by === 'destination' ? figures.slice(0, -1) : figures;
  const title = titles[by];
  const columns = [
    { title: 'Day' },
    { title: 'Channel' },
    ...(title ? [{ title }] : []),
    ...told.map((figure) => ({ title: figure[0]!.toUpperCase() + figure.slice(1), align: 'right' as const })),
  ];
  const rows = counts.map(({ day, channel, type, destination, ...each }) => [
    ...[day, channel, ...(title ? [(by === 'type' ? type : destination) ?? '-'] : [])],
    ...told.map((figure) => String(each[figure] ?? '')),
  ]);
  const sum = (figure: (typeof figures)[number]) => counts.reduce((all, each) => all + (each[figure] ?? 0), 0);
  return table(columns, [...rows, ['Total', '', ...(title ? [''] : []), ...told.map((figure) => String(sum(figure)))]]);
}
