/**
 * When a rule holds. A place is `PID-5`, `PID-5.2`, `CX.5` (a component of the repetition at hand) or `ORC` (such a segment in
 * the same group, or around it); compiled from the official maps' conditions at build time.
 */
export type Condition =
  | readonly ['valued', place: string]
  | readonly ['in', place: string, values: readonly string[]]
  /** The repetitions of a field. */
  | readonly ['count', place: string, Comparison, number]
  /** The characters of a value. */
  | readonly ['length', place: string, Comparison, number]
  | readonly ['same', place: string, other: string]
  | readonly ['not', Condition]
  | readonly ['and', readonly Condition[]]
  | readonly ['or', readonly Condition[]];

export type Comparison = '>' | '<' | '<=' | '>=' | '=';
