const interrupt = new AbortController();

/**
 * Aborted when this process is asked to end, by Ctrl-C or by a signal. What is under way rejects then and takes back what it began;
 * the process ends when that is done.
 */
export const interrupted: AbortSignal = interrupt.signal;

/** From here on, being asked to end aborts `interrupted`. */
export function endOrderly(): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupt.abort(new Error(`ended by ${name}`)));
}
