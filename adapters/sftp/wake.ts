/** A wait that ends when told to, or when the signal aborts. */
export interface Wake {
  readonly promise: Promise<void>;
  readonly now: () => void;
  /** Lets go of the signal. */
  readonly cancel: () => void;
}

export function wake(signal: AbortSignal): Wake {
  const { promise, resolve } = Promise.withResolvers<void>();
  const now = (): void => resolve();
  if (signal.aborted) now();
  else signal.addEventListener('abort', now);
  return { promise, now, cancel: () => signal.removeEventListener('abort', now) };
}
