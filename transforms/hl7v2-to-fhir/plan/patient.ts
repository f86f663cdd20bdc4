import type { Reference } from '@medplum/fhirtypes';
import { rows } from '../row-names.ts';
import type { Draft, SegmentView } from '../segment-view.ts';
import { identifierOfCx } from '../types/identifier.ts';
import { cameOf, v2Extension } from '../urls.ts';
import { mapped } from '../vocabulary.ts';
import { apply, make, point, pointAlso, type State } from './state.ts';

const MOTHER = rows('CX[RelatedPerson-Mother]', 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 16);
const ROLE_CODE = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';

/** PID: a patient; his account, his mother, and who last changed what is known of him. */
export function pid(segment: SegmentView, state: State): void {
  const patient = make('PID[Patient]', segment, state);
  const { conversion } = state;
  state.patient = patient;
  state.encounter = undefined;
  state.account = undefined;
  state.coverage = undefined;
  state.request = state.report = state.given = state.observation = state.orc = undefined;
  state.about = 'patient';
  if (segment.has(18)) {
    state.account = make('PID[Account]', segment, state);
    pointAlso(state.account, 'subject', patient, state);
  }
  for (const view of segment.valued(21)) {
    const identifier = identifierOfCx(view, conversion);
    if (!identifier) continue;
    view.mark(1, MOTHER[6]);
    const mother = conversion.resources.make('RelatedPerson');
    mother.identifier = [identifier];
    view.element ??= identifier;
    mother.relationship = [{ coding: [{ system: ROLE_CODE, code: 'MTH', display: 'mother' }] }];
    point(mother, 'patient', patient, state);
  }
  if (segment.has(33) && segment.has(34)) {
    const provenance = make('PID[Provenance-Patient]', segment, state);
    pointAlso(provenance, 'target', patient, state);
  }
  if (state.appointment) takesPart(state.appointment, patient, state);
  segment.home = patient;
  state.last = patient;
}

function takesPart(appointment: Draft, patient: Draft, { conversion }: State): void {
  const participants = (appointment.participant ??= []) as object[];
  participants.push({ actor: conversion.resources.reference(patient) });
}

export function pd1(segment: SegmentView, state: State): void {
  if (!state.patient) return;
  apply('PD1[Patient]', segment, state.patient, state);
  if (segment.has(7)) {
    const livingWill = make('PD1[Observation-LivingWill]', segment, state);
    point(livingWill, 'subject', state.patient, state);
  }
  state.last = state.patient;
}

const CONTACTS = new Set(['EMR', 'E', 'F', 'I', 'S']);

/** NK1: a related person, and a contact of the patient. An employer or an insurer is a contact alone (ADT_A01 28–30). */
export function nk1(segment: SegmentView, state: State): void {
  const { patient } = state;
  if (!patient) return;
  if (!CONTACTS.has(segment.peek(3) ?? '')) {
    const person = make('NK1[RelatedPerson]', segment, state);
    point(person, 'patient', patient, state);
    state.last = person;
  }
  apply('NK1[Patient]', segment, patient, state);
}

/** Events that cancel or end a visit, or what is known of it by its event alone. */
export function pv1(segment: SegmentView, state: State): void {
  const { conversion, event } = state;
  const status = /^A(11|27|38)$/.test(event) ? 'cancelled' : mapped('Event[EncounterStatus]', event)?.[0];
  const encounter = conversion.resources.make('Encounter');
  if (/^A(11|27|38)$/.test(event)) encounter.status = status;
  apply('PV1[Encounter]', segment, encounter, state);
  if (encounter.status === undefined && status !== undefined) encounter.status = status;
  point(encounter, 'subject', state.patient, state);
  pointAlso(encounter, 'account', state.account, state);
  state.encounter = encounter;
  state.about = 'encounter';
  state.last = encounter;
}

export function pv2(segment: SegmentView, state: State): void {
  if (!state.encounter) pv1(segment, state);
  apply('PV2[Encounter]', segment, state.encounter!, state);
  state.last = state.encounter;
}

/** ROL: the patient's own practitioner, who takes part in a visit, or in the care of the patient. */
export function rol(segment: SegmentView, state: State): void {
  const { patient, encounter, about } = state;
  if (about === 'encounter' && encounter) apply('ROL[Encounter-PractitionerRole]', segment, encounter, state);
  else if (segment.peek(3) === 'PP' && patient) apply('ROL[Patient-GeneralPractitioner]', segment, patient, state);
  else pointSubject(make('ROL[CareTeam]', segment, state), state);
}

/** PRT: who or what takes part in what stands before it. What refers to what it made says which one it was. */
export function prt(segment: SegmentView, state: State): void {
  const { patient, encounter, about, observation, report, request } = state;
  if (about === 'observation' && observation) takesPartIn(observation, segment, state);
  else if (about === 'order' && (report || request)) {
    const role = make('PRT[PractitionerRole]', segment, state);
    const code = segment.peek(4);
    if (code === 'OP' && request && request.requester === undefined)
      request.requester = referenceOf(segment, role, state);
    else if (code === 'PRI' && report) addTo(report, 'resultsInterpreter', referenceOf(segment, role, state));
    else if (report) addTo(report, 'performer', referenceOf(segment, role, state));
    else if (request!.resourceType !== 'MedicationRequest')
      addTo(request!, 'performer', referenceOf(segment, role, state));
    else performs(request!, role, state);
  } else if (about === 'encounter' && encounter) {
    const role = make('PRT[PractitionerRole]', segment, state);
    const participant = { individual: state.conversion.resources.reference(role) as Reference };
    ((encounter.participant ??= []) as object[]).push(participant);
  } else if (segment.peek(4) === 'PP' && patient) {
    apply('PRT[Patient-GeneralPractitioner-PractitionerRole]', segment, patient, state);
  } else pointSubject(make('PRT[CareTeam]', segment, state), state);
}

/** Who or what takes part in an observation: a device, a place, a role of somebody. */
function takesPartIn(observation: Draft, segment: SegmentView, state: State): void {
  const named = segment.has(5) || segment.has(8);
  if (segment.has(10)) {
    const device = referenceOf(segment, make('PRT[Device]', segment, state), state);
    // An observation is made by one device; a further one stands beside it.
    if (observation.device === undefined) observation.device = device;
    else addTo(observation, 'extension', { url: v2Extension('PRT'), valueReference: device });
  }
  // What no rule takes is of the role.
  segment.home = named ? undefined : observation;
  if (named) {
    const role = make('PRT[PractitionerRole]', segment, state);
    addTo(observation, 'performer', referenceOf(segment, role, state));
  }
  if (segment.has(9) || segment.has(14)) {
    const known = (observation.extension as object[] | undefined)?.length ?? 0;
    apply('PRT[Observation-Location]', segment, observation, state);
    const places = ((observation.extension ?? []) as { readonly valueReference?: Reference }[]).slice(known);
    for (const { valueReference } of places) if (valueReference) note(valueReference, segment);
  }
}

function referenceOf(segment: SegmentView, target: Draft, { conversion }: State): Reference {
  return note(conversion.resources.reference(target), segment);
}

function note(reference: Reference, { occurrence }: SegmentView): Reference {
  (reference.extension ??= []).push(cameOf(`PRT[${occurrence}]`));
  return reference;
}

function addTo(resource: Draft, element: string, value: object): void {
  ((resource[element] ??= []) as object[]).push(value);
}

/** A request for medication has one performer, one for a service any number. */
export function performs(request: Draft, role: Draft, state: State): void {
  if (request.resourceType === 'MedicationRequest') point(request, 'performer', role, state);
  else pointAlso(request, 'performer', role, state);
}

function pointSubject(resource: Draft, state: State): void {
  point(resource, 'subject', state.patient, state);
  point(resource, 'encounter', state.encounter, state);
}

/** Events that say that two records are one. */
const MERGES = new Set([
  'A18',
  'A30',
  'A34',
  'A35',
  'A36',
  'A39',
  'A40',
  'A41',
  'A42',
  'A46',
  'A47',
  'A48',
  'A49',
  'A50',
  'A51',
]);

/** MRG: the record that another one replaces, where the event is a merge; and the account that is no longer used. */
export function mrg(segment: SegmentView, state: State): void {
  const { patient, conversion, event } = state;
  if (!patient) return;
  const { resources } = conversion;
  if (segment.has(3)) {
    const account = make('MRG[Account]', segment, state);
    pointAlso(account, 'subject', patient, state);
  }
  if (!MERGES.has(event) || !segment.has(1)) {
    segment.home = patient;
    return;
  }
  const retired = make('MRG[Patient]', segment, state);
  retired.active = false;
  ((retired.link ??= []) as object[]).push({ other: resources.reference(patient), type: 'replaced-by' });
  ((patient.link ??= []) as object[]).push({ other: resources.reference(retired), type: 'replaces' });
  segment.home = retired;
}

export function al1(segment: SegmentView, state: State): void {
  const allergy = make('AL1[AllergyIntolerance]', segment, state);
  point(allergy, 'patient', state.patient, state);
  state.last = allergy;
}

export function iam(segment: SegmentView, state: State): void {
  const allergy = make('IAM[AllergyIntolerance]', segment, state);
  point(allergy, 'patient', state.patient, state);
  state.last = allergy;
}

/** DG1: a condition, a diagnosis of the visit, or the reason of an order. */
export function dg1(segment: SegmentView, state: State): void {
  const { encounter, request, about, conversion } = state;
  const condition = make('DG1[Condition]', segment, state);
  pointSubject(condition, state);
  if (about === 'order' && request) pointAlso(request, 'reasonReference', condition, state);
  else if (encounter) {
    const before = ((encounter.diagnosis ??= []) as object[]).length;
    apply('DG1[Encounter]', segment, encounter, state);
    const list = encounter.diagnosis as { condition?: Reference }[];
    if (list.length === before) list.push({});
    list[before]!.condition = conversion.resources.reference(condition);
  }
  segment.home = condition;
  state.last = condition;
}

export function pr1(segment: SegmentView, state: State): void {
  const procedure = make('PR1[Procedure]', segment, state);
  pointSubject(procedure, state);
  state.last = procedure;
}

const SELF = new Set(['SEL', 'S', '18', 'SELF', 'Self', 'patient']);

export function in1(segment: SegmentView, state: State): void {
  const coverage = make('IN1[Coverage]', segment, state);
  point(coverage, 'beneficiary', state.patient, state);
  if (SELF.has(segment.peek(17) ?? '')) point(coverage, 'subscriber', state.patient, state);
  state.coverage = coverage;
  state.last = coverage;
}

/** GT1: who answers for the account. */
export function gt1(segment: SegmentView, state: State): void {
  const { conversion } = state;
  const guarantor = make('GT1[RelatedPerson]', segment, state);
  point(guarantor, 'patient', state.patient, state);
  state.account ??= newAccount(state);
  ((state.account.guarantor ??= []) as object[]).push({ party: conversion.resources.reference(guarantor) });
  state.last = guarantor;
}

function newAccount(state: State): Draft {
  const account = state.conversion.resources.make('Account');
  account.status = 'active';
  pointAlso(account, 'subject', state.patient, state);
  return account;
}

export function ft1(segment: SegmentView, state: State): void {
  const charge = make('FT1[ChargeItem]', segment, state);
  charge.status ??= 'billable';
  point(charge, 'subject', state.patient, state);
  point(charge, 'context', state.encounter, state);
  pointAlso(charge, 'account', state.account, state);
  state.last = charge;
}
