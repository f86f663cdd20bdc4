import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import type { Draft, SegmentView } from '../segment-view.ts';
import { codeableConceptOf } from '../types/coded.ts';
import { quantityOfCq } from '../types/quantity.ts';
import { quantityAndTimingOf } from '../types/timing.ts';
import { cameOf, V2 } from '../urls.ts';
import { apply, make, point, pointAlso, type State } from './state.ts';

/** ORC: begins an order. What it becomes shows in what follows it, up to the next one. */
export function orc(segment: SegmentView, state: State): void {
  state.request = state.report = state.given = undefined;
  state.about = 'order';
  const kind = kindOfOrder(segment, state);
  state.orc = segment;
  switch (kind) {
    case 'vaccination':
      state.given = make('ORC[Immunization]', segment, state);
      point(state.given, 'patient', state.patient, state);
      break;
    case 'administration':
      state.given = make('ORC[MedicationAdministration]', segment, state);
      break;
    case 'dispense':
      state.given = make('ORC[MedicationDispense]', segment, state);
      break;
    case 'medication':
      state.request = newMedicationRequest(state);
      apply('ORC[MedicationRequest]', segment, state.request, state);
      break;
    case 'service':
      state.request = newServiceRequest(state);
      apply('ORC[ServiceRequest]', segment, state.request, state);
      if (state.family === 'result') {
        state.report = newReport(state);
        apply('ORC[DiagnosticReport]', segment, state.report, state);
      }
      break;
    default:
      kind satisfies never;
  }
  const timing = segment.first(7);
  if (timing && state.request) quantityAndTiming(timing, 'ORC-7', state.request, state);
  segment.home = state.request ?? state.given;
  const target = state.request ?? state.given;
  if (target && (segment.has(10) || segment.has(11) || segment.has(19))) {
    const provenance = make('ORC[Provenance]', segment, state);
    pointAlso(provenance, 'target', target, state);
  }
  state.last = target;
}

type OrderKind = 'service' | 'medication' | 'vaccination' | 'administration' | 'dispense';

function kindOfOrder(orc: SegmentView, { segments, family }: State): OrderKind {
  for (let at = orc.index + 1; at < segments.length; at++) {
    switch (segments[at]!.name) {
      case 'ORC':
        return 'service';
      case 'RXA':
        return family === 'vaccination' ? 'vaccination' : 'administration';
      case 'RXO':
      case 'RXE':
        return 'medication';
      case 'RXD':
        return 'dispense';
      case 'OBR':
        return 'service';
    }
  }
  return 'service';
}

function newServiceRequest(state: State): Draft {
  const request = state.conversion.resources.make('ServiceRequest');
  point(request, 'subject', state.patient, state);
  point(request, 'encounter', state.encounter, state);
  return request;
}

function newMedicationRequest(state: State): Draft {
  const request = state.conversion.resources.make('MedicationRequest');
  point(request, 'subject', state.patient, state);
  point(request, 'encounter', state.encounter, state);
  return request;
}

function newReport(state: State): Draft {
  const report = state.conversion.resources.make('DiagnosticReport');
  point(report, 'subject', state.patient, state);
  point(report, 'encounter', state.encounter, state);
  pointAlso(report, 'basedOn', state.request, state);
  return report;
}

/** The fields of OBR that are about a specimen, when it is the only one who speaks of one. */
const SPECIMEN_FIELDS = [9, 10, 14, 15, 39];

/** OBR: what was ordered, and in a result the report on it. */
export function obr(segment: SegmentView, state: State): void {
  const { family, about, conversion } = state;
  // An OBR after another one begins an order of its own: ORC is not sent with each.
  const joins = state.orc !== undefined && state.request?.resourceType === 'ServiceRequest';
  if (!joins) {
    state.request = newServiceRequest(state);
    state.report = undefined;
  }
  if (about !== 'order' || !joins) state.observation = undefined;
  state.orc = undefined;
  state.about = 'order';
  const request = state.request!;
  if (family === 'result') {
    const report = (state.report ??= newReport(state));
    pointAlso(report, 'basedOn', request, state);
    apply('OBR[DiagnosticReport]', segment, report, state);
    if (segment.has(50) || segment.has(29)) apply('OBR[ServiceRequest]', segment, request, state);
  }
  apply('OBR[ServiceRequest]', segment, request, state);
  const timing = segment.first(27);
  if (timing) quantityAndTiming(timing, 'OBR-27', request, state);
  const around = specimenAround(segment, state);
  if (around) specimenOf(around, state);
  else {
    state.specimen = undefined;
    if (SPECIMEN_FIELDS.some((field) => segment.has(field))) {
      const specimen = make('OBR[Specimen]', segment, state);
      const source = segment.first(15);
      if (source) specimenSource(source, specimen);
      point(specimen, 'subject', state.patient, state);
      specimenOf(specimen, state);
    }
  }
  segment.home = state.report ?? request;
  state.last = segment.home;
  if (state.document) relate(state.document, request, state);
  conversion.segment = segment;
}

function relate(document: Draft, request: Draft, state: State): void {
  const context = (document.context ??= {}) as Draft;
  pointAlso(context, 'related', request, state);
}

/** The specimen that the structure puts around an order: in OUL and in OML^O33 it comes first. */
function specimenAround(segment: SegmentView, { specimen }: State): Draft | undefined {
  for (let group = segment.group; group; group = group.parent) {
    if (group.name === 'SPECIMEN' && group.segments.some(({ name }) => name === 'SPM')) return specimen;
  }
  return undefined;
}

function specimenOf(specimen: Draft, state: State): void {
  state.specimen = specimen;
  if (state.report) pointAlso(state.report, 'specimen', specimen, state);
  if (state.request?.resourceType === 'ServiceRequest') pointAlso(state.request, 'specimen', specimen, state);
}

const SOURCE = rows('SPS[Specimen-Source]', 3, 4, 5, 6, 8);

/** SPS: what a specimen is, what was added to it, where it was taken (HL7 2.5.1 §2.A.72). */
function specimenSource(view: View, specimen: Draft): void {
  const typed = view.sub(1);
  const type = typed && codeableConceptOf(typed, { vocabulary: 'SpecimenType', table: '0070' });
  if (type && specimen.type === undefined) {
    view.mark(1, SOURCE[3]);
    specimen.type = type;
  }
  const additive = view.sub(2);
  const added = additive && codeableConceptOf(additive, { vocabulary: 'AdditivePreservative', table: '0371' });
  if (added) {
    view.mark(2, SOURCE[4]);
    specimen.container = [{ additiveCodeableConcept: added }];
  }
  const note = view.take(3, SOURCE[5]);
  if (note !== undefined) ((specimen.note ??= []) as object[]).push({ text: note });
  const site = view.sub(4);
  const bodySite = site && codeableConceptOf(site, { vocabulary: 'BodySite', table: '0163' });
  if (bodySite) {
    view.mark(4, SOURCE[6]);
    ((specimen.collection ??= {}) as Draft).bodySite = bodySite;
  }
}

/** TQ in ORC-7 and OBR-27: how much, when and how urgent; each element says which of them it came from. */
function quantityAndTiming(view: View, field: string, request: Draft, { conversion }: State): void {
  // What another segment has said already stands; this is kept.
  const said = ['quantityQuantity', 'occurrenceTiming', 'occurrenceDateTime', 'occurrencePeriod', 'priority'];
  if (request.resourceType === 'ServiceRequest' && said.some((element) => request[element] !== undefined)) return;
  const { quantity, timing, priority } = quantityAndTimingOf(view, conversion);
  const noted = { extension: [{ url: `${V2}from`, valueCode: field }] };
  if (priority !== undefined && request.priority === undefined) Object.assign(request, { priority, _priority: noted });
  const amount = quantity && quantityOfCq(quantity, conversion);
  if (request.resourceType === 'MedicationRequest') {
    if (!amount && !timing) return;
    ((request.dosageInstruction ??= []) as object[]).push({
      ...(timing && { timing }),
      ...(amount && { doseAndRate: [{ doseQuantity: amount }] }),
    });
    return;
  }
  if (amount) request.quantityQuantity = { ...amount, extension: [...(amount.extension ?? []), ...noted.extension] };
  if (timing) request.occurrenceTiming = { ...timing, ...noted };
}

export function tq1(segment: SegmentView, state: State): void {
  const { request } = state;
  if (!request) return;
  const known = request.priority !== undefined;
  apply(
    request.resourceType === 'MedicationRequest' ? 'TQ1[MedicationRequest]' : 'TQ1[ServiceRequest]',
    segment,
    request,
    state,
  );
  // An OBR behind it says its own, too.
  if (!known && request.priority !== undefined) request._priority ??= { extension: [cameOf('TQ1-9')] };
}

export function spm(segment: SegmentView, state: State): void {
  const specimen = make('SPM[Specimen]', segment, state);
  point(specimen, 'subject', state.patient, state);
  const first = segment.group?.name === 'SPECIMEN' && segment.group.every()[0] === segment;
  const inOrder = state.request !== undefined && !isAround(segment);
  state.specimen = specimen;
  if (inOrder) specimenOf(specimen, state);
  if (!first && !inOrder && state.request) specimenOf(specimen, state);
  if (isAround(segment)) state.request = state.report = state.orc = undefined;
  state.about = 'order';
  state.last = specimen;
}

/** Whether orders follow in the specimen's own group. */
function isAround(segment: SegmentView): boolean {
  return segment.group?.name === 'SPECIMEN' && segment.group.every().some(({ name }) => name === 'OBR');
}

export function sac(segment: SegmentView, state: State): void {
  const specimen = state.specimen ?? state.conversion.resources.make('Specimen');
  apply('SAC[Specimen]', segment, specimen, state);
  point(specimen, 'subject', state.patient, state);
  state.specimen = specimen;
}

export function rxo(segment: SegmentView, state: State): void {
  apply('RXO[MedicationRequest]', segment, medicationRequest(state), state);
}

export function rxe(segment: SegmentView, state: State): void {
  const request = medicationRequest(state);
  apply('RXE[MedicationRequest]', segment, request, state);
  const timing = segment.first(1);
  if (timing) quantityAndTiming(timing, 'RXE-1', request, state);
}

function medicationRequest(state: State): Draft {
  if (state.request?.resourceType !== 'MedicationRequest') state.request = newMedicationRequest(state);
  state.orc = undefined;
  state.about = 'order';
  state.last = state.request;
  return state.request;
}

export function rxa(segment: SegmentView, state: State): void {
  const vaccine = state.family === 'vaccination';
  const type = vaccine ? 'Immunization' : 'MedicationAdministration';
  // A second RXA of an order is a second administration.
  const fresh = state.given?.resourceType !== type || state.orc === undefined;
  const given = fresh ? state.conversion.resources.make(type) : state.given!;
  state.orc = undefined;
  apply(vaccine ? 'RXA[Immunization]' : 'RXA[MedicationAdministration]', segment, given, state);
  point(given, vaccine ? 'patient' : 'subject', state.patient, state);
  point(given, vaccine ? 'encounter' : 'context', state.encounter, state);
  if (!vaccine && state.request?.resourceType === 'MedicationRequest') point(given, 'request', state.request, state);
  state.given = given;
  state.about = 'order';
  state.last = given;
}

export function rxd(segment: SegmentView, state: State): void {
  const fresh = state.given?.resourceType !== 'MedicationDispense';
  const given = fresh ? state.conversion.resources.make('MedicationDispense') : state.given!;
  state.orc = undefined;
  apply('RXD[MedicationDispense]', segment, given, state);
  point(given, 'subject', state.patient, state);
  point(given, 'context', state.encounter, state);
  if (state.request?.resourceType === 'MedicationRequest')
    pointAlso(given, 'authorizingPrescription', state.request, state);
  state.given = given;
  state.last = given;
}

/** RXR: by which way, where. */
export function rxr(segment: SegmentView, state: State): void {
  const target = state.given ?? state.request;
  if (!target || target.resourceType === 'ServiceRequest') return;
  apply(`RXR[${target.resourceType}]`, segment, target, state);
}
