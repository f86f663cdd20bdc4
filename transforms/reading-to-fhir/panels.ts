import type { Reading } from '../../contracts/vitals.ts';

/** Readings that are one Observation: a single one, or the parts of a blood pressure. */
export interface Group {
  readonly readings: readonly Reading[];
  /** The LOINC code of the panel, where it is one. */
  readonly panel?: string;
}

const BLOOD_PRESSURE = '85354-9';
/** Systolic, diastolic, mean: their order in the panel. */
const PARTS = ['8480-6', '8462-4', '8478-0'] as const;

/** The part of a blood pressure that a reading is: 0 systolic, 1 diastolic, 2 mean; none: undefined. */
export function partOf({ code }: Reading): number | undefined {
  const at = PARTS.findIndex((part) => code?.loinc?.includes(part));
  return at < 0 ? undefined : at;
}

/** Puts the parts of one measurement together: those of the same time and count. A part that comes a second time begins another one. */
export function grouped(readings: readonly Reading[]): readonly Group[] {
  const groups: { readings: Reading[]; panel?: string }[] = [];
  const open = new Map<string, Reading[]>();
  for (const reading of readings) {
    const part = partOf(reading);
    if (part === undefined) {
      groups.push({ readings: [reading] });
      continue;
    }
    const measurement = `${reading.deviceTime ?? ''}\n${reading.sequence ?? ''}`;
    const before = open.get(measurement);
    if (before && !before.some((other) => partOf(other) === part)) before.push(reading);
    else {
      const group = { readings: [reading], panel: BLOOD_PRESSURE };
      open.set(measurement, group.readings);
      groups.push(group);
    }
  }
  for (const { readings: parts, panel } of groups)
    if (panel !== undefined) parts.sort((a, b) => partOf(a)! - partOf(b)!);
  return groups;
}
