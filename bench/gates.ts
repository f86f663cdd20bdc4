/** A figure, and what it has to be. */
export interface Gate {
  readonly name: string;
  readonly figure: number;
  readonly limit: number;
  /** Whether the figure has to reach the limit, or must not go above it. */
  readonly must: 'reach' | 'stay-within';
  readonly unit: string;
}

export function passes({ figure, limit, must }: Gate): boolean {
  return must === 'reach' ? figure >= limit : figure <= limit;
}

/**
 * Prints a line for every gate, then one with the gate that is furthest from passing, or passes most narrowly: figure, limit,
 * ratio. Sets the exit code to 1 where a gate fails.
 */
export function report(program: string, gates: readonly Gate[]): void {
  for (const gate of gates) console.log(`  ${passes(gate) ? 'ok    ' : 'FAILED'} ${describe(gate)}`);
  const worst = gates.reduce((a, b) => (margin(a) <= margin(b) ? a : b));
  const passed = gates.every(passes);
  console.log(`${program} ${passed ? 'passed' : 'FAILED'}: ${describe(worst)}`);
  if (!passed) process.exitCode = 1;
}

function describe({ name, figure, limit, must, unit }: Gate): string {
  const bound = must === 'reach' ? 'at least' : 'at most';
  const ratio = limit === 0 ? '' : `, ratio ${(figure / limit).toFixed(2)}`;
  return `${name}: ${shown(figure)} ${unit}, limit ${bound} ${shown(limit)}${ratio}`;
}

/** Above 1: passes, with so much to spare. */
function margin({ figure, limit, must }: Gate): number {
  if (must === 'reach') return limit === 0 ? Number.POSITIVE_INFINITY : figure / limit;
  if (figure === 0) return Number.POSITIVE_INFINITY;
  return limit / figure;
}

function shown(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 });
}
