/** The wait before attempt `attempt` (2 for the first retry): doubling, with full jitter in its upper half. */
export function backoff(attempt: number, initialMs: number, maxMs: number, random: () => number): number {
  const ceiling = Math.min(maxMs, initialMs * 2 ** Math.min(30, Math.max(0, attempt - 2)));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}
