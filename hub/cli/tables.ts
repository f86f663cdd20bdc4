import { describeProblem } from '../../core/config/problem.ts';
import type { TableList, UnknownReport } from '../admin/table-routes.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { type ExitCode, exit } from './exit.ts';
import { print, printJson, table, when } from './output.ts';

const tableColumns = [
  { title: 'Table' },
  { title: 'Version' },
  { title: 'Rows', align: 'right' },
  { title: 'Owner' },
  { title: 'File' },
] as const;

/** `weir tables list`: the code tables in force; 1 where changed ones were refused. */
export async function tables(options: ClientOptions): Promise<ExitCode> {
  const report = await call<TableList>(options, '/api/tables');
  if (options.json) printJson(report);
  else {
    const rows = report.tables.map((each) => [each.table, each.version, String(each.rows), each.owner, each.file]);
    print(rows.length === 0 ? 'there are no code tables' : table(tableColumns, rows));
    if (report.refused) {
      const { since, problems, channels } = report.refused;
      if (problems.length > 0) print(`changed files are refused since ${when(since)}; these tables stay in force:`);
      for (const { channel, error } of channels)
        print(`${channel} goes on with the tables before since ${when(since)}: ${error.code} ${error.message}`);
      for (const problem of problems) print(`  ${describeProblem(problem)}`);
    }
  }
  return report.refused ? exit.failed : exit.done;
}

const unknownColumns = [
  { title: 'Table' },
  { title: 'Code' },
  { title: 'Channel' },
  { title: 'Count', align: 'right' },
  { title: 'First seen' },
  { title: 'Last seen' },
] as const;

/** `weir tables unknown [table]`: codes that were passed on as they came, the most frequent first. */
export async function unknownCodes(name: string | undefined, options: ClientOptions): Promise<ExitCode> {
  const report = await call<UnknownReport>(options, '/api/tables/unknown', {
    query: { table: name },
    reason: 'command line',
  });
  if (options.json) printJson(report);
  else {
    const rows = report.unknown.map((each) => [
      each.table,
      each.code,
      each.channel,
      String(each.count),
      when(each.firstSeen),
      when(each.lastSeen),
    ]);
    print(rows.length === 0 ? 'the tables had every code' : table(unknownColumns, rows));
    if (report.untold > 0) print(`${report.untold} more codes came that found no room in the list`);
  }
  return exit.done;
}
