import type { Change, ChangeList } from '../admin/analyst-routes.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { type ExitCode, exit } from './exit.ts';
import { print, printJson, table, when } from './output.ts';

const columns = [
  { title: 'When' },
  { title: 'Who' },
  { title: 'Did' },
  { title: 'Reason' },
  { title: 'Ticket' },
  { title: 'To' },
] as const;

/** `weir changes`: who deployed, started, stopped, retried, replayed or skipped what; newest first. */
export async function changes(
  options: ClientOptions & { readonly limit?: string; readonly before?: string },
): Promise<ExitCode> {
  const { limit, before } = options;
  const told = await call<ChangeList>(options, '/api/changes', { query: { limit, before } });
  if (options.json) printJson(told);
  else {
    const rows = told.changes.map((each) => [
      when(each.at),
      each.actor,
      each.action,
      each.reason,
      each.ticket ?? '',
      whatOf(each),
    ]);
    print(rows.length === 0 ? 'nothing was changed' : table(columns, rows));
  }
  return exit.done;
}

function whatOf({ subject, channel, from, to }: Change): string {
  if (channel === undefined || to === undefined) return subject;
  if (from === to) return `${channel}: version ${short(to)}, with another environment`;
  return from === undefined
    ? `${channel}: new, version ${short(to)}`
    : `${channel}: version ${short(from)} → ${short(to)}`;
}

function short(version: string): string {
  return version.slice(0, 8);
}
