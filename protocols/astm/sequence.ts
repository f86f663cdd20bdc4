/** As much of a record as its sequence number depends on. */
export interface NumberedRecord {
  readonly type: string;
}

/** Of each record type the level in the hierarchy (LIS02-A2 §4); a comment belongs to whatever stands before it. */
const LEVELS: Readonly<Record<string, number>> = { H: 0, P: 1, Q: 1, L: 1, O: 2, S: 2, R: 3 };

/**
 * The sequence number of each record: from 1 among the records of its type below one parent; 0 for H. C and M count
 * anew behind each record of another type.
 */
export function sequences(records: readonly NumberedRecord[]): number[] {
  const counts = new Map<string, number>();
  return records.map(({ type }) => {
    const level = LEVELS[type];
    const number = (counts.get(type) ?? 0) + 1;
    counts.set(type, number);
    if (level === undefined) return number;
    for (const below of counts.keys()) if ((LEVELS[below] ?? 9) > level) counts.delete(below);
    return type === 'H' ? 0 : number;
  });
}
