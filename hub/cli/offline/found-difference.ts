/** One thing that two texts do not have alike. */
export interface Difference {
  /** `PID-5.1`, `patient.family`, `line 3` */
  readonly at: string;
  /** Undefined where there is nothing. */
  readonly expected: string | undefined;
  readonly actual: string | undefined;
}
