let lastVersion = '';
let lastNumber = Number.POSITIVE_INFINITY;

/**
 * Whether a version (MSH-12.1) is at least `major.minor.patch`. One that cannot be read counts as the newest: its sender
 * is more likely new than from 1990.
 */
export function atLeast(version: string, major: number, minor: number, patch = 0): boolean {
  if (version !== lastVersion) {
    lastNumber = numberOf(version);
    lastVersion = version;
  }
  return lastNumber >= major * 10_000 + minor * 100 + patch;
}

function numberOf(version: string): number {
  const digits = /^(\d{1,2})(?:\.(\d{1,2}))?(?:\.(\d{1,2}))?/.exec(version);
  if (!digits) return Number.POSITIVE_INFINITY;
  return Number(digits[1]) * 10_000 + Number(digits[2] ?? 0) * 100 + Number(digits[3] ?? 0);
}
