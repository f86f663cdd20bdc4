import type { Clock, ConnectionState } from '../../core/component.ts';
import { asHubError, type HubError } from '../../core/errors.ts';
import { Line } from './line.ts';
import { identity } from './open-port.ts';

/** With jitter, half to all of it. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** How often it is looked whether a port that was not there has been plugged in. */
const lookMs = 1_000;

export interface KeepOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Ends it: the line in use is closed. */
  readonly signal: AbortSignal;
  /** Path of the port, for hot plugging; absent where there is none to look at. */
  readonly path?: string;
  open(signal: AbortSignal): Promise<Line>;
  /** Uses the line until it is lost or `signal` aborts; what it throws ends all of it. */
  use(line: Line): Promise<void>;
  report(state: ConnectionState): void;
  /** Told why a line was lost, and of the first attempt since then that failed, not of those that follow. */
  failed(error: HubError): void;
}

/**
 * Opens a line, has it used, and opens it again whenever it is lost, without end: after a pause that grows from 0.5 s to 30 s, and at
 * once, within a second, when a port that was not there is plugged in. Resolves when `signal` aborts and the line is closed.
 */
export async function keepOpen(options: KeepOptions): Promise<void> {
  const { clock, random, signal } = options;
  const report = onChange(options.report);
  let failures = 0;
  let told = false;
  while (!signal.aborted) {
    if (!told) report('connecting');
    const line = await opened(options);
    if (line instanceof Line) {
      const since = clock.monotonic();
      try {
        if (!signal.aborted) {
          report('connected');
          await options.use(line);
        }
      } finally {
        await line.close();
      }
      // A far end that takes the call and hangs up at once is no better than one that refuses it.
      if (clock.monotonic() - since > longestPauseMs) failures = 0;
    }
    if (signal.aborted) break;
    report('retrying');
    if (line instanceof Line) options.failed(line.lost.reason);
    else if (!told) options.failed(line);
    told = !(line instanceof Line);
    const ms = Math.min(firstPauseMs * 2 ** Math.min(failures++, 10), longestPauseMs) * (0.5 + random() / 2);
    await untilWorthTrying(ms, options);
  }
  report('stopped');
}

function onChange(report: (state: ConnectionState) => void): (state: ConnectionState) => void {
  let last: ConnectionState | undefined;
  return (state) => {
    if (state !== last) report(state);
    last = state;
  };
}

async function opened({ open, signal }: KeepOptions): Promise<Line | HubError> {
  try {
    const line = await open(signal);
    if (signal.aborted) await line.close();
    return line;
  } catch (thrown) {
    return asHubError(thrown, 'refused', 'opening a line', 'transient');
  }
}

async function untilWorthTrying(ms: number, { clock, signal, path }: KeepOptions): Promise<void> {
  const end = clock.monotonic() + ms;
  const absent = path?.startsWith('/') === true && (await identity(path)) === undefined;
  while (!signal.aborted) {
    const left = end - clock.monotonic();
    if (left <= 0) return;
    await resting(absent ? Math.min(left, lookMs) : left, clock, signal);
    if (absent && (await identity(path)) !== undefined) return;
  }
}

/** Waits for so long, or until `signal` aborts. */
function resting(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  const cancel = clock.timer(ms, end);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  return promise.finally(() => {
    cancel();
    signal.removeEventListener('abort', end);
  });
}
