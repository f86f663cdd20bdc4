import { connectPeer, type Peer } from '../../../clients/http-server/testing/peer.ts';
import type { Intake } from '../../../core/source.ts';
import { type RunningSource as Running, type RunOptions, runningSource } from '../../../core/testing/running-source.ts';
import { fhir } from '../fhir.ts';

export type Config = Partial<Parameters<typeof fhir>[0]>;
export type RunningSource = Running<Peer>;

/** On `${url}/fhir`. */
export function runSource(intake: Intake, config: Config = {}, options: RunOptions = {}): Promise<RunningSource> {
  return runningSource((context) => fhir({ endpoint: 'in', ...config }).create(context), connectPeer, intake, options);
}
