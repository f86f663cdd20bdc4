import { defineChannel } from '../builder.ts';
import type { JobState, JobStatus } from '../runtime/jobs/job.ts';
import type { MessageStore } from '../store/message-store.ts';
import { type EngineHarness, eventually, type FarEnd, keyOf, type ManualSource } from './engine-harness.ts';

/** So many messages of five keys. */
export const bodies = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `k${n % 5}:${n}`);

/** Channel `one`, keyed, to `far`, `far2` … */
export async function channelOf(
  harness: EngineHarness,
  source: ManualSource,
  ...ends: readonly [FarEnd, ...FarEnd[]]
): Promise<void> {
  const [first, ...others] = ends;
  let channel = defineChannel('one').from(source.spec).keyBy(keyOf).to('far', first.spec);
  for (const [at, end] of others.entries()) channel = channel.to(`far${at + 2}`, end.spec) as typeof channel;
  await harness.engine.deploy(channel.definition, 'v1');
}

/** How the job stands when it has come to this state. */
export async function until({ engine }: EngineHarness, id: string, state: JobState): Promise<JobStatus> {
  await eventually(() => engine.jobs.get(id).state === state);
  return engine.jobs.get(id);
}

/** Messages that are replays, by what they are replays of. */
export async function replaysIn(store: MessageStore): Promise<ReadonlyMap<string, number>> {
  const replays = new Map<string, number>();
  for (const { replayOf } of (await store.find({ limit: 10_000 })).messages)
    if (replayOf !== undefined) replays.set(replayOf, (replays.get(replayOf) ?? 0) + 1);
  return replays;
}
