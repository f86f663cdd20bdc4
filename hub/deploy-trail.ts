import type { MessageStore, Reader } from '../core/store/message-store.ts';
import type { DeployReport } from './deploy-report.ts';

/** What a deployment did to one channel: from which version to which. */
export interface ChannelChange {
  readonly channel: string;
  /** Absent for a channel that is new. */
  readonly from?: string;
  readonly to: string;
}

const revision = (channel: string) => `revision/${channel}`;
const newChannel = 'new';

/**
 * Writes on the audit trail what a deployment changed, an entry for each channel, with its old and new version, and keeps the new
 * versions. The versions are equal where only the environment has changed. `start` is a deployment at the start of the hub: it is on the
 * trail where a channel has another version than before the stop.
 */
export async function recordDeploy(
  store: MessageStore,
  { deployed, removed, refused }: DeployReport,
  by: Reader,
  at: number,
  start = false,
): Promise<void> {
  const write = (action: string, subject: string) => store.audit({ ...by, at, action, subject });
  const before = await Promise.all(deployed.map(({ channel }) => store.state(revision(channel))));
  const writes = deployed.flatMap(({ channel, version }, index) => {
    const from = before[index] || undefined;
    const moved = from === version ? [] : [store.setState(revision(channel), version)];
    const told = start && from === version ? [] : [write('deploy', `${channel} ${from ?? newChannel} → ${version}`)];
    return [...moved, ...told];
  });
  for (const channel of removed) writes.push(store.setState(revision(channel), ''), write('undeploy', channel));
  for (const { channel, error } of refused) writes.push(write('deploy refused', `${channel} ${error.code}`));
  if (writes.length === 0 && !start) writes.push(write('deploy', 'nothing'));
  await Promise.all(writes);
}

/** Reads the subject of a `deploy` entry; undefined where it names no channel. */
export function channelChange(subject: string): ChannelChange | undefined {
  const [, channel = '', from = '', to = ''] = /^(\S+) (\S+) → (\S+)$/.exec(subject) ?? [];
  if (channel === '') return undefined;
  return from === newChannel ? { channel, to } : { channel, from, to };
}
