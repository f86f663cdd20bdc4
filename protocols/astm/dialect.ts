/**
 * Where an analyzer writes what, as places in its records (`4`, `3.4`, `5[2].1`): of several, the first that has a value
 * counts. Plain data, so that a device profile can hold it; what it does not name stays as the standard has it.
 */
export interface Dialect {
  /** In O. */
  readonly specimenId: readonly string[];
  /** In P. */
  readonly patientId: readonly string[];
  /** In R, and in O for what was ordered. The universal test id is code, name, system, the maker's code (LIS02-A2 §5.6). */
  readonly testCode: readonly string[];
  readonly testName: readonly string[];
  readonly testSystem: readonly string[];
  /** In R. */
  readonly value: readonly string[];
  readonly unit: readonly string[];
  readonly range: readonly string[];
  readonly operator: readonly string[];
  readonly completedAt: readonly string[];
  /** In R; where it has none, in H. */
  readonly instrument: readonly string[];
  readonly headerInstrument: readonly string[];
  /** The component of Q-3 that names the specimen; the first that is not empty. */
  readonly queriedSpecimen: readonly number[];
}

export const STANDARD_DIALECT: Dialect = {
  // Some analyzers leave O-3 empty and put the bar code into O-4.
  specimenId: ['3.1', '4.1'],
  patientId: ['4.1', '3.1', '5.1'],
  testCode: ['3.1', '3.4'],
  testName: ['3.2'],
  testSystem: ['3.3'],
  // A qualitative result stands in the first component, a measured one may stand in the second alone.
  value: ['4.1', '4.2'],
  unit: ['5.1'],
  range: ['6.1'],
  operator: ['11.1'],
  completedAt: ['13'],
  instrument: ['14.1'],
  headerInstrument: ['5.1'],
  // The first is the patient; analyzers that know no patients write the specimen there.
  queriedSpecimen: [2, 1],
};

export function dialectOf(dialect: Partial<Dialect> | undefined): Dialect {
  return { ...STANDARD_DIALECT, ...dialect };
}
