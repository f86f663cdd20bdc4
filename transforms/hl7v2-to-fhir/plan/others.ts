import { rows } from '../row-names.ts';
import type { Draft, SegmentView } from '../segment-view.ts';
import { dateTimeOf, instantOf } from '../types/date-time.ts';
import { identifierOfEi } from '../types/identifier.ts';
import { asSentBeside } from '../types/period.ts';
import { practitionerOf } from '../types/person.ts';
import { cameFrom, v2Extension } from '../urls.ts';
import { mapped } from '../vocabulary.ts';
import { linesOf } from './observation.ts';
import { performs } from './patient.ts';
import { apply, make, point, pointAlso, type State } from './state.ts';

const NOTE = rows('NTE[Observation]', 5, 7, 8);

/** The resources that have a place for notes. */
const NOTED = new Set([
  ...['Observation', 'ServiceRequest', 'MedicationRequest', 'MedicationAdministration', 'MedicationDispense'],
  ...[
    'Condition',
    'Procedure',
    'AllergyIntolerance',
    'Immunization',
    'Specimen',
    'Goal',
    'CareTeam',
    'ChargeItem',
    'Device',
  ],
]);

/** How many notes a resource has, in its own place for them or beside. */
function notesOn({ note, extension }: Draft): number {
  const beside = Array.isArray(extension) ? (extension as { readonly valueAnnotation?: unknown }[]) : [];
  return (Array.isArray(note) ? note.length : 0) + beside.filter((each) => each.valueAnnotation !== undefined).length;
}

/** NTE: a note on what stands before it, who wrote it and when. */
export function nte(segment: SegmentView, state: State): void {
  const { conversion } = state;
  const target = state.last ?? state.patient ?? state.header;
  segment.home = target;
  conversion.segment = segment;
  const views = segment.valued(3);
  if (views.length === 0) {
    // A blank line between notes: the way back has it in its place.
    const before = notesOn(target);
    if (segment.fields.some((field) => field !== undefined))
      ((target.extension ??= []) as object[]).push({ url: v2Extension('NTE'), valueInteger: before });
    return;
  }
  const note: Record<string, unknown> = {};
  const author = segment.first(5);
  const practitioner = author && practitionerOf(author, conversion);
  if (practitioner) note.authorReference = conversion.resources.reference(practitioner);
  conversion.field = 6;
  const text = segment.peek(6);
  const time = text === undefined ? undefined : dateTimeOf(text, conversion);
  if (time !== undefined) {
    segment.first(6)!.take(1, NOTE[8]);
    Object.assign(note, { time, ...asSentBeside('time', text) });
  }
  conversion.field = 0;
  const lines = views.map((view) => view.whole(NOTE[5]));
  note.text = lines.join('\n');
  if (lines.length > 1) note._text = { extension: [cameFrom(linesOf(lines))] };
  if (NOTED.has(target.resourceType)) ((target.note ??= []) as object[]).push(note);
  else ((target.extension ??= []) as object[]).push({ url: v2Extension('NTE'), valueAnnotation: note });
}

/** SFT: software that the message went through; it is a device that the message derives from. */
export function sft(segment: SegmentView, state: State, source: Draft): void {
  const device = make('SFT[Device]', segment, state);
  ((source.entity ??= []) as object[]).push({ role: 'derivation', what: state.conversion.resources.reference(device) });
  state.last = device;
}

/** MSA: what a message answers. */
export function msa(segment: SegmentView, state: State): void {
  const { conversion, header } = state;
  state.last = segment.home = header;
  // A response says how it went: what a code that nobody knows answers is kept as it was sent.
  if (mapped('AcknowledgmentCode', segment.peek(1) ?? '')) {
    apply('MSA[MessageHeader]', segment, header, state);
    return;
  }
  conversion.segment = segment;
  conversion.field = 1;
  conversion.issue('unknown-code', 'it is no acknowledgment code: the message says nothing of how it went');
  conversion.field = 0;
}

/** ERR: what was wrong with the message that is answered. */
export function err(segment: SegmentView, state: State): void {
  const outcome = make('ERR[OperationOutcome]', segment, state);
  const response = (state.header.response ??= {}) as Draft;
  point(response, 'details', outcome, state);
}

const TIMES = rows('TQ[Appointment]', 6, 7);

/** SCH: an appointment, when it is, and the orders that it is for. */
export function sch(segment: SegmentView, state: State): void {
  const { conversion } = state;
  const { resources } = conversion;
  const appointment = make('SCH[Appointment]', segment, state);
  const timing = segment.first(11);
  if (timing) {
    conversion.field = 11;
    for (const [element, component, row] of [
      ['start', 4, TIMES[6]],
      ['end', 5, TIMES[7]],
    ] as const) {
      const text = timing.peek(component);
      const time = text === undefined ? undefined : instantOf(text, conversion);
      if (time === undefined) continue;
      timing.take(component, row);
      Object.assign(appointment, { [element]: time, ...asSentBeside(element, text) });
    }
    conversion.field = 0;
  }
  for (const field of [26, 27]) {
    const view = segment.first(field);
    const identifier = view && identifierOfEi(view, conversion);
    if (!identifier) continue;
    const request = resources.make('ServiceRequest');
    request.identifier = [identifier];
    view.element = identifier;
    request.status = 'active';
    pointAlso(appointment, 'basedOn', request, state);
    state.request = request;
  }
  if (segment.has(20)) {
    const provenance = make('SCH[Provenance]', segment, state);
    pointAlso(provenance, 'target', appointment, state);
  }
  segment.home = appointment;
  state.appointment = appointment;
  state.last = appointment;
}

/** AIS, AIG, AIL, AIP: what an appointment takes. */
export function resource(segment: SegmentView, state: State): void {
  const { appointment } = state;
  if (!appointment) return;
  apply(`${segment.name}[Appointment]`, segment, appointment, state);
  state.last = appointment;
}

/** TXA: a document. */
export function txa(segment: SegmentView, state: State): void {
  const document = make('TXA[DocumentReference]', segment, state);
  point(document, 'subject', state.patient, state);
  const context: Draft = { resourceType: '' };
  if (state.encounter) pointAlso(context, 'encounter', state.encounter, state);
  if (state.request) pointAlso(context, 'related', state.request, state);
  if (context.encounter || context.related) {
    document.context = {
      ...(context.encounter ? { encounter: context.encounter } : {}),
      ...(context.related ? { related: context.related } : {}),
    };
  }
  state.document = document;
  state.last = document;
}

export function prb(segment: SegmentView, state: State): void {
  const condition = make('PRB[Condition]', segment, state);
  if (segment.peek(1) === 'DE') condition.verificationStatus = enteredInError();
  point(condition, 'subject', state.patient, state);
  point(condition, 'encounter', state.encounter, state);
  state.last = condition;
}

function enteredInError(): object {
  return {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status', code: 'entered-in-error' }],
  };
}

export function gol(segment: SegmentView, state: State): void {
  const goal = make('GOL[Goal]', segment, state);
  point(goal, 'subject', state.patient, state);
  state.last = goal;
}

/** RF1: a referral. */
export function rf1(segment: SegmentView, state: State): void {
  const request = make('RF1[ServiceRequest]', segment, state);
  state.request = request;
  state.last = request;
}

/** PRD: who refers, or is referred to. */
export function prd(segment: SegmentView, state: State): void {
  const role = make('PRD[PractitionerRole]', segment, state);
  const { request } = state;
  if (request && segment.peek(1) === 'RP') point(request, 'requester', role, state);
  else if (request) performs(request, role, state);
  state.last = role;
}

export function stf(segment: SegmentView, state: State): void {
  state.last = make('STF[Practitioner]', segment, state);
}

export function pra(segment: SegmentView, state: State): void {
  const role = make('PRA[PractitionerRole]', segment, state);
  if (state.last?.resourceType === 'Practitioner') point(role, 'practitioner', state.last, state);
}
