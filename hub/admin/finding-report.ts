import type { ChannelStatus, Engine } from '../../core/runtime/engine.ts';
import type { CountedFinding } from '../../core/runtime/finding-counts.ts';

/** What validation found, by channel; within one, errors before warnings and the most frequent first. */
export interface FindingReport {
  readonly findings: readonly (CountedFinding & { readonly channel: string })[];
  /** How often something was found that has no room in the list of its channel. */
  readonly untold: number;
}

/** Since each channel was started; nothing of it shows content. */
export function findingReport(
  engine: Pick<Engine, 'findings'>,
  channels: readonly Pick<ChannelStatus, 'channel' | 'counters'>[],
): FindingReport {
  const findings: FindingReport['findings'][number][] = [];
  let untold = 0;
  for (const { channel, counters } of channels) {
    const own = engine.findings(channel);
    const told = own.reduce((sum, { count }) => sum + count, 0);
    untold += Math.max(0, (counters.validation_findings_total ?? 0) - told);
    for (const each of own) findings.push({ channel, ...each });
  }
  return { findings, untold };
}
