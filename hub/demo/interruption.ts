/** A terminal and npm both pass one Ctrl-C on: what comes so soon after the first is that same one. */
const sameKeyMs = 500;

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    if (!interrupted.signal.aborted) {
      firstAt = performance.now();
      interrupted.abort();
    } else if (performance.now() - firstAt > sameKeyMs) process.exit(1);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return interrupted.signal;
}
