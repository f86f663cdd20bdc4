import type { WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { HubError } from '../../core/errors.ts';

/** A write of a batch in one transaction. */
export interface BatchWrite {
  readonly size: number;
  /** Ends the connection: what the server is doing may come about all the same. */
  abort(): void;
  /** Of a write that was ended after `begun` was told. */
  ended(): HubError;
  /** Tells `begun` before it sends what changes anything. */
  write(begun: () => void): Promise<readonly WriteOutcome[]>;
}

/** Writes until `stop` aborts: what was begun by then is uncertain, the rest untried. */
export async function writeUntil(
  stop: AbortSignal,
  { notAfter }: WriteContext,
  { size, abort, ended, write }: BatchWrite,
): Promise<readonly WriteOutcome[]> {
  const all = (outcome: WriteOutcome) => Array<WriteOutcome>(size).fill(outcome);
  if (stop.aborted || performance.now() > notAfter) return all({ status: 'untried' });
  const aborted = Promise.withResolvers<'aborted'>();
  const end = (): void => {
    abort();
    aborted.resolve('aborted');
  };
  stop.addEventListener('abort', end, { once: true });
  let isBegun = false;
  const writing = write(() => {
    isBegun = true;
  });
  try {
    const outcomes = await Promise.race([writing, aborted.promise]);
    if (outcomes !== 'aborted') return outcomes;
    return all(isBegun ? { status: 'uncertain', error: ended() } : { status: 'untried' });
  } finally {
    stop.removeEventListener('abort', end);
    writing.catch(() => undefined);
  }
}
