import type { FindingReport } from '../admin/finding-report.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { type ExitCode, exit } from './exit.ts';
import { print, printJson, table, when } from './output.ts';

const columns = [
  { title: 'Channel' },
  { title: 'Severity' },
  { title: 'Code' },
  { title: 'Place' },
  { title: 'Count', align: 'right' },
  { title: 'First' },
  { title: 'Last' },
  { title: 'Example' },
  { title: 'What' },
] as const;

/** `weir findings`: what is wrong with what senders send, for whoever talks to them. */
export async function findings(options: ClientOptions & { readonly channel?: string }): Promise<ExitCode> {
  const { channel } = options;
  const report = await call<FindingReport>(options, '/api/findings', { query: { channel } });
  if (options.json) {
    printJson(report);
    return exit.done;
  }
  const rows = report.findings.flatMap(({ messages: [example = '', ...others], ...each }) => [
    [
      ...[each.channel, each.severity, each.code, each.path || '-', String(each.count)],
      ...[when(each.firstSeen), when(each.lastSeen), example, each.message],
    ],
    ...(channel === undefined ? [] : others.map((id) => ['', '', '', '', '', '', '', id])),
  ]);
  print(rows.length === 0 ? 'validation has found nothing since the channels were started' : table(columns, rows));
  if (report.untold > 0) print(`${report.untold} more were found that have no room in the list`);
  return exit.done;
}
