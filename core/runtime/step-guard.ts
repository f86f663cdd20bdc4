import { Session } from 'node:inspector';
import { HubError } from '../errors.ts';

const slot = Symbol.for('weir.step-guard');
const holder = globalThis as unknown as Record<symbol, (() => void) | undefined>;
const expression = "globalThis[Symbol.for('weir.step-guard')]()";

/** Of what got less of the processor nobody knows whether it would have ended in time. */
const ownShare = 0.5;

/** Of this thread with itself: no port is open. */
let session: Session | undefined;

/**
 * Runs synchronous code and ends it when it takes longer than `timeoutMs`: a step that loops for ever costs its own message, not
 * the hub (rule 21). Throws HubError `step-timeout` then; other errors pass. It is transient where the thread had less than half of that
 * time on a processor: the process stood still (SIGSTOP, a machine that was paused), and to run it again may help. A guarded call costs
 * about 30 µs, so callers run many messages under one guard and keep note of which one is running.
 */
export function guarded(timeoutMs: number, run: () => void): void {
  if (timeoutMs === 0 || holder[slot]) {
    run();
    return;
  }
  let thrown: { readonly error: unknown } | undefined;
  let begun = false;
  holder[slot] = () => {
    begun = true;
    try {
      run();
    } catch (error) {
      thrown = { error };
    }
  };
  const before = process.threadCpuUsage();
  let failure: Error | null;
  try {
    failure = evaluate(timeoutMs);
  } finally {
    holder[slot] = undefined;
  }
  if (thrown) throw thrown.error;
  if (!failure) return;
  if (!begun) throw failure;
  const { user, system } = process.threadCpuUsage(before);
  const ownMs = Math.round((user + system) / 1_000);
  if (ownMs < timeoutMs * ownShare) throw stoodStill(timeoutMs, ownMs);
  throw new HubError('step-timeout', 'permanent', `running a step: it took longer than ${timeoutMs} ms and was ended`);
}

/**
 * What V8 says where it has ended the code: nothing in that runs any more then, no `catch` and no `finally`. Its timer is one task of a thread
 * that is there anyway; the time limit of `node:vm` starts a thread for each call and waits for its end, 0.2 to 1 ms on a busy machine.
 */
function evaluate(timeout: number): Error | null {
  if (!session) {
    session = new Session();
    session.connect();
  }
  let failure: Error | null = null;
  session.post('Runtime.evaluate', { expression, timeout, silent: true, returnByValue: true }, (error) => {
    failure = error;
  });
  return failure;
}

function stoodStill(timeoutMs: number, ownMs: number): HubError {
  const what = `it was ended after ${timeoutMs} ms, of which it had a processor for ${ownMs} ms`;
  return new HubError('step-timeout', 'transient', `running a step: ${what}`);
}
