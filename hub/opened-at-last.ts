import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../core/component.ts';
import { HubError } from '../core/errors.ts';

const againMs = 1_000;
const sayAgainMs = 60_000;

export interface Waiting {
  readonly log: Log;
  /** Whoever waits gives up. */
  readonly signal: AbortSignal;
  /** Between two attempts. 1 s. */
  readonly againMs?: number;
}

/**
 * Opens what may be away for the moment, and tries again until it is there: a hub that ended instead would come back as late as its
 * supervisor starts it again (Docker after up to a minute, systemd after five quick endings never). Why it waits is logged at once, each
 * reason once a minute. Rejects with the first HubError that waiting does not help with, and at `signal` with the last one.
 */
export async function openedAtLast<T>(what: string, open: () => Promise<T>, waiting: Waiting): Promise<T> {
  const { log, signal } = waiting;
  const began = performance.now();
  const saidAt = new Map<string, number>();
  for (;;) {
    try {
      const opened = await open();
      if (saidAt.size > 0) log.info({}, `${what} is open now, after ${seconds(began)} s`);
      return opened;
    } catch (thrown) {
      if (!(thrown instanceof HubError) || thrown.kind === 'permanent' || signal.aborted) throw thrown;
      const { code, message: why } = thrown;
      if (performance.now() - (saidAt.get(why) ?? Number.NEGATIVE_INFINITY) > sayAgainMs) {
        log.warn(
          { code },
          `${why}; the hub ${saidAt.size > 0 ? `has waited for ${seconds(began)} s` : 'waits for it'}`,
        );
        saidAt.set(why, performance.now());
      }
      // It has to keep the process, which has nothing else yet.
      await sleep(waiting.againMs ?? againMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) throw thrown;
    }
  }
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1_000);
}
