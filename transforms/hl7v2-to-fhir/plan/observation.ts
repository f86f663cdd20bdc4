import type { CodeableConcept, Quantity } from '@medplum/fhirtypes';
import { schemaOf } from '../../../protocols/hl7v2/schema/schema.ts';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { remembered } from '../remembered.ts';
import { rows } from '../row-names.ts';
import type { Draft, SegmentView } from '../segment-view.ts';
import { attachmentOfEd, attachmentOfRp } from '../types/attachment.ts';
import { codeableConceptOf, wordsOf } from '../types/coded.ts';
import { contactPointOf } from '../types/contact-point.ts';
import { dateTimeOf, timeOf } from '../types/date-time.ts';
import { identifierOfCx, identifierOfEi } from '../types/identifier.ts';
import { asSentBeside, periodOfDr } from '../types/period.ts';
import { decimalOf } from '../types/primitive.ts';
import { asSent, quantityFrom, quantityOfCq, rangeOfNr, structuredOf, unitOf } from '../types/quantity.ts';
import { cameFrom, cameOf, v2Extension } from '../urls.ts';
import { apply, point, pointAlso, pointMore, type State } from './state.ts';

const X = rows(
  'OBX[Observation]',
  ...([
    6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 31, 32, 33, 34, 35, 36,
  ] as const),
);

/** What follows a question of an order, or its result. */
const ANSWERS = new Set(['QST', 'SCI']);

/** OBX: an observation, of what stands before it. */
export function obx(segment: SegmentView, state: State): void {
  const { conversion, patient, report, request, given, family } = state;
  check(segment, conversion);
  if (state.document && family === 'document') {
    documentContent(segment, state);
    return;
  }
  const observation = conversion.resources.make('Observation');
  const views = segment.valued(5);
  const several = views.length > 1 && !joined(segment.peek(2));
  apply(several ? 'OBX[Observation-Component]' : 'OBX[Observation]', segment, observation, state);
  value(segment, views, observation, several, conversion);
  subIdentifier(segment, observation);
  point(observation, 'subject', patient, state);
  if (state.about === 'order' || state.about === 'observation') point(observation, 'encounter', state.encounter, state);
  const specimen = specimenObserved(segment, state);
  if (specimen) {
    pointAlso(observation, 'focus', specimen, state);
  } else if (given && family === 'vaccination') pointAlso(observation, 'partOf', given, state);
  else if (report && !ANSWERS.has(segment.peek(29) ?? '')) {
    pointMore(report, 'result', observation, state);
    if (state.orc) beforeOrder(report);
    if (state.specimen) point(observation, 'specimen', state.specimen, state);
  } else if (request)
    pointMore(
      request,
      request.resourceType === 'ServiceRequest' ? 'supportingInfo' : 'supportingInformation',
      observation,
      state,
    );
  state.observation = observation;
  state.about = 'observation';
  state.last = observation;
}

/** Notes that the last result stood between ORC and OBR, where documents are. */
function beforeOrder(report: Draft): void {
  const reference = (report.result as { extension?: object[] }[]).at(-1)!;
  (reference.extension ??= []).push(cameOf('ORC'));
}

const newest = schemaOf('2.8');

/** Tells of a value without a type, or of one that no version has, and of an observation of nothing. */
function check(segment: SegmentView, conversion: Conversion): void {
  const { fields } = segment;
  const valued = segment.has(5);
  const type = segment.peek(2);
  const isType = type !== undefined && (newest.dataType(type) ?? schemaOf(conversion.version).dataType(type));
  if ((!valued || isType) && fields[3]) return;
  conversion.segment = segment;
  conversion.repetition = 0;
  if (valued && !isType) {
    conversion.field = 2;
    conversion.issue('unknown-type', 'the value is of no type that is known: it is told as text');
  }
  if (!segment.has(3) && fields.some((views, field) => field > 1 && views !== undefined)) {
    conversion.field = 3;
    conversion.issue('completed', 'Observation.code was not said');
  }
  conversion.field = 0;
}

/** The specimen that an OBX describes: it stands in the specimen's group, and not under an order in it. */
function specimenObserved(segment: SegmentView, { specimen }: State): Draft | undefined {
  if (!specimen) return undefined;
  for (let group = segment.group; group; group = group.parent) {
    if (group.segments.some(({ name }) => name === 'OBR' || name === 'ORC')) return undefined;
    if (group.name === 'SPECIMEN') return group.segments.some(({ name }) => name === 'SPM') ? specimen : undefined;
  }
  return undefined;
}

/** Repetitions of text are its lines; those of arrays are their parts. */
function joined(type: string | undefined): boolean {
  return type === 'TX' || type === 'FT' || type === 'ST' || type === 'NA' || type === 'MA' || type === undefined;
}

function value(
  segment: SegmentView,
  views: readonly View[],
  observation: Draft,
  several: boolean,
  conversion: Conversion,
): void {
  const type = segment.peek(2);
  conversion.field = 5;
  if (views.length === 0) return;
  if (!several) {
    const [first] = views;
    const made = joined(type) ? textOf(views) : typedValueOf(type, first!, segment, observation, conversion);
    for (const key in made) observation[key] = (made as Draft)[key];
  } else {
    const code = observation.code as CodeableConcept | undefined;
    observation.component = views.flatMap((view, at) => {
      conversion.repetition = at;
      const made = typedValueOf(type, view, segment, observation, conversion);
      if (!made) return [];
      return { ...(code && { code: { ...code } }), ...made };
    });
  }
  conversion.field = 0;
}

/** How many lines each repetition of a text is of. */
export function linesOf(repetitions: readonly string[]): string {
  const counts = repetitions.map((text) => text.split('\n').length);
  return counts.every((count) => count === 1) ? 'repetitions' : `repetitions=${counts.join('+')}`;
}

function textOf(views: readonly View[]): object | undefined {
  const lines = views.map((view) => view.whole(X[8]));
  const text = lines.join('\n');
  if (text.trim() === '') return undefined;
  return { valueString: text, ...(lines.length > 1 && { _valueString: { extension: [cameFrom(linesOf(lines))] } }) };
}

const unit = remembered(unitOf);

/** OBX-5 by the type that OBX-2 names (HL7 2.5.1 §7.4.2.5); what does not fit its type is told as text. */
function typedValueOf(
  type: string | undefined,
  view: View,
  segment: SegmentView,
  observation: Draft,
  conversion: Conversion,
): object | undefined {
  const units = segment.first(6);
  switch (type) {
    case 'NM': {
      const text = view.peek(1);
      const number = text === undefined ? undefined : decimalOf(text, conversion);
      if (text === undefined || number === undefined) break;
      view.take(1, X[7]);
      const valueQuantity = quantityFrom(text, number);
      const said = units && (unit(units, conversion) as Quantity | undefined);
      for (const key in said) (valueQuantity as Draft)[key] = (said as unknown as Draft)[key];
      return { valueQuantity };
    }
    case 'SN': {
      const unit = units && unitOf(units);
      const made = structuredOf(view, unit, conversion);
      // Words hold its unit for who reads them; as a unit it is kept.
      if (made && 'valueString' in made && units) for (const [, , leaf] of units.leaves()) leaf.mark = undefined;
      if (made) return made;
      break;
    }
    case 'CE':
    case 'CWE':
    case 'CNE':
    case 'CF':
    case 'IS':
    case 'ID': {
      const concept = codeableConceptOf(view);
      if (concept) {
        view.element = concept;
        return { valueCodeableConcept: concept };
      }
      break;
    }
    case 'DT':
    case 'DTM':
    case 'TS': {
      const text = view.peek(1);
      const time = text === undefined ? undefined : dateTimeOf(text, conversion);
      if (time === undefined) break;
      view.take(1, X[15]);
      return { valueDateTime: time, ...asSentBeside('valueDateTime', text) };
    }
    case 'TM': {
      const text = view.peek(1);
      const time = text === undefined ? undefined : timeOf(text, conversion);
      if (time === undefined) break;
      view.take(1, X[18]);
      return { valueTime: time, ...(!/^\d{6}(?:\.\d+)?$/.test(text!) && { _valueTime: asSent(text!) }) };
    }
    case 'DR': {
      const valuePeriod = periodOfDr(view, conversion);
      if (valuePeriod) return { valuePeriod };
      break;
    }
    case 'NR': {
      const valueRange = rangeOfNr(view, units && unitOf(units), conversion);
      if (valueRange) return { valueRange };
      break;
    }
    case 'CQ': {
      const valueQuantity = quantityOfCq(view, conversion);
      if (valueQuantity) return { valueQuantity };
      break;
    }
    case 'ED':
    case 'RP': {
      const attachment = type === 'ED' ? attachmentOfEd(view, conversion) : attachmentOfRp(view);
      if (!attachment) break;
      // R4 has no attachment for a value: a document of its own holds it, and the observation derives from that.
      const document = conversion.resources.make('DocumentReference');
      document.status = 'current';
      document.content = [{ attachment }];
      if (type === 'RP') view.mark(2, X[29]);
      view.element = attachment;
      ((observation.derivedFrom ??= []) as object[]).push(conversion.resources.reference(document));
      const subject = observation.subject;
      if (subject) document.subject = subject;
      document.type = observation.code;
      return undefined;
    }
    case 'CX':
    case 'EI': {
      const identifier = type === 'CX' ? identifierOfCx(view, conversion) : identifierOfEi(view, conversion);
      if (!identifier) break;
      extend(observation, { url: v2Extension('OBX-5'), valueIdentifier: identifier });
      view.element = identifier;
      return undefined;
    }
    case 'XTN': {
      const contact = contactPointOf(view, conversion);
      if (!contact) break;
      extend(observation, { url: v2Extension('OBX-5'), valueContactPoint: contact });
      return undefined;
    }
  }
  const text = view.whole(X[24]).trim();
  return text === '' ? undefined : { valueString: text };
}

function extend(resource: Draft, extension: object): void {
  ((resource.extension ??= []) as object[]).push(extension);
}

const GROUP = 'urn:weir:hl7v2:OBX-4';

/** OBX-4: which observations belong together; OG and ST alike as it is written. */
function subIdentifier(segment: SegmentView, observation: Draft): void {
  const view = segment.first(4);
  if (view) extend(observation, { url: GROUP, valueString: view.whole(X[6]) });
}

const CONTENT = rows('OBX[DocumentReference]', 7, 8, 9, 10, 11, 12);

/** OBX of a document: its text, its data, or where it lies. Lines of text are one content. */
function documentContent(segment: SegmentView, state: State): void {
  const { conversion } = state;
  const document = state.document!;
  segment.home = document;
  state.last = document;
  conversion.segment = segment;
  conversion.field = 5;
  const contents = (document.content ??= []) as { attachment: Record<string, unknown> }[];
  const type = segment.peek(2);
  const concept = segment.first(3);
  const title = concept && wordsOf(concept);
  let at = 0;
  for (let view = segment.fields[5]; view; view = view.next, at++) {
    if (!view.valued) continue;
    conversion.repetition = at;
    const attachment =
      type === 'ED' ? attachmentOfEd(view, conversion) : type === 'RP' ? attachmentOfRp(view) : undefined;
    if (attachment) {
      contents.push({ attachment: { ...attachment, ...(title !== undefined && { title }) } });
      view.element = attachment;
    } else lines(contents, view.whole(type === 'FT' ? CONTENT[8] : CONTENT[11]), title, state);
  }
  segment.first(2)?.mark(1, CONTENT[7]);
  conversion.field = 0;
}

const TEXT = 'text/plain; charset=utf-8';

type Attachment = Record<string, unknown>;

function lines(contents: { attachment: Attachment }[], text: string, title: string | undefined, state: State): void {
  const last = contents.at(-1)?.attachment;
  const before = last && state.texts?.get(last);
  if (before && (title === undefined || last.title === title)) {
    before.push(text);
    return;
  }
  const attachment: Attachment = { contentType: TEXT, ...(title !== undefined && { title }) };
  state.texts ??= new Map();
  state.texts.set(attachment, [text]);
  contents.push({ attachment });
}
