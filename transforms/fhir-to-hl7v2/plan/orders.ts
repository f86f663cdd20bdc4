import { backFrom } from '../codes.ts';
import type { Context } from '../context.ts';
import { type Element, isElement } from '../element.ts';
import { cameFrom } from '../hints.ts';
import { merge, put, putAll, type Repetition, SegmentDraft } from '../repetition.ts';
import { codedOf } from '../types/coded.ts';
import { cqOf } from '../types/quantity.ts';
import { timeIn } from '../types/time.ts';
import { emit, fill, keptSegments, noted } from './emit.ts';
import { observationSegments } from './observation.ts';
import { type Participation, participationNumbers, participations } from './participation.ts';
import { diagnosis } from './visit.ts';

/** An order, the report on it, what was given: any of them may be all there is. */
export interface Order {
  readonly request: Element | undefined;
  readonly report: Element | undefined;
}

/** The orders and reports about a patient, in the order of the bundle. */
export function ordersOf(patient: Element | undefined, context: Context): Order[] {
  const { resources } = context;
  const about = (type: string) => (patient ? resources.pointing(type, 'subject', patient) : resources.of(type));
  const reports = about('DiagnosticReport');
  const orders = reports.map((report): Order => {
    const request = resources.targets(report, 'basedOn').find(({ resourceType }) => resourceType === 'ServiceRequest');
    return { request, report };
  });
  const reported = new Set(orders.map(({ request }) => request));
  const appointed = new Set(resources.of('Appointment').flatMap((each) => resources.targets(each, 'basedOn')));
  const others = about('ServiceRequest').filter((each) => !reported.has(each) && !appointed.has(each));
  const all = [...orders, ...others.map((request): Order => ({ request, report: undefined }))];
  const placed = new Map(all.map((order) => [order.request ?? order.report!, order]));
  return resources.inOrder(placed.keys()).map((each) => placed.get(each)!);
}

/** ORC, what an order says in common; with ORC-1 as it has to be where nothing says it. */
export function commonOrder(
  sources: readonly (readonly [map: string, resource: Element | undefined])[],
  target: Element | undefined,
  context: Context,
): SegmentDraft | undefined {
  const provenance = target && context.resources.pointing('Provenance', 'target', target)[0];
  const draft = emit('ORC', [...sources, ['ORC[Provenance]', provenance]], context);
  // An order begins with its ORC; a message that came without one goes without.
  return draft ?? (context.own ? undefined : new SegmentDraft('ORC'));
}

/** ORC, OBR and what belongs to them, up to the specimens; `timingFirst` as the structures of orders have it. */
export function orderSegments(order: Order, timingFirst: boolean, context: Context): SegmentDraft[] {
  const { request, report } = order;
  const { reading, resources } = context;
  const orc = commonOrder(
    [
      ['ORC[ServiceRequest]', request],
      ['ORC[DiagnosticReport]', report],
    ],
    request,
    context,
  );
  const specimens = resources.inOrder([
    ...resources.targets(report, 'specimen'),
    ...resources.targets(request, 'specimen'),
  ]);
  const inline = specimens.find((each) => isOfOrder(each, context));
  if (orc && request) timingInto(orc, 7, request, context);
  const tq1 = emit('TQ1', [['TQ1[ServiceRequest]', request]], context);
  const obr = fill(
    new SegmentDraft('OBR'),
    [
      ['OBR[ServiceRequest]', request],
      ['OBR[DiagnosticReport]', report],
      ['OBR[Specimen]', inline],
    ],
    context,
  );
  if (request) timingInto(obr, 27, request, context);
  if (inline) sourceInto(obr, inline, context);
  if (!context.own) {
    for (const field of [2, 3])
      for (const value of obr.has(field) ? [] : (orc?.fields.get(field) ?? [])) obr.add(field, value);
  }
  const timing = tq1 ? [tq1] : [];
  const company = [
    ...participations(report, ['resultsInterpreter', 'performer'], context),
    ...participations(request, ['requester', 'performer'], context),
  ].sort((one, other) => one.number - other.number);
  const early = orc ? beforeOrder(report, context) : [];
  const behindOrc = Math.min(...early.flatMap((each) => participationNumbers(each, context)));
  const made = [
    ...(orc ? [orc] : []),
    ...company.splice(0, early.length > 0 ? company.filter(({ number }) => number < behindOrc).length : 0).map(drafted),
    ...early.flatMap((each) => observationSegments(each, context)),
    ...(timingFirst ? timing : []),
    obr,
    ...notesOf(request, report, context),
    ...company.map(drafted),
    ...(timingFirst ? [] : timing),
    ...keptSegments(report ?? request, ['TQ2', 'CTI', 'CTD', 'TCD'], context),
  ];
  for (const condition of resources.targets(request, 'reasonReference'))
    if (condition.resourceType === 'Condition') made.push(...diagnosis(condition, undefined, context));
  const observations = observationsOf(order, context);
  const ofSpecimen = new Map<Element, Element[]>();
  const next = nextOrder(order, context);
  for (const observation of context.own ? resources.of('Observation') : []) {
    // Of a specimen that several orders name, each was followed by its own.
    if (resources.placeOf(observation) > next || context.written.has(observation)) continue;
    for (const specimen of resources.targets(observation, 'focus'))
      if (specimen.resourceType === 'Specimen')
        ofSpecimen.set(specimen, [...(ofSpecimen.get(specimen) ?? []), observation]);
  }
  for (const observation of observations)
    if (!early.includes(observation)) made.push(...observationSegments(observation, context));
  for (const specimen of specimens) {
    if (specimen === inline) continue;
    made.push(...specimenSegments(specimen, context));
    for (const each of ofSpecimen.get(specimen) ?? []) made.push(...observationSegments(each, context));
  }
  for (const key of ['code', 'intent', 'status']) if (request) reading.take(request, key);
  return made;
}

function drafted({ segment }: Participation): SegmentDraft {
  return segment;
}

/** The results of a report that stood between ORC and OBR: the references say so. */
function beforeOrder(report: Element | undefined, context: Context): Element[] {
  return context.reading
    .objects(report, 'result')
    .filter((each) => cameFrom(each, context.reading) === 'ORC')
    .flatMap((each) => context.targets(each));
}

/** Where the order after one stands in the bundle. */
function nextOrder({ request, report }: Order, { resources }: Context): number {
  const own = resources.placeOf(request ?? report!);
  const places = resources.of('ServiceRequest').map((each) => resources.placeOf(each));
  return Math.min(...places.filter((each) => each > own));
}

function notesOf(request: Element | undefined, report: Element | undefined, context: Context): SegmentDraft[] {
  return [...noted(undefined, request, context), ...noted(undefined, report, context)];
}

/** The results of a report, each panel with its members; of an order the observations that support it. */
function observationsOf({ request, report }: Order, context: Context): Element[] {
  const { resources } = context;
  const all: Element[] = [];
  const add = (observation: Element) => {
    if (observation.resourceType !== 'Observation' || all.includes(observation)) return;
    all.push(observation);
    for (const member of resources.targets(observation, 'hasMember')) add(member);
  };
  for (const each of resources.targets(report, 'result')) add(each);
  for (const each of resources.targets(request, 'supportingInfo')) add(each);
  return context.own ? resources.inOrder(all) : all;
}

/** Whether OBR alone spoke of a specimen: the way there says so; another maker’s specimen gets an SPM where there is one. */
function isOfOrder(specimen: Element, context: Context): boolean {
  if (cameFrom(specimen, context.reading)?.startsWith('OBR')) return true;
  return !context.own && context.schema.segment('SPM') === undefined;
}

/** ORC-7 or OBR-27: how much, when and how urgent, where a bundle says that it came from there (TQ, HL7 2.5.1 §4.3). */
function timingInto(draft: SegmentDraft, field: number, request: Element, context: Context): void {
  const { reading } = context;
  const from = (element: Element | undefined) => cameFrom(element, reading) === `${draft.name}-${field}`;
  const value: Repetition = [];
  const quantity = reading.object(request, 'quantityQuantity');
  if (quantity && from(quantity)) putAll(value, 1, flat(cqOf(quantity, context)));
  const timing = reading.object(request, 'occurrenceTiming');
  if (timing && from(timing)) {
    const code = reading.object(timing, 'code');
    put(value, 2, 1, codedOf(code ?? {}, context, { vocabulary: 'RepeatPattern', type: 'ID' })?.[0]?.[0]);
    const bounds = reading.object(reading.object(timing, 'repeat'), 'boundsPeriod');
    put(value, 4, 1, timeIn(bounds, 'start', context));
    put(value, 5, 1, timeIn(bounds, 'end', context));
  }
  const priority = request._priority;
  if (isElement(priority) && from(priority)) {
    const code = reading.text(request, 'priority');
    put(value, 6, 1, code === undefined ? undefined : backFrom('ExtendedPriorityCodes', code, context.own));
  }
  const [there] = draft.fields.get(field) ?? [];
  if (there) merge(there, value);
  else draft.add(field, value);
}

/** A CQ in one component: its unit has no subcomponents of its own there. */
function flat(value: Repetition | undefined): Repetition | undefined {
  return value && [value[0] ?? [], [value[1]?.[0]]];
}

/** OBR-15: what a specimen is, what was added to it, where it was taken (HL7 2.5.1 §2.A.72). */
function sourceInto(obr: SegmentDraft, specimen: Element, context: Context): void {
  const { reading } = context;
  const value: Repetition = [];
  const type = reading.object(specimen, 'type');
  const additive = reading.object(reading.objects(specimen, 'container')[0], 'additiveCodeableConcept');
  const site = reading.object(reading.object(specimen, 'collection'), 'bodySite');
  const parts = [
    [1, type, { vocabulary: 'SpecimenType', table: '0070' }],
    [2, additive, { vocabulary: 'AdditivePreservative', table: '0371' }],
    [4, site, { vocabulary: 'BodySite', table: '0163' }],
  ] as const;
  for (const [component, concept, place] of parts) {
    const coded = concept && codedOf(concept, context, place);
    coded?.forEach((texts, at) => {
      put(value, component, at + 1, texts[0]);
    });
  }
  const note = reading.objects(specimen, 'note').find((each) => !reading.has(each, 'text'));
  put(value, 3, 1, reading.text(note, 'text'));
  const [there] = obr.fields.get(15) ?? [];
  if (value.length === 0) return;
  obr.fields.delete(15);
  obr.add(15, value);
  if (there) obr.add(15, there, 0);
}

/** SPM and SAC of a specimen. */
export function specimenSegments(specimen: Element, context: Context): SegmentDraft[] {
  const container = cameFrom(specimen, context.reading)?.startsWith('SAC');
  const spm = container ? undefined : fill(new SegmentDraft('SPM'), [['SPM[Specimen]', specimen]], context);
  const sac = emit('SAC', [['SAC[Specimen]', container || context.own ? specimen : undefined]], context);
  return [...(spm ? [spm, ...noted(undefined, specimen, context)] : []), ...(sac ? [sac] : [])];
}
