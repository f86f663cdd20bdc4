import type { ChannelStatus, DestinationStatus } from '../../core/runtime/engine.ts';
import type { ChannelList } from '../admin/channel-routes.ts';
import type { LeftToDo, UndeployReport } from '../undeploy.ts';
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
  if (name !== undefined) {
    const one = await call<ChannelStatus>(options, `/api/channels/${encodeURIComponent(name)}`);
    if (options.json) printJson([one]);
    else print(table(columns, rows(one)));
    return exit.done;
  }
  const { channels: status, undeployed } = await call<ChannelList>(options, '/api/channels');
  const away = undeployed.filter(({ gone }) => gone);
  if (options.json) {
    const standing = ({ channel, by, at }: UndeployReport) => ({ channel, state: 'undeployed', by, at });
    printJson([...status, ...away.map(standing)]);
    return exit.done;
  }
  const going = new Map(undeployed.map((each) => [each.channel, each]));
  print(table(columns, [...status.flatMap((each) => rows(each, going.get(each.channel))), ...away.map(awayRow)]));
  return exit.done;
}

function awayRow({ channel, at, by }: UndeployReport): readonly string[] {
  return ['undeployed', channel, '', when(at), '', '', '', '', '', byText(by)];
}

function byText({ actor, reason, ticket }: UndeployReport['by']): string {
  return `by ${actor}: ${reason}${ticket === undefined ? '' : ` (${ticket})`}`;
}

/** @param going where somebody has undeployed it and it still has something to do */
function rows(channel: ChannelStatus, going?: UndeployReport): readonly (readonly string[])[] {
  const { counts, source } = channel;
  const own = connectionOf(source.type, source.state, source.connections);
  // What a channel receives on any hub is sent by one of them.
  const connection = channel.hub === undefined ? own : `${own}, sent by hub ${channel.hub}`;
  return [
    [
      going ? 'undeploying' : channel.state,
      channel.channel,
      channel.version.slice(0, 8),
      when(channel.deployedAt),
      String(counts.received),
      String(counts.filtered),
      String(counts.queued),
      String(counts.sent),
      String(counts.openErrors),
      going ? byText(going.by) : channel.error ? `${connection}: ${channel.error.message}` : connection,
    ],
    ...channel.destinations.map(destinationRow),
  ];
}

function destinationRow(each: DestinationStatus): readonly string[] {
  const connection = connectionOf(each.type, each.connection.state, each.connection.connections);
  const waiting = each.queued > 0 && each.queuedAgeMs !== undefined ? `, oldest ${age(each.queuedAgeMs)}` : '';
  const held =
    each.holds > 0 ? `, ${each.holds} ${each.holds === 1 ? 'hold' : 'holds'} in force (${each.heldKeys} keys)` : '';
  const alone = each.rate?.alone ? ', counted without the other hubs' : '';
  const rate = each.rate?.limited ? `, limited to ${each.rate.perSecond} a second${alone}` : '';
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
    `${connection}${waiting}${rate}${held}${reason}`,
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

/** `weir undeploy <name>`: 0 also where something is left to do, which the answer says. */
export async function undeploy(name: string, options: ClientOptions): Promise<ExitCode> {
  const path = `/api/channels/${encodeURIComponent(name)}/undeploy`;
  const report = await call<UndeployReport>(options, path, { method: 'POST', reason: 'command line' });
  if (options.json) printJson(report);
  else if (report.gone) print(`${name} is undeployed; weir deploy ${name} brings it back`);
  else {
    print(`${name} takes nothing any more, and goes when this is done:`);
    for (const each of report.left) print(`  ${leftText(each)}`);
  }
  return exit.done;
}

function leftText({ channel, destination, messages, collected }: LeftToDo): string {
  const count = `${messages} ${messages === 1 ? 'message' : 'messages'}`;
  if (destination === '') return `${channel}: ${count} to be processed`;
  return `${channel} → ${destination}: ${count} ${collected ? 'collected, until the collection is closed' : 'queued'}`;
}
