import type { Issue, IssueCode, Severity } from './issue.ts';
import type { Definitions, IgnoredIssue } from './profile.ts';

/** A message that is wrong all over is reported this far; the rest of it is not looked at. */
export const MOST_ISSUES = 200;

/** The issues found so far in one message. */
export class Findings {
  readonly definitions: Definitions;
  readonly issues: Issue[] = [];

  constructor(definitions: Definitions) {
    this.definitions = definitions;
  }

  get full(): boolean {
    return this.issues.length >= MOST_ISSUES;
  }

  add(severity: Severity, code: IssueCode, path: string, segment: number, message: string): void {
    if (this.full || this.definitions.profile.ignore?.some((ignored) => matches(ignored, code, path))) return;
    this.issues.push({ severity, code, path, segment, message });
  }
}

const INDEX = /\[\d+\]/g;

function matches(ignored: IgnoredIssue, code: IssueCode, path: string): boolean {
  if (ignored.code !== undefined && ignored.code !== code) return false;
  if (ignored.path === undefined) return true;
  const place = path.replace(INDEX, '');
  const next = place[ignored.path.length];
  return place.startsWith(ignored.path) && (next === undefined || next === '-' || next === '.');
}
