import type { Conversion } from '../conversion.ts';
import type { Draft, SegmentView } from '../segment-view.ts';

/** What a message is about decides what its orders and observations are. */
export type Family = 'result' | 'order' | 'vaccination' | 'administration' | 'dispense' | 'document' | 'other';

/** Where the reading of a message is: what the next segment belongs to. */
export interface State {
  readonly conversion: Conversion;
  readonly segments: readonly SegmentView[];
  readonly family: Family;
  /** Trigger event: `A01`. */
  readonly event: string;
  readonly header: Draft;
  /** When the message was made, as far as it says, else when it came. */
  readonly recorded: string | undefined;
  patient: Draft | undefined;
  encounter: Draft | undefined;
  account: Draft | undefined;
  coverage: Draft | undefined;
  appointment: Draft | undefined;
  document: Draft | undefined;
  /** The lines of documents that are text, by their attachments: joined when all are there. */
  texts: Map<Record<string, unknown>, string[]> | undefined;
  /** The order at hand: a ServiceRequest or a MedicationRequest, the report on it, and what was given. */
  request: Draft | undefined;
  report: Draft | undefined;
  given: Draft | undefined;
  specimen: Draft | undefined;
  observation: Draft | undefined;
  /** The ORC of the order, until an OBR, RXO or RXE has joined it. */
  orc: SegmentView | undefined;
  /** The resource of the segment before, for comments. */
  last: Draft | undefined;
  /** What a segment of people or roles is about: the patient until a visit has been said. */
  about: 'patient' | 'encounter' | 'order' | 'observation';
}

/** Applies a map and answers the resource. */
export function apply(map: string, segment: SegmentView, resource: Draft, { conversion }: State): Draft {
  conversion.rules.map(map).apply(segment, resource, conversion);
  return resource;
}

/** A new resource that a map makes of a segment. */
export function make(map: string, segment: SegmentView, state: State): Draft {
  const { conversion } = state;
  const rules = conversion.rules.map(map);
  const resource = conversion.resources.make(rules.resource);
  rules.apply(segment, resource, conversion);
  return resource;
}

/** Sets an element to refer to a resource, where it does not refer to one. */
export function point(resource: Draft, element: string, target: Draft | undefined, { conversion }: State): void {
  if (target && resource[element] === undefined) resource[element] = conversion.resources.reference(target);
}

/** Adds a reference to a list of them, once. */
export function pointAlso(resource: Draft, element: string, target: Draft | undefined, { conversion }: State): void {
  if (!target) return;
  const list = (resource[element] ??= []) as object[];
  if (!list.some((each) => conversion.resources.targetOf(each) === target))
    list.push(conversion.resources.reference(target));
}

/** Adds a reference to a list, to a resource that has just been made: of thousands of results none is compared with the others. */
export function pointMore(resource: Draft, element: string, target: Draft, { conversion }: State): void {
  ((resource[element] ??= []) as object[]).push(conversion.resources.reference(target));
}

/** The resource of a type that the message is at: what maps beside those of their segment are applied to. */
export function atHand(type: string, state: State): Draft | undefined {
  const { header, patient, encounter, account, coverage, appointment, document } = state;
  const { report, request, given, specimen, observation, last } = state;
  if (last?.resourceType === type) return last;
  const known = [observation, specimen, given, report, request, document, appointment, coverage, account, encounter];
  return [...known, patient, header].find((each) => each?.resourceType === type);
}
