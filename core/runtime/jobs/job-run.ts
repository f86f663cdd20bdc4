import type { Clock, Log } from '../../component.ts';
import { asHubError } from '../../errors.ts';
import { workOnFilter } from './filter-work.ts';
import type { JobOrder, JobState, JobStatus } from './job.ts';
import { pause, Speed } from './pace.ts';
import { Progress, type SavedProgress } from './progress.ts';
import { workOnHold } from './release-work.ts';
import { Interrupted, Turn } from './turn.ts';
import type { WorkHost } from './work.ts';

export interface JobRunHost extends WorkHost {
  readonly clock: Clock;
  readonly log: Log;
  save(id: string, progress: SavedProgress): Promise<void>;
  /** It came to its end by itself, and that is written down. */
  ended(job: JobRun): Promise<void>;
}

const saveEveryMs = 1_000;
const againMs = 1_000;

/** One job: its work, and how it stands. */
export class JobRun {
  readonly order: JobOrder;
  readonly #host: JobRunHost;
  readonly #progress: Progress;
  readonly #speed: Speed;
  #interrupt = new AbortController();
  #turn: Turn | undefined;
  #savedAt = 0;
  #storeFails = false;
  #working: Promise<void> | undefined;

  constructor(order: JobOrder, saved: SavedProgress | undefined, host: JobRunHost) {
    this.order = order;
    this.#host = host;
    this.#progress = new Progress(saved);
    this.#speed = new Speed(host.clock);
  }

  get state(): JobState {
    return this.#progress.state;
  }

  get hasEnded(): boolean {
    return this.state === 'done' || this.state === 'cancelled';
  }

  saved(): SavedProgress {
    return this.#progress.saved();
  }

  status(): JobStatus {
    const { throughSeq: _, ...order } = this.order;
    const { state, matched, endedAt, done, already, failed, failures, handled } = this.#progress;
    const running = state === 'running';
    const perSecond = running ? this.#speed.perSecond(handled) : undefined;
    const waitingFor = running ? (this.#storeFails ? 'store' : this.#turn?.waitingFor) : undefined;
    const left = matched === undefined || !running ? undefined : Math.max(0, matched - handled);
    const expected = perSecond || order.rate;
    return {
      ...order,
      ...{ state, done, already, failed, failures },
      ...(matched !== undefined && { matched }),
      ...(endedAt !== undefined && { endedAt }),
      ...(perSecond !== undefined && { perSecond }),
      ...(left !== undefined && { etaMs: Math.round((1000 * left) / expected) }),
      ...(waitingFor !== undefined && { waitingFor }),
    };
  }

  /** Begins, or goes on, where it is to run. */
  start(): void {
    if (this.state !== 'running' || this.#working !== undefined) return;
    this.#interrupt = new AbortController();
    this.#working = this.#work(this.#interrupt.signal).finally(() => {
      this.#working = undefined;
    });
  }

  /** Interrupts the work; resolves when nothing of it is under way and where it stands is written down. */
  async stop(state?: JobState): Promise<void> {
    if (state && !this.hasEnded) this.#progress.state = state;
    this.#interrupt.abort();
    await this.#working;
    if (state === 'cancelled') this.#progress.endedAt ??= this.#host.clock.now();
    await this.#save();
  }

  async resume(): Promise<void> {
    this.#progress.state = 'running';
    await this.#save();
    this.start();
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#host;
    while (!signal.aborted) {
      this.#turn = new Turn(clock, this.order.rate, signal);
      const run = {
        order: this.order,
        progress: this.#progress,
        turn: this.#turn,
        signal,
        reached: () => this.#reached(),
      };
      try {
        await (this.order.verb === 'release' ? workOnHold : workOnFilter)(this.#host, run);
        await this.#end();
        return;
      } catch (thrown) {
        if (thrown instanceof Interrupted) return;
        const error = asHubError(thrown, 'store-failed', `working on job ${this.order.id}`, 'transient');
        log.error({ job: this.order.id, code: error.code, scope: error.scope }, error.message);
        this.#storeFails = true;
        await pause(clock, againMs, signal);
      }
    }
  }

  async #end(): Promise<void> {
    const progress = this.#progress;
    // Whom it did not meet any more had been acted on by others, or had been before a restart.
    if (progress.matched !== undefined) progress.already += Math.max(0, progress.matched - progress.handled);
    progress.state = 'done';
    progress.endedAt = this.#host.clock.now();
    await this.#save();
    await this.#host.ended(this);
  }

  async #reached(): Promise<void> {
    this.#storeFails = false;
    this.#speed.note(this.#progress.handled);
    if (this.#host.clock.monotonic() - this.#savedAt >= saveEveryMs) await this.#save();
  }

  async #save(): Promise<void> {
    this.#savedAt = this.#host.clock.monotonic();
    if (this.order.hold !== undefined) await this.#host.holds.save();
    await this.#host.save(this.order.id, this.#progress.saved());
  }
}
