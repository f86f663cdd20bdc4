import { FaultQuota } from '../../core/fault-quota.ts';
import type { Intake, SourceContext } from '../../core/source.ts';
import { Acknowledger } from './acknowledger.ts';
import type { MllpSourceConfig } from './config.ts';
import type { Shared } from './connection.ts';
import { Flusher } from './flusher.ts';

/** What the connections of one source share. */
export function sharedBy(config: MllpSourceConfig, context: SourceContext, intake: Intake, halt: AbortSignal): Shared {
  const { clock, random, ackAfter } = context;
  return {
    config,
    context,
    intake,
    halt,
    acknowledger: new Acknowledger(config, ackAfter, { now: () => clock.now(), random }),
    quota: new FaultQuota(config.faultsPerMinute, () => clock.monotonic()),
    flusher: new Flusher(),
  };
}
