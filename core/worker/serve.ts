import { parentPort } from 'node:worker_threads';
import { errorRecord, type HubError } from '../errors.ts';
import type { Answer, Calls, Request } from './call-thread.ts';

/**
 * Serves `calls` to the `CallThread` that started this one, until it is closed; then `close` runs, and the thread ends when nothing
 * else keeps it. A call that returns a promise is answered when that has settled, others at once, in call order. A `bytes` buffer in
 * a result is transferred, not copied. `asError` turns what a call throws into what its caller sees: it crosses as code, kind, scope
 * and message.
 */
export function serve<C extends Calls<C>>(
  calls: C,
  asError: (thrown: unknown, call: keyof C) => HubError,
  close: () => void | Promise<void>,
): void {
  const port = parentPort;
  if (!port) throw new Error('serving calls: this is not a worker thread');
  port.on('message', (message: Request | 'close') => {
    if (message === 'close') {
      port.close();
      void close();
      return;
    }
    const { id, argument } = message;
    const name = message.name as keyof C;
    const failed = (thrown: unknown) => post({ id, error: errorRecord(asError(thrown, name)) });
    try {
      const value: unknown = calls[name](argument as never);
      if (value instanceof Promise) value.then((later: unknown) => post({ id, value: later }), failed);
      else post({ id, value });
    } catch (thrown) {
      failed(thrown);
    }
  });

  const post = (answer: Answer) => {
    const bytes = 'value' in answer ? (answer.value as { bytes?: unknown } | undefined)?.bytes : undefined;
    port.postMessage(answer, bytes instanceof ArrayBuffer ? [bytes] : []);
  };
}
