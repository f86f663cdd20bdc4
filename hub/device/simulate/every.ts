/** Calls `step` at once and then every so many milliseconds, at moments that do not drift, until one of the signals aborts. */
export function every(ms: number, step: () => void, ...until: readonly AbortSignal[]): void {
  const stop = AbortSignal.any([...until]);
  if (stop.aborted) return;
  let due = performance.now();
  let timer: NodeJS.Timeout;
  const run = (): void => {
    step();
    due = Math.max(due + ms, performance.now());
    if (!stop.aborted) timer = setTimeout(run, Math.max(0, due - performance.now()));
  };
  stop.addEventListener('abort', () => clearTimeout(timer), { once: true });
  run();
}
