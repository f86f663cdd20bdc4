import type { Coding } from '@medplum/fhirtypes';
import { isUcum } from '../../contracts/device-profile/ucum.ts';
import { schemaOf } from '../../protocols/hl7v2/schema/schema.ts';
import systems from './generated/systems.json' with { type: 'json' };
import vocabularies from './generated/vocabularies.json' with { type: 'json' };
import type { CodeTarget } from './rule.ts';
import { isOid } from './types/primitive.ts';
import { codingSystem, kept, table } from './urls.ts';

type Vocabulary = Readonly<Record<string, CodeTarget>>;

/** What a code is mapped to, the system to put that under, and the first code of its vocabulary that is mapped to the same. */
export type Mapped = readonly [...CodeTarget, sure: string, first: string];

const UCUM = 'http://unitsofmeasure.org';

const listed = new Map<string, ReadonlySet<string>>(
  Object.entries(systems as Readonly<Record<string, readonly string[]>>).map(([url, codes]) => [url, new Set(codes)]),
);

const unitSystem = kept((code) => (isUcum(code) ? UCUM : codingSystem('UCUM')));

/**
 * The system to put a code under: the one that was meant, unless R4 lists its codes and this is none of them. What a site has
 * added to a table is a code of its own; a unit that says it is of UCUM and is none, too, and so is what has a name and no code.
 */
export function systemFor(system: string, code: string): string {
  if (system === UCUM) return unitSystem(code);
  const codes = listed.get(system);
  if (!codes || codes.has(code)) return system;
  const name = system.slice(system.lastIndexOf('/') + 1);
  return codingSystem(name.replace(/^v2-(?=\d{4}$)/, 'HL7'));
}

const tables = new Map(Object.entries(vocabularies as unknown as Readonly<Record<string, Vocabulary>>).map(read));

function read([name, codes]: readonly [string, Vocabulary]): readonly [string, ReadonlyMap<string, Mapped>] {
  const firsts = new Map<string, string>();
  for (const [code, [target]] of Object.entries(codes)) if (!firsts.has(target)) firsts.set(target, code);
  const made = Object.entries(codes).map(([code, [target, display, system]]): [string, Mapped] => [
    code,
    [target, display, system, system === '' ? '' : systemFor(system, target), firsts.get(target)!],
  ]);
  return [name, new Map(made)];
}

export function isVocabulary(name: string): boolean {
  return official.has(name);
}

/** The names of the official vocabularies and ours. */
export const vocabularyNames: readonly string[] = [...tables.keys()];
const official = new Set(vocabularyNames);

/** Makes a vocabulary of a site known; answers the name to look it up by. */
export function siteVocabulary(codes: Vocabulary): string {
  const name = `site ${JSON.stringify(codes)}`;
  tables.set(...read([name, codes]));
  return name;
}

/** What a vocabulary maps a code to. Letter case is not told apart where it is not found as it stands. */
export function mapped(vocabulary: string, code: string): Mapped | undefined {
  const codes = tables.get(vocabulary);
  return codes && (codes.get(code) ?? codes.get(code.toUpperCase()));
}

/** The first code of a vocabulary that is mapped to a target. */
export function firstCodeOf(vocabulary: string, target: string): string | undefined {
  let firsts = firstCodes.get(vocabulary);
  if (!firsts) {
    const targets = new Map<string, string>();
    for (const [each, [target]] of tables.get(vocabulary) ?? []) if (!targets.has(target)) targets.set(target, each);
    firstCodes.set(vocabulary, (firsts = targets));
  }
  return firsts.get(target);
}

const firstCodes = new Map<string, ReadonlyMap<string, string>>();

/** Coding systems of HL7 table 0396 by their names, as far as they have one URI. */
const SYSTEMS: Readonly<Record<string, string>> = {
  LN: 'http://loinc.org',
  LOINC: 'http://loinc.org',
  SCT: 'http://snomed.info/sct',
  SNM: 'http://snomed.info/sct',
  SNOMEDCT: 'http://snomed.info/sct',
  UCUM,
  I10: 'http://hl7.org/fhir/sid/icd-10',
  I10C: 'http://hl7.org/fhir/sid/icd-10-cm',
  ICD10: 'http://hl7.org/fhir/sid/icd-10',
  'ICD-10': 'http://hl7.org/fhir/sid/icd-10',
  'ICD-10-CM': 'http://hl7.org/fhir/sid/icd-10-cm',
  I9: 'http://hl7.org/fhir/sid/icd-9-cm',
  I9C: 'http://hl7.org/fhir/sid/icd-9-cm',
  I9CDX: 'http://hl7.org/fhir/sid/icd-9-cm',
  CVX: 'http://hl7.org/fhir/sid/cvx',
  MVX: 'http://hl7.org/fhir/sid/mvx',
  NDC: 'http://hl7.org/fhir/sid/ndc',
  RXNORM: 'http://www.nlm.nih.gov/research/umls/rxnorm',
  C4: 'http://www.ama-assn.org/go/cpt',
  CPT: 'http://www.ama-assn.org/go/cpt',
  C5: 'http://www.ama-assn.org/go/cpt',
  CDCREC: 'urn:oid:2.16.840.1.113883.6.238',
  ISO639: 'urn:iso:std:iso:639',
};

/** The URIs of coding systems by the names that they were sent under, and whether those are the names that they come back as. */
const named = new Map<string, { readonly uri: string; readonly comesBack: boolean }>();

function namedSystem(name: string): { readonly uri: string; readonly comesBack: boolean } {
  let system = named.get(name);
  if (system === undefined) {
    const uri = systemOf(name);
    system = { uri, comesBack: nameOfSystem(uri) === name };
    // Names come from senders: what they make up is not kept for ever.
    if (named.size < 2000) named.set(name, system);
  }
  return system;
}

/** The URI of a coding system that CWE-3 names: `LN`, `HL70078`, `99LAB`, or a universal identifier as it is. */
export function systemNamed(name: string): string {
  return namedSystem(name).uri;
}

/** Whether the way back gives a coding system the name that it was sent under. */
export function comesBack(name: string): boolean {
  return namedSystem(name).comesBack;
}

function systemOf(name: string): string {
  const upper = name.toUpperCase();
  const known = Object.hasOwn(SYSTEMS, upper) ? SYSTEMS[upper] : undefined;
  if (known) return known;
  const [, id] = /^HL7(\d{4})$/.exec(upper) ?? [];
  if (id) return table(id);
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(name) && !/["<>\\^`{|}]/.test(name)) return name;
  if (isOid(name)) return `urn:oid:${name}`;
  return codingSystem(name);
}

/** The usual names of coding systems by their URIs. */
const NAMES = new Map(
  Object.entries(SYSTEMS)
    .toReversed()
    .map(([name, uri]) => [uri, name]),
);
const TABLE = table('');
const CODING_SYSTEM = codingSystem('');

/** The name of a coding system as CWE-3 says it, so that `systemNamed` gives its URI again: `LN`, `HL70078`, else the URI. */
export function nameOfSystem(uri: string): string {
  const known = NAMES.get(uri);
  if (known !== undefined) return known;
  if (uri.startsWith(TABLE) && /^\d{4}$/.test(uri.slice(TABLE.length))) return `HL7${uri.slice(TABLE.length)}`;
  if (uri.startsWith(CODING_SYSTEM)) return decoded(uri.slice(CODING_SYSTEM.length));
  return uri.startsWith('urn:oid:') ? uri.slice('urn:oid:'.length) : uri;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const newest = schemaOf('2.8');

/** The coding of a code of an HL7 table, where the table has it. */
export function codingIn(id: string, code: string): Coding | undefined {
  const display = newest.table(id)?.codes.get(code);
  if (display === undefined) return undefined;
  return display === '' ? { system: table(id), code } : { system: table(id), code, display };
}

/** The table of a field, as the newest version of the standard has it; undefined where it has none. */
export function tableOf(segment: string, field: number): string | undefined {
  return newest.segment(segment)?.fields[field - 1]?.table;
}
