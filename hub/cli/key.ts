import type { LanePart } from '../../core/store/lane.ts';
import type { KeyReport } from '../admin/analyst-routes.ts';
import type { LaneReport } from '../admin/lane-reasons.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { CommandFailure, type ExitCode, exit } from './exit.ts';
import { age, print, printJson, table, when } from './output.ts';

/** `weir key <identifier>`: what holds a patient's messages up; this is on the audit trail. */
export async function key(
  identifier: string,
  options: ClientOptions & { readonly channel?: string; readonly limit?: number },
): Promise<ExitCode> {
  if (!options.reason)
    throw new CommandFailure(exit.usage, 'reading by identifier needs --reason: it is on the audit trail');
  const { channel, limit, reason } = options;
  const body = {
    key: identifier,
    ...(channel === undefined ? {} : { channel }),
    ...(limit === undefined ? {} : { limit }),
  };
  const { lanes } = await call<KeyReport>(options, '/api/keys', { method: 'POST', body, reason });
  if (options.json) printJson({ lanes });
  else if (lanes.length === 0) print('nothing waits behind this key, and it has no open dead letter');
  else print(lanes.map((lane) => laneText(lane, identifier)).join('\n\n'));
  return exit.done;
}

function laneText(lane: LaneReport, identifier: string): string {
  const { channel, destination, key: of, since, behind, queued, parts, deadLetters } = lane;
  const ofAll = of === '' && identifier !== '' ? ' (this patient’s messages may be among them)' : '';
  const lines = [
    `${channel} → ${destination}, ${of === '' ? `the lane of all messages${ofAll}` : `key ${of}`}: ${reasonText(lane)}`,
  ];
  if (since !== undefined) lines.push(`waits since ${when(since)} (${age(Date.now() - since)}), ${behind} behind it`);
  if (parts.length > 0) lines.push(table(columns, parts.map(row)));
  if (queued > parts.length) lines.push(`… and ${queued - parts.length} more`);
  if (deadLetters.length > 0) lines.push('open dead letters:', table(columns, deadLetters.map(row)));
  return lines.join('\n');
}

function reasonText({ why, error, retryAt, blockedBy }: LaneReport): string {
  const because = error ? `: ${error.code}, ${error.message}` : '';
  switch (why) {
    case 'nothing-queued':
      return 'nothing is queued';
    case 'not-deployed':
      return 'it is not deployed';
    case 'channel-stopped':
      return `the channel is stopped${because}`;
    case 'destination-stopped':
      return `the destination is stopped${because}`;
    case 'circuit-open':
      return `the far end is away${because}`;
    case 'retry':
      return `the first one failed and goes again at ${when(retryAt)}${because}`;
    case 'dead-letter':
      return `held by the dead letter ${blockedBy}${because}`;
    case 'other-key':
      return 'the first one waits in the lane of its other key, too';
    case 'operator-hold':
      return 'somebody holds messages back here';
    case 'held':
      return 'the one before the first one was done only now';
    case 'next':
      return 'the first one is next';
    default:
      return why satisfies never;
  }
}

const columns = [
  { title: 'Id' },
  { title: 'Type' },
  { title: 'Received' },
  { title: 'State' },
  { title: 'Attempts', align: 'right' },
  { title: 'Retry at' },
  { title: 'Error' },
] as const;

function row({ id, n, type = '', receivedAt, attempts, ...each }: LanePart): readonly string[] {
  const { queued = 'error', retryAt, error } = each;
  const name = n === 0 ? id : `${id}[${n}]`;
  const reason = error ? `${error.code}: ${error.message}` : '';
  return [name, type, when(receivedAt), queued, String(attempts), when(retryAt), reason];
}
