import type { Intake, SourceContext } from '../../core/source.ts';
import { Acknowledger } from './acknowledger.ts';
import type { MllpSourceConfig } from './config.ts';
import type { Shared } from './connection.ts';
import { FaultQuota } from './fault-quota.ts';
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

/** Resolves when one of the signals has aborted. */
export function until(...signals: readonly AbortSignal[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const any = AbortSignal.any([...signals]);
  if (any.aborted) resolve();
  else any.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
