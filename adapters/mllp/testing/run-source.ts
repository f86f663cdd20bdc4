import type { Intake } from '../../../core/source.ts';
import { type RunningSource as Running, type RunOptions, runningSource } from '../../../core/testing/running-source.ts';
import { mllp } from '../mllp.ts';
import { connectPeer, type Peer } from './peer.ts';

export type RunningSource = Running<Peer>;

export function runSource(
  intake: Intake,
  config: Partial<Parameters<typeof mllp>[0]> = {},
  options: RunOptions = {},
): Promise<RunningSource> {
  return runningSource((context) => mllp({ endpoint: 'in', ...config }).create(context), connectPeer, intake, options);
}
