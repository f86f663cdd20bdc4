/** What is wrong with a message by its format's definitions: where and what, never what stands there. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** What kind of thing is wrong, of a closed list of the format: `missing-field`. */
  readonly code: string;
  /** Where, as paths are written; empty for what has no place. */
  readonly path: string;
  readonly message: string;
}

/** Whether a channel looks for what is wrong with messages, and what it does about it. */
export const validationModes = ['off', 'report', 'reject'] as const;
export type ValidationMode = (typeof validationModes)[number];

const told = 5;

/** The errors among findings in one line, for an error or a log: `PID[1]-3: required; and 2 more`. */
export function describeFindings(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const shown = errors.slice(0, told).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const more = errors.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
