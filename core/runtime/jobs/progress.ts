import type { ErrorCode, HubError } from '../../errors.ts';
import type { Position } from './filter.ts';
import type { JobFailures, JobState } from './job.ts';

const mostCodes = 20;
const mostMessages = 20;

/** What became of one message. */
export type Acted =
  | { readonly to: 'done' | 'already' }
  | { readonly to: 'failed'; readonly id: string; readonly error: HubError };

/** How a job stands, as it is written down: the counts belong to the position, so that what is done again counts once. */
export interface SavedProgress {
  readonly state: JobState;
  readonly position: Position;
  readonly matched?: number;
  readonly done: number;
  readonly already: number;
  readonly failed: number;
  readonly failures: readonly JobFailures[];
  readonly endedAt?: number;
}

export class Progress {
  state: JobState = 'running';
  position: Position = { seq: -1 };
  matched: number | undefined;
  endedAt: number | undefined;
  done = 0;
  already = 0;
  failed = 0;
  readonly #failures = new Map<ErrorCode, { count: number; messages: { id: string; error: string }[] }>();

  constructor(saved?: SavedProgress) {
    if (!saved) return;
    this.state = saved.state;
    this.position = saved.position;
    this.matched = saved.matched;
    this.endedAt = saved.endedAt;
    this.done = saved.done;
    this.already = saved.already;
    this.failed = saved.failed;
    for (const { code, count, messages } of saved.failures)
      this.#failures.set(code, { count, messages: [...messages] });
  }

  get handled(): number {
    return this.done + this.already + this.failed;
  }

  get failures(): readonly JobFailures[] {
    return [...this.#failures].map(([code, { count, messages }]) => ({ code, count, messages: [...messages] }));
  }

  add(acted: Acted): void {
    this[acted.to] += 1;
    if (acted.to !== 'failed') return;
    const { id, error } = acted;
    let same = this.#failures.get(error.code);
    if (!same && this.#failures.size < mostCodes) this.#failures.set(error.code, (same = { count: 0, messages: [] }));
    if (!same) return;
    same.count += 1;
    if (same.messages.length < mostMessages) same.messages.push({ id, error: error.message });
  }

  saved(): SavedProgress {
    const { state, position, matched, endedAt, done, already, failed, failures } = this;
    return {
      ...{ state, position, done, already, failed, failures },
      ...(matched !== undefined && { matched }),
      ...(endedAt !== undefined && { endedAt }),
    };
  }
}
