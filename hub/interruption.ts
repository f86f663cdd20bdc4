/** npm and others pass a Ctrl-C on that the terminal has sent already: within this time it is the same one. */
const sameSignalMs = 500;

/** Aborts at the first SIGINT or SIGTERM; at a second one the process ends at once with 1, after `atOnce`. */
export function interruption(atOnce: () => void = () => undefined): AbortSignal {
  const interrupted = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    if (!interrupted.signal.aborted) {
      firstAt = performance.now();
      interrupted.abort();
    } else if (performance.now() - firstAt > sameSignalMs) {
      atOnce();
      process.exit(1);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return interrupted.signal;
}
