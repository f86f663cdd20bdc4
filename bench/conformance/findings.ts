import { basename } from 'node:path';
import type { Measured } from './measure.ts';

/** Something that is found in many places, one of them as an example. */
interface Finding {
  count: number;
  readonly files: Set<string>;
  readonly example: string;
}

class Findings {
  readonly #found = new Map<string, Finding>();

  add(what: string, { path }: Measured, example: string): void {
    const finding = this.#found.get(what) ?? { count: 0, files: new Set(), example };
    finding.count++;
    finding.files.add(basename(path));
    this.#found.set(what, finding);
  }

  /** The most frequent first: how often, in how many files, what, an example and a file it is in. */
  lines(limit: number): string[] {
    const sorted = [...this.#found].sort(([, a], [, b]) => b.count - a.count);
    const lines = sorted.slice(0, limit).map(([what, { count, files, example }]) => {
      const [file] = files;
      return `${String(count).padStart(6)} × in ${files.size}: ${what}  e.g. ${example}${example ? ' in ' : ''}${file}`;
    });
    if (sorted.length > limit) lines.push(`       … and ${sorted.length - limit} more kinds`);
    return lines.length === 0 ? ['       none'] : lines;
  }
}

/** What the judges find, what leads nowhere, what holds nothing, what throws and what differs. */
export function invalid(measured: readonly Measured[], limit: number): string {
  const findings = new Findings();
  for (const each of measured) {
    for (const { judge, code, path, message } of each.issues ?? []) {
      const kind = message.replace(/'[^']*'|"[^"]*"|\b[\da-f]{8}-[\da-f-]{27}\b|\d{2,}/g, '…');
      findings.add(`${judge}: ${path}: ${kind.slice(0, 220)} [${code}]`, each, brief(message));
    }
    for (const path of each.dangling) findings.add(`dangling: ${path}`, each, '');
    for (const path of each.empty) findings.add(`empty: ${path}`, each, '');
    if (each.thrown !== undefined) findings.add(`thrown: ${each.thrown}`, each, '');
    if (!each.same) findings.add('the same message became other bytes', each, '');
  }
  return ['wrong, most frequent first:', ...findings.lines(limit)].join('\n');
}

/** The values that are not found in the bundle, the leaves of which nothing is said, and those that do not come back. */
export function missing(measured: readonly Measured[], limit: number): string {
  const lost = new Findings();
  const unaccounted = new Findings();
  const gone = new Findings();
  for (const each of measured) {
    for (const { leaf, by } of each.lost) {
      lost.add(`${leaf.path} (${by ?? 'unaccounted for'})`, each, brief(leaf.text));
    }
    for (const leaf of each.unaccounted) unaccounted.add(leaf.path, each, brief(leaf.text));
    for (const { place, rows, sent } of [...(each.back?.differing ?? []), ...(each.back?.keptDiffering ?? [])]) {
      gone.add(`${place.replace(/\[\d+\]/g, '')} (${rows.join(', ') || 'kept'})`, each, brief(sent));
    }
  }
  return [
    'values that are not found, most frequent first:',
    ...lost.lines(limit),
    'leaves that are not accounted for:',
    ...unaccounted.lines(limit),
    'values that do not come back from FHIR as they were sent:',
    ...gone.lines(limit),
  ].join('\n');
}

function brief(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return `"${line.length > 120 ? `${line.slice(0, 120)}…` : line}"`;
}
