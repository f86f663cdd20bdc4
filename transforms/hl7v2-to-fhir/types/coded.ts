import type { CodeableConcept, Coding } from '@medplum/fhirtypes';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { cameFrom } from '../urls.ts';
import { codingIn, comesBack, type Mapped, mapped, systemFor, systemNamed } from '../vocabulary.ts';
import { codeOf } from './primitive.ts';

const ALL = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const;
const CWE = rows('CWE[CodeableConcept]', ...ALL);
const CODING = rows('CWE[Coding]', 3, 4, 5, 9);

/** What the place of a code says about it. */
export interface Coded {
  readonly vocabulary?: string | undefined;
  /** The HL7 table of the field. */
  readonly table?: string | undefined;
}

/**
 * A CE, CNE, CWE or CF value, or the one component of an IS or ID: its up to three codings, and what the first is mapped to
 * before them. A code whose system nobody knows is a coding without one.
 */
export function codeableConceptOf(view: View, { vocabulary, table }: Coded = {}): CodeableConcept | undefined {
  const coding: Coding[] = [];
  const { length } = view.parts;
  const first = codingAt(view, 1, 2, 3, 7, CWE[3], CWE[4], CWE[5], CWE[9], table);
  const target = first?.code === undefined || vocabulary === undefined ? undefined : mapped(vocabulary, first.code);
  if (target && !(target[0] === first?.code && (target[2] === '' || target[2] === first?.system))) {
    coding.push(codingOf(target));
  }
  if (first) add(coding, first);
  const second = length < 4 ? undefined : codingAt(view, 4, 5, 6, 8, CWE[6], CWE[7], CWE[8], CWE[10]);
  if (second && !first) second.extension = [cameFrom('4')];
  if (second) add(coding, second);
  const third = length < 10 ? undefined : codingAt(view, 10, 11, 12, 13, CWE[12], CWE[13], CWE[14], CWE[15]);
  if (third && !(first && second)) third.extension = [cameFrom('10')];
  if (third) add(coding, third);
  const text = view.take(9, CWE[11]);
  if (coding.length === 0 && text === undefined) return undefined;
  // A name with neither code nor system says what is meant in words.
  const words =
    coding.length === 1 && text === undefined && first && !first.code && !first.system ? first.display : undefined;
  if (words !== undefined) return { text: words };
  if (coding.length === 0) return { extension: [cameFrom('9')], text: text! };
  return text === undefined ? { coding } : { coding, text };
}

/** Adds a coding under the system that has it, but for one that says nothing that another one does not. */
function add(codings: Coding[], coding: Coding): void {
  const { code, system, display } = sure(coding);
  if (code !== undefined && display === undefined)
    for (const other of codings) if (other.code === code && other.system === system) return;
  codings.push(coding);
}

function sure(coding: Coding): Coding {
  if (coding.system !== undefined && coding.code !== undefined) coding.system = systemFor(coding.system, coding.code);
  return coding;
}

export function codingOf([code, display, system, sure]: Mapped): Coding {
  if (system === '') return display === '' ? { code } : { code, display };
  return display === '' ? { system: sure, code } : { system: sure, code, display };
}

function codingAt(
  view: View,
  code: number,
  display: number,
  system: number,
  version: number,
  codeRow: string,
  displayRow: string,
  systemRow: string,
  versionRow: string,
  table?: string,
): Coding | undefined {
  const said = view.take(code, codeRow);
  const name = view.take(display, displayRow);
  const systemName = view.peek(system);
  if (systemName !== undefined && comesBack(systemName)) view.take(system, systemRow);
  if (said === undefined && name === undefined) {
    if (systemName === undefined) return undefined;
    return { system: systemFor(systemNamed(systemName), '') };
  }
  const coding: Coding = {};
  if (systemName !== undefined) {
    coding.system = systemNamed(systemName);
    if (said === undefined) coding.system = systemFor(coding.system, '');
    const versionText = view.take(version, versionRow);
    if (versionText !== undefined) coding.version = versionText;
  }
  const known = said === undefined || table === undefined ? undefined : codingIn(table, said);
  if (known && systemName === undefined) Object.assign(coding, known);
  // What the table would have said all the same was said.
  if (known && known.system === coding.system && (name ?? known.display) === known.display) {
    if (name !== undefined && systemName !== undefined) coding.extension = [cameFrom('2', '3')];
    else if (name !== undefined) coding.extension = [cameFrom('2')];
    else if (systemName !== undefined) coding.extension = [cameFrom('3')];
  }
  if (said !== undefined) coding.code = codeOf(said);
  if (name !== undefined) coding.display = name;
  return coding;
}

/** The first coding of a coded value, or what it is mapped to. */
export function firstCodingOf(view: View, { vocabulary, table }: Coded = {}): Coding | undefined {
  const code = view.peek(1);
  const target = code === undefined || vocabulary === undefined ? undefined : mapped(vocabulary, code);
  if (target) {
    if (target[4] === code) view.take(1, CODING[3]);
    return codingOf(target);
  }
  const coding = codingAt(view, 1, 2, 3, 7, CODING[3], CODING[4], CODING[5], CODING[9], table);
  return coding && sure(coding);
}

const TEXT = rows('CWE[string]', 4, 11);

/** The words of a coded value: its text, else the name of its code, else the code. */
export function wordsOf(view: View): string | undefined {
  return view.take(9, TEXT[11]) ?? view.take(2, TEXT[4]) ?? view.take(1, TEXT[4]);
}
