export const dayMs = 86_400_000;

/** Days since 1970, in UTC. */
export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}

/** `2026-11-22` */
export function nameOfDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

/** `reading_20261122` */
export function partitionOf(table: string, day: number): string {
  return `${table}_${nameOfDay(day).replaceAll('-', '')}`;
}
