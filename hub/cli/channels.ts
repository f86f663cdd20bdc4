import type { ChannelStatus, DestinationStatus } from '../../core/runtime/engine.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { type ExitCode, exit } from './exit.ts';
import { age, print, printJson, table, when } from './output.ts';

const columns = [
  { title: 'Status' },
  { title: 'Name' },
  { title: 'Rev' },
  { title: 'Last deployed' },
  { title: 'Received', align: 'right' },
  { title: 'Filtered', align: 'right' },
  { title: 'Queued', align: 'right' },
  { title: 'Sent', align: 'right' },
  { title: 'Errored', align: 'right' },
  { title: 'Connection' },
] as const;

/** `weir channels [name]`: each channel with its destinations below. Errored counts what is open: it can return to zero. */
export async function channels(name: string | undefined, options: ClientOptions): Promise<ExitCode> {
  const status = name
    ? [await call<ChannelStatus>(options, `/api/channels/${encodeURIComponent(name)}`)]
    : (await call<{ channels: readonly ChannelStatus[] }>(options, '/api/channels')).channels;
  if (options.json) printJson(status);
  else print(table(columns, status.flatMap(rows)));
  return exit.done;
}

function rows(channel: ChannelStatus): readonly (readonly string[])[] {
  const { counts, source } = channel;
  const connection = connectionOf(source.type, source.state, source.connections);
  return [
    [
      channel.state,
      channel.channel,
      channel.version.slice(0, 8),
      when(channel.deployedAt),
      String(counts.received),
      String(counts.filtered),
      String(counts.queued),
      String(counts.sent),
      String(counts.openErrors),
      channel.error ? `${connection}: ${channel.error.message}` : connection,
    ],
    ...channel.destinations.map(destinationRow),
  ];
}

function destinationRow(each: DestinationStatus): readonly string[] {
  const connection = connectionOf(each.type, each.connection.state, each.connection.connections);
  const waiting = each.queued > 0 && each.queuedAgeMs !== undefined ? `, oldest ${age(each.queuedAgeMs)}` : '';
  const held =
    each.holds > 0 ? `, ${each.holds} ${each.holds === 1 ? 'hold' : 'holds'} in force (${each.heldKeys} keys)` : '';
  const reason = each.error ? `: ${each.error.message}` : '';
  return [
    each.enabled ? (each.circuit === 'open' ? 'away' : '') : 'stopped',
    `  → ${each.destination}`,
    '',
    '',
    '',
    String(each.filtered),
    String(each.queued),
    String(each.sent),
    String(each.openErrors),
    `${connection}${waiting}${held}${reason}`,
  ];
}

function connectionOf(type: string, state: string, connections: number | undefined): string {
  return `${type} ${state}${connections === undefined ? '' : ` (${connections})`}`;
}

/** `weir channel start|stop|pause|halt <name>`, and start or stop for `<name>/<destination>`. */
export async function changeChannel(verb: string, name: string, options: ClientOptions): Promise<ExitCode> {
  const [channel = '', destination] = name.split('/', 2).map(encodeURIComponent);
  const path = destination
    ? `/api/channels/${channel}/destinations/${destination}/${verb}`
    : `/api/channels/${channel}/${verb}`;
  const answer = await call<{ channel: ChannelStatus; report?: { left: number } }>(options, path, {
    method: 'POST',
    reason: 'command line',
  });
  if (options.json) printJson(answer);
  else {
    const left = answer.report?.left ? `; ${answer.report.left} messages go on from the store at the next start` : '';
    const found = answer.channel.destinations.find(
      (each) => each.destination === decodeURIComponent(destination ?? ''),
    );
    print(
      destination
        ? `${name} is ${found?.enabled ? 'started' : 'stopped'}`
        : `${name} is ${answer.channel.state}${left}`,
    );
  }
  return exit.done;
}
