import { setTimeout as sleep } from 'node:timers/promises';
import type { FeedOptions, FeedReport } from './feed.ts';
import type { Sample } from './samples.ts';

const pauseMs = 200;

/** The portal: it posts a bundle when it is due, and again while nobody answers or the hub asks to wait. */
export async function playPortal(samples: readonly Sample[], report: FeedReport, options: FeedOptions): Promise<void> {
  const { signal, due } = options;
  for (const sample of samples) {
    const wait = due(sample) - performance.now();
    if (wait > 1) await sleep(wait, undefined, { signal }).catch(() => undefined);
    const begun = performance.now();
    report.sentAt.set(sample.controlId, begun);
    let status: number | undefined;
    for (let first = true; status === undefined && !signal.aborted; first = false) {
      if (!first) report.resent++;
      status = await post(sample, options);
      if (status === undefined) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    if (status === undefined) return;
    report.latenciesMs.push(performance.now() - begun);
    if (status !== 200) report.refused.push(sample.controlId);
  }
}

/** The status of the answer; undefined where there is none, or it says that the hub takes nothing for now. */
async function post({ raw, controlId }: Sample, { host, port, signal }: FeedOptions): Promise<number | undefined> {
  const headers = { 'content-type': 'application/fhir+json', prefer: 'return=minimal', 'x-request-id': controlId };
  try {
    const answer = await fetch(`http://${host}:${port}/fhir`, { method: 'POST', headers, body: raw, signal });
    await answer.arrayBuffer();
    return answer.status === 503 ? undefined : answer.status;
  } catch {
    return undefined;
  }
}
