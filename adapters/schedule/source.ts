import type { ConnectionState } from '../../core/component.ts';
import { HubError } from '../../core/errors.ts';
import type { Arrival } from '../../core/message.ts';
import type { Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { LastTick } from './last-tick.ts';
import { latestTick, type Ticks } from './ticks.ts';

export interface ScheduleSourceOptions {
  readonly name: string;
  readonly ticks: Ticks;
  readonly missed: 'skip' | 'once';
  readonly endpoint?: string | undefined;
}

/** Each run goes on after the last tick that was noted, or from now on where none is. */
export function scheduleSource(options: ScheduleSourceOptions, context: SourceContext): Source {
  return { run: (intake, life) => new Ticker(options, context, intake, life).run() };
}

/** No single wait is longer, so that a clock that was put right, or a machine that slept, is noticed. */
const longestWaitMs = 60_000;
/** A tick that is found this late was slept through; a clock that went back by less ticks nothing twice. */
const toleranceMs = 60_000;
const retryMs = 1_000;

class Ticker {
  readonly #options: ScheduleSourceOptions;
  readonly #context: SourceContext;
  readonly #intake: Intake;
  readonly #life: Life;
  readonly #noted: LastTick | undefined;
  #state: ConnectionState | undefined;

  constructor(options: ScheduleSourceOptions, context: SourceContext, intake: Intake, life: Life) {
    this.#options = options;
    this.#context = context;
    this.#intake = intake;
    this.#life = life;
    if (options.endpoint !== undefined)
      this.#noted = new LastTick(context.endpoint('directory', options.endpoint).path, context.channel);
  }

  async run(): Promise<void> {
    try {
      await Promise.race([this.#tick(), aborted(this.#life.halt)]);
    } finally {
      this.#report('stopped');
    }
  }

  async #tick(): Promise<void> {
    const { clock } = this.#context;
    const { drain, halt } = this.#life;
    const { ticks, missed } = this.#options;
    let last = await this.#begin();
    this.#report('idle');
    while (!drain.aborted && !halt.aborted) {
      const now = clock.now();
      if (last > now + toleranceMs) last = now;
      const due = ticks.next(Math.max(last, missed === 'skip' ? now - toleranceMs : last));
      if (due === undefined || due > now) {
        await this.#pause(Math.min((due ?? Number.POSITIVE_INFINITY) - now, longestWaitMs));
        continue;
      }
      const at = latestTick(ticks, last, now) ?? due;
      if (at !== due) this.#context.count('schedule_missed_total');
      if (!(await this.#handOver(at))) return;
      await this.#note(at);
      last = missed === 'skip' ? this.#skipTo(at) : at;
    }
  }

  /** The time after which ticks count. A first start is noted too, so that a tick missed after it is known to be one. */
  async #begin(): Promise<number> {
    const noted = await this.#noted?.read();
    if (noted !== undefined) return noted;
    const now = this.#context.clock.now();
    await this.#noted?.write(now);
    return now;
  }

  /** What became due while the tick was open has passed. */
  #skipTo(at: number): number {
    const now = this.#context.clock.now();
    if ((this.#options.ticks.next(at) ?? Number.POSITIVE_INFINITY) <= now) this.#context.count('schedule_missed_total');
    return Math.max(at, now);
  }

  /** False: the channel takes nothing any more, or the source is to stop. Waits where the store is full. */
  async #handOver(at: number): Promise<boolean> {
    const { drain, halt } = this.#life;
    while (!halt.aborted) {
      try {
        const delivery = await this.#intake.accept([this.#arrival(at)], halt);
        const [receipt] = await delivery.receipts(this.#context.ackAfter);
        if (!receipt || receipt.outcome.status === 'draining') return false;
        // What was stored is ours, even as an error; what was not has to come again.
        if (receipt.outcome.status !== 'error' || receipt.id !== undefined) {
          this.#context.count('schedule_ticks_total');
          this.#report('idle');
          return true;
        }
      } catch (thrown) {
        if (halt.aborted) return false;
        if (!(thrown instanceof HubError)) throw thrown;
        if (thrown.code === 'draining') return false;
        if (thrown.kind !== 'transient') throw thrown;
        this.#trouble(thrown);
      }
      await this.#pause(retryMs);
      if (drain.aborted) return false;
    }
    return false;
  }

  #arrival(at: number): Arrival {
    const { name } = this.#options;
    const time = new Date(at).toISOString();
    return {
      raw: Buffer.from(JSON.stringify({ at: time, name })),
      dedupeKey: `${name}/${time}`,
      meta: { 'schedule.name': name, 'schedule.at': time },
    };
  }

  /** A tick that could not be noted is not lost: at worst it comes again after a restart. */
  async #note(at: number): Promise<void> {
    try {
      await this.#noted?.write(at);
    } catch (thrown) {
      if (!(thrown instanceof HubError)) throw thrown;
      this.#context.count('schedule_unnoted_total');
      this.#trouble(thrown);
    }
  }

  #trouble(error: HubError): void {
    if (this.#state !== 'retrying') this.#context.log.warn({ code: error.code, kind: error.kind }, error.message);
    this.#report('retrying');
  }

  #report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }

  #pause(ms: number): Promise<void> {
    const { drain } = this.#life;
    return new Promise((resolve) => {
      if (drain.aborted) return resolve();
      const end = (): void => {
        cancel();
        drain.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.#context.clock.timer(ms, end);
      drain.addEventListener('abort', end);
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
