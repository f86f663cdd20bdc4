import vm from 'node:vm';
import { HubError } from '../errors.ts';

const slot = Symbol.for('weir.step-guard');
const holder = globalThis as unknown as Record<symbol, (() => void) | undefined>;
const script = new vm.Script("globalThis[Symbol.for('weir.step-guard')]()", { filename: 'step-guard' });

/** Of what got less of the processor nobody knows whether it would have ended in time. */
const ownShare = 0.5;

/**
 * Runs synchronous code and ends it when it takes longer than `timeoutMs`: a step that loops for ever costs its own message, not
 * the hub (rule 21). Throws HubError `step-timeout` then; other errors pass. It is transient where the thread had less than half of that
 * time on a processor: the process stood still (SIGSTOP, a machine that was paused), and to run it again may help. A guarded call costs about 150 µs (V8 starts a
 * watchdog thread for each), so callers run many messages under one guard and keep note of which one is running.
 */
export function guarded(timeoutMs: number, run: () => void): void {
  if (timeoutMs === 0 || holder[slot]) {
    run();
    return;
  }
  holder[slot] = run;
  const before = process.threadCpuUsage();
  try {
    script.runInThisContext({ timeout: timeoutMs });
  } catch (thrown) {
    if ((thrown as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw thrown;
    const { user, system } = process.threadCpuUsage(before);
    const ownMs = Math.round((user + system) / 1_000);
    if (ownMs < timeoutMs * ownShare) throw stoodStill(timeoutMs, ownMs);
    throw new HubError(
      'step-timeout',
      'permanent',
      `running a step: it took longer than ${timeoutMs} ms and was ended`,
    );
  } finally {
    holder[slot] = undefined;
  }
}

function stoodStill(timeoutMs: number, ownMs: number): HubError {
  const what = `it was ended after ${timeoutMs} ms, of which it had a processor for ${ownMs} ms`;
  return new HubError('step-timeout', 'transient', `running a step: ${what}`);
}
