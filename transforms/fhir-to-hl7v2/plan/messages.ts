import { V2 } from '../../hl7v2-to-fhir/urls.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { keptWithin } from '../kept.ts';
import { SegmentDraft } from '../repetition.ts';
import { resourceSegments, scheduleSegments } from './appointment.ts';
import { inStructure, structureOf } from './arrange.ts';
import { emit, noted } from './emit.ts';
import { eventSegment } from './header.ts';
import { heldByLeftovers } from './leftovers.ts';
import type { Family } from './message-type.ts';
import { observationSegments } from './observation.ts';
import { type Order, orderSegments, ordersOf, specimenSegments } from './orders.ts';
import { generalRoles, isLivingWill, patientSegments, patientsOf, relatives, replacedBy } from './patient.ts';
import { vaccinationSegments } from './vaccination.ts';
import { clinical, diagnosis, insurance, visitSegments, visitsOf } from './visit.ts';

/** The segments after the header of a message of a family. */
export function bodyOf(family: Family, event: string, header: Element | undefined, context: Context): SegmentDraft[] {
  const patients = patientsOf(context);
  switch (family) {
    case 'patient':
      return [
        eventSegment(header, event, context),
        ...(patients.length === 0 ? [undefined] : patients).flatMap((each) => admission(each, event, context)),
      ];
    case 'result':
      return someone(patients, context).flatMap((each) => results(each, context));
    case 'order':
      return someone(patients, context).flatMap((each) => orders(each, context));
    case 'vaccination':
      return someone(patients, context).flatMap((each) => vaccinations(each, context));
    case 'schedule':
      return schedule(patients, context);
    default:
      return family satisfies never;
  }
}

/** A message about nobody is one about whoever its resources are about. */
function someone(patients: readonly Element[], { own, resources }: Context): (Element | undefined)[] {
  if (patients.length === 0) return [undefined];
  if (own) return [...patients];
  const withContent = patients.filter((patient) =>
    ['DiagnosticReport', 'ServiceRequest', 'Observation', 'Immunization'].some(
      (type) => resources.pointing(type, type === 'Immunization' ? 'patient' : 'subject', patient).length > 0,
    ),
  );
  return withContent.length > 0 ? withContent : [...patients];
}

function admission(patient: Element | undefined, event: string, context: Context): SegmentDraft[] {
  const { resources } = context;
  const visits = visitsOf(patient, context);
  if (!patient) return visits.flatMap((each) => visitSegments(each, context));
  const retired = resources.of('Patient').filter((each) => replacedBy(each, context) === patient);
  const held = heldByLeftovers(context);
  const observations = resources
    .pointing('Observation', 'subject', patient)
    .filter((each) => !isLivingWill(each) && !held.has(each));
  const { early, late } = generalRoles(patient, context);
  const known = clinical(patient, visits[0], event, context);
  // A role behind the visit stood with the procedure that it is about.
  (known.findLast(([lead]) => lead?.name === 'PR1') ?? known.at(-1))?.push(...late);
  const blocks = [
    [...patientSegments(patient, context), ...early],
    ...withNotes(relatives(patient, context)),
    ...(visits.length === 0 ? [noVisit(event, context)] : visits.map((each) => visitSegments(each, context))),
    ...merged(patient, retired, context),
    ...observations.map((each) => observationSegments(each, context)),
    ...known,
    ...(known.length === 0 ? late.map((each) => [each]) : []),
    ...resources
      .pointing('MedicationAdministration', 'subject', patient)
      .map((each) => noted(emit('RXA', [['RXA[MedicationAdministration]', each]], context), each, context)),
  ];
  return inStructure(blocks, `ADT^${event}`, context);
}

/** PV1 of no visit (PV1-2 N), where a structure requires one. */
function noVisit(event: string, context: Context): SegmentDraft[] {
  const root = structureOf(`ADT^${event}`, context)?.root;
  if (context.own || !root?.children.some(({ name, required }) => name === 'PV1' && required)) return [];
  const draft = new SegmentDraft('PV1');
  draft.need(2, 'N');
  return [draft];
}

/** Segments in blocks, each with the notes behind it. */
function withNotes(drafts: readonly SegmentDraft[]): SegmentDraft[][] {
  const blocks: SegmentDraft[][] = [];
  for (const draft of drafts) {
    const last = blocks.at(-1);
    if (draft.name === 'NTE' && last) last.push(draft);
    else blocks.push([draft]);
  }
  return blocks;
}

/** MRG: the records that the patient’s has replaced, and accounts that are no longer used. */
function merged(patient: Element, retired: readonly Element[], context: Context): SegmentDraft[][] {
  const accounts = context.resources
    .pointing('Account', 'subject', patient)
    .filter(({ status }) => status === 'unknown');
  const drafts = retired.map((each, at) =>
    emit(
      'MRG',
      [
        ['MRG[Patient]', each],
        ['MRG[Account]', accounts[at]],
      ],
      context,
    ),
  );
  if (retired.length === 0) {
    const draft = new SegmentDraft('MRG');
    const account = emit('MRG', [['MRG[Account]', accounts[0]]], context);
    for (const [field, values] of account?.fields ?? []) for (const value of values) draft.add(field, value);
    keptWithin(patient, draft, context);
    if (!draft.isEmpty) drafts.push(draft);
  }
  return drafts.flatMap((each) => (each ? [[each]] : []));
}

/** PID and what stands with it in results and orders. */
function patientGroup(
  patient: Element | undefined,
  type: string,
  context: Context,
  observed: readonly Element[] = [],
): SegmentDraft[] {
  const visits = visitsOf(patient, context);
  if (!patient) return visits.slice(0, 1).flatMap((each) => visitSegments(each, context));
  const kin = context.own || structureOf(type, context)?.segmentNames.has('NK1');
  const { early, late } = generalRoles(patient, context);
  const before = observed.filter((each) => stoodBefore(each, visits[0], context));
  return [
    ...patientSegments(patient, context),
    ...early,
    ...(kin ? relatives(patient, context) : []),
    ...before.flatMap((each) => observationSegments(each, context)),
    ...visits.slice(0, 1).flatMap((each) => visitSegments(each, context)),
    ...observed.filter((each) => !before.includes(each)).flatMap((each) => observationSegments(each, context)),
    ...late,
  ];
}

/** Whether a message had an observation of a patient before the visit. */
function stoodBefore(observation: Element, visit: Element | undefined, { resources }: Context): boolean {
  return visit !== undefined && resources.placeOf(observation) < resources.placeOf(visit);
}

/** Whether an observation hangs on nothing that makes a segment before it. */
function standsAlone(observation: Element, placed: ReadonlySet<Element>, { resources }: Context): boolean {
  if (placed.has(observation) || isLivingWill(observation)) return false;
  if (resources.targets(observation, 'partOf').length > 0) return false;
  return !resources.targets(observation, 'focus').some(({ resourceType }) => resourceType === 'Specimen');
}

function results(patient: Element | undefined, context: Context): SegmentDraft[] {
  const { resources } = context;
  const known = ordersOf(patient, context);
  const placed = new Set<Element>();
  const place = (each: Element) => {
    if (placed.has(each)) return;
    placed.add(each);
    for (const member of resources.targets(each, 'hasMember')) place(member);
  };
  for (const { request, report } of known) {
    for (const each of [...resources.targets(report, 'result'), ...resources.targets(request, 'supportingInfo')])
      place(each);
  }
  const all = patient ? resources.pointing('Observation', 'subject', patient) : resources.of('Observation');
  const loose = all.filter((each) => standsAlone(each, placed, context));
  const head = patientGroup(patient, 'ORU^R01', context, context.own ? loose : []);
  const bodies = ordersAndVisits(patient, known, false, context);
  const others = context.own
    ? loose.flatMap((each) => (patient ? [] : observationSegments(each, context)))
    : panels(loose, context).flatMap((order) => orderOfPanel(order, context));
  return context.own ? [...head, ...others, ...bodies] : [...head, ...bodies, ...others];
}

/** Observations that no report holds: each panel with its members. */
function panels(observations: readonly Element[], { resources }: Context): Element[][] {
  const members = new Set(observations.flatMap((each) => resources.targets(each, 'hasMember')));
  return observations
    .filter((each) => !members.has(each))
    .map((each) => [each, ...resources.targets(each, 'hasMember')]);
}

/** An OBR for observations that no report holds: what was observed is what was asked. */
function orderOfPanel([panel, ...members]: readonly Element[], context: Context): SegmentDraft[] {
  const obr = new SegmentDraft('OBR');
  const head = observationSegments(panel!, context);
  const code = head[0]?.fields.get(3);
  for (const value of code ?? []) obr.add(4, value);
  const time = head[0]?.text(14);
  if (time !== undefined) obr.need(7, time);
  obr.need(25, head[0]?.text(11) ?? 'F');
  const own = members.length > 0 && !head[0]?.has(5) ? head.slice(1) : head;
  return [obr, ...own, ...members.flatMap((each) => observationSegments(each, context))];
}

function orders(patient: Element | undefined, context: Context): SegmentDraft[] {
  const head = patientGroup(patient, 'OML^O21', context);
  const insured = patient ? [...insurance(patient, context).flat(), ...allergies(patient, context)] : [];
  const known = ordersOf(patient, context);
  return [...head, ...insured, ...ordersAndVisits(patient, known, true, context), ...looseSpecimens(known, context)];
}

/** The orders of a patient; before each the further visits that a message told there, with the results before it (OML^O21, prior results). */
function ordersAndVisits(
  patient: Element | undefined,
  known: readonly Order[],
  timingFirst: boolean,
  context: Context,
): SegmentDraft[] {
  const { own, resources } = context;
  const [, ...further] = own ? visitsOf(patient, context) : [];
  const visitsBefore = (place: number) => {
    const count = further.findIndex((each) => resources.placeOf(each) > place);
    return further.splice(0, count < 0 ? further.length : count).flatMap((each) => visitSegments(each, context));
  };
  return [
    ...known.flatMap((order) => [
      ...visitsBefore(resources.placeOf(order.request ?? order.report!)),
      ...orderSegments(order, timingFirst, context),
    ]),
    ...visitsBefore(Number.MAX_SAFE_INTEGER),
  ];
}

function allergies(patient: Element, context: Context): SegmentDraft[] {
  return context.resources
    .pointing('AllergyIntolerance', 'patient', patient)
    .flatMap((each) => noted(emit('AL1', [['AL1[AllergyIntolerance]', each]], context), each, context));
}

/** Specimens that no order names. */
function looseSpecimens(known: readonly Order[], context: Context): SegmentDraft[] {
  const { resources } = context;
  const named = new Set(
    known.flatMap(({ request, report }) => [
      ...resources.targets(request, 'specimen'),
      ...resources.targets(report, 'specimen'),
    ]),
  );
  const parents = new Set(resources.of('Specimen').flatMap((each) => resources.targets(each, 'parent')));
  const observed = new Set(resources.of('Observation').flatMap((each) => resources.targets(each, 'specimen')));
  return resources
    .of('Specimen')
    .filter((each) => !named.has(each) && !parents.has(each) && !observed.has(each))
    .flatMap((each) => specimenSegments(each, context));
}

function vaccinations(patient: Element | undefined, context: Context): SegmentDraft[] {
  const { resources } = context;
  const given = patient ? resources.pointing('Immunization', 'patient', patient) : resources.of('Immunization');
  const observed = patient ? resources.pointing('Observation', 'subject', patient) : resources.of('Observation');
  const loose = observed.filter((each) => context.own && standsAlone(each, new Set(), context));
  return [
    ...patientGroup(patient, 'VXU^V04', context, loose),
    ...(patient ? insurance(patient, context).flat() : []),
    ...given.flatMap((each) => vaccinationSegments(each, context)),
  ];
}

function schedule(patients: readonly Element[], context: Context): SegmentDraft[] {
  const { resources } = context;
  return resources
    .of('Appointment')
    .flatMap((appointment) => [
      ...scheduleSegments(appointment, context),
      ...patients.flatMap((patient) => [
        ...patientGroup(patient, 'SIU^S12', context),
        ...resources.pointing('Observation', 'subject', patient).flatMap((each) => observationSegments(each, context)),
        ...resources
          .pointing('Condition', 'subject', patient)
          .flatMap((each) => diagnosis(each, visitsOf(patient, context)[0], context)),
      ]),
      ...resourceSegments(appointment, context),
    ]);
}

/** Segments that no map is about, as they were kept: those of a site’s own at the end. */
export function keptAsSegments(context: Context): SegmentDraft[] {
  return context.resources.of('Basic').flatMap((basic) => {
    const [coding] = context.reading.objects(context.reading.object(basic, 'code'), 'coding');
    const name = coding?.system === `${V2}segment` ? context.reading.text(coding, 'code') : undefined;
    if (name === undefined || !/^[A-Z][A-Z0-9]{2}$/.test(name)) return [];
    const draft = new SegmentDraft(name);
    context.reading.takeAll(coding);
    keptWithin(basic, draft, context);
    return draft.isEmpty ? [] : draft;
  });
}
