import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../core/runtime/engine.ts';
import { type FeedReport, feedReport, playFeed } from './feed.ts';
import { feeds, interfaces } from './interfaces.ts';
import type { Laboratory } from './laboratory.ts';
import { morningEnd, morningStart } from './morning.ts';
import { playPortal } from './portal.ts';
import type { Feed, Sample } from './samples.ts';
import type { Screen } from './screen.ts';
import { number } from './summary.ts';

export interface PlayOptions {
  readonly ports: Readonly<Record<string, number>>;
  /** How long the morning takes; 0 plays as fast as answers come. */
  readonly seconds: number;
  readonly laboratory: Laboratory;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

export interface Played {
  /** By channel. */
  readonly feeds: ReadonlyMap<string, FeedReport>;
  readonly seconds: number;
}

/** Plays the samples, each feed on a connection of its own. Resolves when all are answered, or the signal aborts. */
export async function play(
  samples: readonly Sample[],
  { ports, seconds, laboratory, screen, signal }: PlayOptions,
): Promise<Played> {
  const begun = performance.now();
  const perMs = (seconds * 1_000) / (morningEnd - morningStart);
  const due = ({ at }: Sample) => begun + (at - morningStart) * perMs;
  const reports = Object.fromEntries(feeds.map((feed) => [feed, feedReport()])) as Record<Feed, FeedReport>;
  const count = (feed: Feed) => number(reports[feed].latenciesMs.length);
  const show = () => {
    const answered = Object.values(reports).reduce((sum, each) => sum + each.latenciesMs.length, 0);
    const each = feeds.map((feed) => `${feed} ${count(feed)}`).join(', ');
    const atLaboratory = `laboratory ${number(laboratory.accepted.size)}`;
    screen.progress(`${clock(begun, perMs)}${number(answered)} of ${number(samples.length)}: ${each}; ${atLaboratory}`);
  };
  const timer = setInterval(show, 100);
  try {
    await Promise.all(
      feeds.map((feed) => {
        const mine = samples.filter((sample) => sample.feed === feed);
        return (feed === 'portal' ? playPortal : playFeed)(mine, reports[feed], {
          host: '127.0.0.1',
          port: ports[interfaces[feed].endpoint] ?? 0,
          due,
          signal,
        });
      }),
    );
  } finally {
    clearInterval(timer);
    screen.done();
  }
  const byChannel = new Map(feeds.map((feed) => [interfaces[feed].channel, reports[feed]]));
  return { feeds: byChannel, seconds: (performance.now() - begun) / 1_000 };
}

/** The time of the day that is played. */
function clock(begun: number, perMs: number): string {
  if (perMs === 0) return '';
  const at = Math.min(morningStart + (performance.now() - begun) / perMs, morningEnd);
  return `${new Date(at).toISOString().slice(11, 16)}  `;
}

const pollMs = 200;

/** Waits until nothing is queued or in memory; false when that takes longer than the deadline, or the signal aborts. */
export async function settled(
  engine: Engine,
  screen: Screen,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const until = performance.now() + deadlineMs;
  while (performance.now() < until && !signal.aborted) {
    const open = (await engine.status()).reduce(
      (sum, { inFlight, counts }) => sum + Math.max(inFlight, counts.queued),
      0,
    );
    if (open === 0) {
      screen.done();
      return true;
    }
    screen.progress(`waiting for ${number(open)} that the laboratory refused at first, or that are on their way`);
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
  screen.done();
  return false;
}
