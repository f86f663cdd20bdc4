/** Resolves when one of the signals has aborted. */
export function until(...signals: readonly AbortSignal[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const any = AbortSignal.any([...signals]);
  if (any.aborted) resolve();
  else any.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
