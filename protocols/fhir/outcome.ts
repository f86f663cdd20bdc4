import { type FhirResource, isObject } from './resource.ts';

/** Codes of issues that are used here (hl7.org/fhir/R4/valueset-issue-type.html). */
export const issueCodes = [
  ...['invalid', 'structure', 'required', 'value', 'invariant'],
  ...['security', 'login', 'unknown', 'expired', 'forbidden', 'suppressed'],
  ...['processing', 'not-supported', 'duplicate', 'multiple-matches', 'not-found', 'deleted', 'too-long'],
  ...['code-invalid', 'extension', 'too-costly', 'business-rule', 'conflict'],
  ...['transient', 'lock-error', 'no-store', 'exception', 'timeout', 'incomplete', 'throttled', 'informational'],
] as const;
export type IssueCode = (typeof issueCodes)[number];

export interface OutcomeIssue {
  readonly severity: 'fatal' | 'error' | 'warning' | 'information';
  readonly code: IssueCode;
  /** For whoever looks into it. */
  readonly diagnostics?: string;
  /** Places in the resource, as FHIRPath: `Patient.contact[0].name`. */
  readonly expression?: readonly string[];
}

const known: ReadonlySet<string> = new Set(issueCodes);

export function operationOutcome(issues: readonly OutcomeIssue[]): FhirResource {
  return {
    resourceType: 'OperationOutcome',
    issue: issues.map(({ severity, code, diagnostics, expression }) => ({
      severity,
      code,
      ...(diagnostics !== undefined && { diagnostics }),
      ...(expression !== undefined && expression.length > 0 && { expression }),
    })),
  };
}

/** The kind of issue that a status of HTTP stands for. */
export function issueCodeOf(status: number): IssueCode {
  return byStatus[status] ?? (status >= 500 ? 'exception' : 'invalid');
}

const byStatus: Readonly<Record<number, IssueCode>> = {
  401: 'login',
  403: 'forbidden',
  404: 'not-found',
  405: 'not-supported',
  406: 'not-supported',
  408: 'timeout',
  413: 'too-long',
  415: 'not-supported',
  422: 'processing',
  429: 'throttled',
  431: 'too-long',
  503: 'transient',
};

/** Issues of a resource that is an OperationOutcome; none of any other one. What is not of its shape is left out. */
export function issuesIn(resource: unknown): readonly OutcomeIssue[] {
  if (!isObject(resource) || resource.resourceType !== 'OperationOutcome' || !Array.isArray(resource.issue)) return [];
  return resource.issue.filter(isObject).map(({ severity, code, diagnostics, expression }) => ({
    severity: severity === 'fatal' || severity === 'warning' || severity === 'information' ? severity : 'error',
    code: typeof code === 'string' && known.has(code) ? (code as IssueCode) : 'processing',
    ...(typeof diagnostics === 'string' && { diagnostics }),
    ...(Array.isArray(expression) && { expression: expression.filter((each) => typeof each === 'string') }),
  }));
}

const told = 5;
/** A place by names and numbers alone: one that chooses (`where(value = …)`) may quote the resource. */
const plainPlace = /^[A-Za-z][\w.]*(?:\[\d+\][\w.]*)*$/;

/**
 * What an OperationOutcome says is wrong, for an error or a log: `invalid (Patient.birthDate); required; and 2 more`. Its texts are
 * left out, for they may quote the resource. Empty where it says nothing.
 */
export function describeIssues(issues: readonly OutcomeIssue[]): string {
  const errors = issues.filter(({ severity }) => severity === 'error' || severity === 'fatal');
  const shown = errors.slice(0, told).map(({ code, expression: [place] = [] }) => {
    return place !== undefined && place.length <= 100 && plainPlace.test(place) ? `${code} (${place})` : code;
  });
  const more = errors.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
