import type { ErrorList } from '../admin/analyst-routes.ts';
import type { ErrorGroups } from '../admin/error-groups.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { CommandFailure, type ExitCode, exit } from './exit.ts';
import { assertChannel } from './known-channel.ts';
import { print, printJson, table, when } from './output.ts';

export interface ErrorOptions extends ClientOptions {
  readonly group?: boolean;
  readonly channel?: string;
  readonly destination?: string;
  readonly error?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

/** `weir errors`: what failed and nobody has closed, each or by cause. */
export function errors(options: ErrorOptions): Promise<ExitCode> {
  if (options.group && (options.destination ?? options.error ?? options.cursor) !== undefined)
    throw new CommandFailure(exit.usage, '--group takes --channel only');
  return options.group ? groups(options) : list(options);
}

async function list(options: ErrorOptions): Promise<ExitCode> {
  const { channel, destination, error, limit, cursor } = options;
  const query = { channel, destination, error, limit, cursor };
  const found = await call<ErrorList>(options, '/api/errors', { query });
  if (options.json) {
    printJson(found);
    return exit.done;
  }
  const columns = [
    { title: 'Id' },
    { title: 'Received' },
    { title: 'Channel' },
    { title: 'Destination' },
    { title: 'Type' },
    { title: 'Attempts', align: 'right' as const },
    { title: 'Blocked keys', align: 'right' as const },
    { title: 'Error' },
  ];
  const rows = found.errors.map(({ id, receivedAt, error, type = '', ...each }) => [
    ...[id, when(receivedAt), each.channel, each.destination || '-', type],
    ...[String(each.attempts), String(each.blockedKeys), `${error.code}: ${error.message}`],
  ]);
  if (rows.length > 0) print(table(columns, rows));
  else if (!found.cursor) {
    await assertChannel(options, channel);
    print(error === undefined ? 'there are no open errors' : `there are no open errors of ${error}`);
  }
  if (found.cursor) print(`more: --cursor ${found.cursor}`);
  return exit.done;
}

async function groups(options: ErrorOptions): Promise<ExitCode> {
  const found = await call<ErrorGroups>(options, '/api/errors/groups', { query: { channel: options.channel } });
  if (options.json) {
    printJson(found);
    return exit.done;
  }
  const columns = [
    { title: 'Count', align: 'right' as const },
    { title: 'Channel' },
    { title: 'Destination' },
    { title: 'First' },
    { title: 'Last' },
    { title: 'Blocked keys', align: 'right' as const },
    { title: 'Signature' },
    { title: 'Error, and an example' },
  ];
  const rows = found.groups.map(({ channel, destination, code, message, signature, count, first, last, ...each }) => [
    ...[
      String(count),
      channel,
      destination || '-',
      when(first),
      when(last),
      String(each.blockedKeys),
      signature ?? '-',
    ],
    `${code}: ${message} (${each.example})`,
  ]);
  if (rows.length === 0) {
    await assertChannel(options, options.channel);
    print('there are no open errors');
  } else {
    print(table(columns, rows));
    print('weir errors --error <signature> lists those of one line; weir retry|replay|skip --error acts on them');
  }
  if (found.more) print(`these are ${found.errors} open errors; there are more`);
  return exit.done;
}
