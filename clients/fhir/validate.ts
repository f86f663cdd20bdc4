import type { TypedValueWithPath } from '@medplum/core';
import type { OperationOutcomeIssue, Resource } from '@medplum/fhirtypes';
import { asHubError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding.ts';
import { isLogicalId } from '../../protocols/fhir/interaction.ts';
import { Definitions } from './definitions.ts';
import { ValueSets } from './value-sets.ts';

/** Files of hundreds of megabytes are not what a resource is wrong by. */
const MAX_BASE64_BYTES = 1024 ** 3;
let valueSets: ValueSets | undefined;

/**
 * What is wrong with a resource by the definitions of FHIR R4: elements, cardinality, types, invariants, and the codes of required
 * bindings. Profiles that it names in `meta.profile` are not looked at. Never throws; paths are FHIRPath (`Patient.contact[0]`), and
 * nothing that stands in the resource is quoted. Definitions are read when they are first needed.
 */
export function validateResource(resource: Resource): readonly Finding[] {
  try {
    return validated(resource);
  } catch (thrown) {
    const { message } = asHubError(thrown, 'validation-failed', 'validating');
    return [{ severity: 'warning', code: 'incomplete', path: '', message: `it could not be checked: ${message}` }];
  }
}

function validated(resource: Resource): readonly Finding[] {
  const definitions = Definitions.get();
  const findings: Finding[] = [];
  for (const { path, value } of resourcesIn(resource, resource.resourceType)) {
    if (!definitions.need(value.resourceType))
      return [{ severity: 'error', code: 'structure', path, message: 'R4 has no such resource type' }];
    if (value.id !== undefined && !isLogicalId(value.id))
      findings.push({ severity: 'error', code: 'value', path: `${path}.id`, message: 'Invalid id format' });
  }
  const tokens: Record<string, TypedValueWithPath[]> = {};
  const issues = issuesOf(definitions, resource, tokens);
  const unsure = new Set(issues.filter(({ code }) => code === 'processing').map(ruleOf));
  for (const issue of issues) {
    if (issue.code !== 'processing') findings.push(findingOf(issue, unsure.has(ruleOf(issue))));
  }
  valueSets ??= new ValueSets();
  for (const [url, values] of Object.entries(tokens)) {
    const known = valueSets.codesOf(url);
    if (known) findings.push(...values.filter((each) => !isAmong(each, known)).map(wrongCode));
  }
  return findings;
}

function issuesOf(
  { core }: Definitions,
  resource: Resource,
  tokens: Record<string, TypedValueWithPath[]>,
): readonly OperationOutcomeIssue[] {
  try {
    return core.validateResource(resource, { base64BinaryMaxBytes: MAX_BASE64_BYTES, collect: { tokens } });
  } catch (thrown) {
    if (thrown instanceof core.OperationOutcomeError) return thrown.outcome.issue;
    throw thrown;
  }
}

interface Placed {
  readonly path: string;
  readonly value: { readonly resourceType: string; readonly id?: unknown };
}

/** The resource, and those that it holds: in bundles, as contained ones, as parameters. */
function* resourcesIn(value: unknown, path: string): Generator<Placed> {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) yield* resourcesIn(item, `${path}[${at}]`);
    return;
  }
  if ('resourceType' in value && typeof value.resourceType === 'string')
    yield { path, value: value as Placed['value'] };
  for (const [name, child] of Object.entries(value)) {
    if (typeof child === 'object') yield* resourcesIn(child, `${path}.${name}`);
  }
}

/** The expression that was evaluated, for issues that come from one. */
function ruleOf({ diagnostics }: OperationOutcomeIssue): string {
  return /"fhirpath":"(?:[^"\\]|\\.)*"/.exec(diagnostics ?? '')?.[0] ?? '-';
}

/** @param unsure its rule could not be evaluated, so that nobody knows whether it is broken */
function findingOf(
  { severity, code = 'structure', details, expression }: OperationOutcomeIssue,
  unsure: boolean,
): Finding {
  const text = details?.text ?? code;
  const [path = ''] = expression ?? [];
  const unknown = text.startsWith('Invalid additional property');
  return {
    severity: severity === 'error' && !unsure ? 'error' : 'warning',
    code,
    path: unknown ? withoutOddName(path) : path,
    message: ours.find(([begin]) => text.startsWith(begin))?.[1] ?? text,
  };
}

/** Texts that quote the resource, and what is said instead. */
const ours: readonly (readonly [string, string])[] = [
  ['Invalid additional property', 'R4 has no such element'],
  ['Invalid reference', 'The reference is to a type that may not stand there'],
  ['Conflicting choice', 'One element has values of two types'],
  ['Type of primitive extension', 'The extension goes with another type than the value has'],
];

/** The name of an element that does not exist may be anything. */
function withoutOddName(path: string): string {
  const at = path.lastIndexOf('.');
  return /^\.[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(path.slice(at)) ? path : path.slice(0, Math.max(0, at));
}

function isAmong(
  { type, value }: TypedValueWithPath,
  known: { readonly codes: ReadonlySet<string>; readonly codings: ReadonlySet<string> },
): boolean {
  if (typeof value === 'string') return known.codes.has(value);
  if (typeof value !== 'object' || value === null) return true;
  const isCoded = (coding: { readonly system?: unknown; readonly code?: unknown }) =>
    coding.code === undefined || known.codings.has(`${coding.system}|${coding.code}`);
  if (type === 'Coding') return isCoded(value);
  // At least one of the codings has to be of the set (hl7.org/fhir/R4/terminologies.html#required).
  if (type === 'CodeableConcept') return Array.isArray(value.coding) && value.coding.some(isCoded);
  return true;
}

function wrongCode({ path }: TypedValueWithPath): Finding {
  return { severity: 'error', code: 'code-invalid', path, message: 'The code is none of those that may stand there' };
}
