import { type FhirBundleEntry, type FhirResource, isBundle, isObject } from './resource.ts';

/** Elements by which a resource says whose it is (hl7.org/fhir/R4/compartmentdefinition-patient.html). */
const owning = ['subject', 'patient', 'beneficiary', 'for', 'individual'];
const patientReference = /(?:^|\/)(Patient\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

/**
 * What the patients of a resource, or of the resources in a bundle, are called: `Patient/123` by their id, `system|value` by each
 * identifier; without repetition. Messages that share a name are about one patient. `urn:uuid:` references within a bundle are followed.
 */
export function patientNames(resource: FhirResource): readonly string[] {
  const names = new Set<string>();
  const entries = isBundle(resource) ? (resource.entry ?? []) : [{ resource }];
  const patients = new Map(entries.filter(isPatient).map(({ fullUrl, resource: found }) => [fullUrl, found]));
  for (const entry of entries) {
    const { resource: found, request } = entry;
    if (found) add(names, found, patients);
    addSearch(names, request?.url);
    addSearch(names, request?.ifNoneExist && `Patient?${request.ifNoneExist}`, found?.resourceType === 'Patient');
    if (request?.url?.startsWith('Patient/')) addReference(names, { reference: request.url }, patients);
  }
  return [...names];
}

type Patients = ReadonlyMap<string | undefined, FhirResource>;

function isPatient(entry: FhirBundleEntry): entry is FhirBundleEntry & { readonly resource: FhirResource } {
  return entry.resource?.resourceType === 'Patient';
}

function add(names: Set<string>, resource: FhirResource, patients: Patients): void {
  if (resource.resourceType === 'Patient') addPatient(names, resource, patients);
  for (const element of owning) addReference(names, resource[element], patients);
  const { participant } = resource;
  if (!Array.isArray(participant)) return;
  for (const each of participant) if (isObject(each)) addReference(names, each.actor, patients);
}

/** A patient is its own, and that of the one that replaces it, or that it replaces. */
function addPatient(names: Set<string>, patient: FhirResource, patients: Patients): void {
  if (typeof patient.id === 'string' && patient.id !== '') names.add(`Patient/${patient.id}`);
  if (Array.isArray(patient.identifier)) for (const each of patient.identifier) addIdentifier(names, each);
  if (!Array.isArray(patient.link)) return;
  for (const link of patient.link) {
    if (isObject(link) && (link.type === 'replaced-by' || link.type === 'replaces'))
      addReference(names, link.other, patients);
  }
}

function addReference(names: Set<string>, value: unknown, patients: Patients): void {
  if (Array.isArray(value)) for (const each of value) addReference(names, each, patients);
  if (!isObject(value)) return;
  const { reference, identifier, type } = value;
  if (typeof reference === 'string') {
    const found = patients.get(reference);
    const literal = patientReference.exec(reference)?.[1];
    if (literal !== undefined) names.add(literal);
    else if (found && Array.isArray(found.identifier)) for (const each of found.identifier) addIdentifier(names, each);
    else if (found) names.add(reference);
    else addSearch(names, reference);
  } else if (type === undefined || type === 'Patient') addIdentifier(names, identifier);
}

function addIdentifier(names: Set<string>, identifier: unknown): void {
  if (!isObject(identifier)) return;
  const { system, value } = identifier;
  if (typeof value === 'string' && value !== '') names.add(`${typeof system === 'string' ? system : ''}|${value}`);
}

/** `Patient?identifier=urn:oid:1.2|123` names a patient by an identifier. */
function addSearch(names: Set<string>, url: string | undefined, isOfPatient = true): void {
  if (!isOfPatient || !url?.startsWith('Patient?')) return;
  for (const found of new URLSearchParams(url.slice('Patient?'.length)).getAll('identifier')) {
    if (found !== '') names.add(found.includes('|') ? found : `|${found}`);
  }
}
