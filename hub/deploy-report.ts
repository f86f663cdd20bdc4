import { describeProblem, type Problem } from '../core/config/problem.ts';
import { type ErrorRecord, HubError } from '../core/errors.ts';
import type { Reader } from '../core/store/message-store.ts';

/** What a deployment did, channel by channel. With problems nothing was changed. */
export interface DeployReport {
  readonly deployed: readonly { readonly channel: string; readonly version: string }[];
  readonly unchanged: readonly string[];
  readonly removed: readonly string[];
  /** Channels that somebody has undeployed: they stay so until they are named. */
  readonly undeployed: readonly string[];
  /** Channels that the engine refused; their old definition goes on. */
  readonly refused: readonly { readonly channel: string; readonly error: ErrorRecord }[];
  readonly problems: readonly Problem[];
  /** What somebody should know of, although it was deployed. */
  readonly notes: readonly string[];
}

/** A deployment that did nothing. */
export const nothingDeployed: DeployReport = {
  deployed: [],
  unchanged: [],
  removed: [],
  undeployed: [],
  refused: [],
  problems: [],
  notes: [],
};

/** A deployment of some channels only, which brings back those that were undeployed. */
export interface Chosen {
  readonly channels: readonly string[];
  readonly by: Reader;
}

/** Changed code tables that were refused: those before stay in force. */
export interface RefusedTables {
  readonly since: number;
  /** With them nothing is in force. */
  readonly problems: readonly Problem[];
  /** Without problems: channels that the engine would not take with the new tables, and that go on with those before. */
  readonly channels: DeployReport['refused'];
}

/**
 * Throws HubError when anything was not deployed: `config-invalid` with a line for each problem; else the error of the first
 * channel that was refused, in one line that says how many others there are.
 */
export function assertDeployed({ problems, refused }: DeployReport): void {
  if (problems.length > 0) throw new HubError('config-invalid', 'permanent', problems.map(describeProblem).join('\n'));
  const [first] = refused;
  if (!first) return;
  const { code, kind, message } = first.error;
  const others = refused.length - 1;
  const more = others === 0 ? '' : ` (and ${others} other ${others === 1 ? 'channel' : 'channels'} could not start)`;
  throw new HubError(code, kind, `starting channel ${first.channel}: ${message}${more}`);
}
