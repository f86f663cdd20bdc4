import { parentPort } from 'node:worker_threads';
import { describeThrown, HubError } from '../../errors.ts';
import type { Calls } from './call-thread.ts';
import type { Answer, CallFailure, Request } from './calls.ts';

/** Serves `calls` to the thread that started this one. A `bytes` buffer in a result is transferred, not copied. */
export function serve<C extends Calls<C>>(calls: C): void {
  const port = parentPort;
  if (!port) throw new Error('serving calls: this is not a worker thread');
  port.on('message', ({ name, argument }: Request) => {
    let answer: Answer;
    try {
      answer = { value: calls[name as keyof C](argument as never) };
    } catch (thrown) {
      answer = { error: asAnswer(thrown, name) };
    }
    const bytes = 'value' in answer ? (answer.value as { bytes?: unknown } | undefined)?.bytes : undefined;
    port.postMessage(answer, bytes instanceof ArrayBuffer ? [bytes] : []);
  });
}

function asAnswer(thrown: unknown, call: string): CallFailure {
  if (thrown instanceof HubError) return { code: thrown.code, kind: thrown.kind, message: thrown.message };
  // SQLite's own reason ("database or disk is full") holds no content.
  const reason = (thrown as { errstr?: unknown } | undefined)?.errstr;
  const what = typeof reason === 'string' ? reason : describeThrown(thrown);
  return { code: 'event-log-failed', kind: 'transient', message: `event log, ${call}: ${what}` };
}
