import type { Zone } from '../../core/time/zone.ts';
import type { Marks, View } from './leaves.ts';
import type { Resources } from './resources.ts';
import type { Rule } from './rule.ts';
import type { Draft, GroupView, SegmentView } from './segment-view.ts';

export type IssueCode =
  /** A date or time that is none, or that FHIR cannot hold: kept as it was sent. */
  | 'bad-date'
  | 'bad-number'
  /** A code that the element’s value set does not have, and no map leads to one that it does. */
  | 'unknown-code'
  /** Base64 or hexadecimal data that is none. */
  | 'bad-data'
  /** A time whose zone nobody said was taken to be in UTC. */
  | 'zone-assumed'
  /** The sender asks to delete a value: FHIR says that by its absence. */
  | 'delete'
  /** The structure of the message is not known; segments were taken in their order, or as in a message like it. */
  | 'unknown-structure'
  /** A segment stands where its structure has no place for it. */
  | 'misplaced-segment'
  /** A segment that its structure requires is not there. */
  | 'absent-segment'
  /** An OBX-5 whose type OBX-2 does not say, or that no type is: told as text. */
  | 'unknown-type'
  /** A segment that no map is about: it is kept as it was sent. */
  | 'unmapped-segment'
  /** An element that has to be there was not said, and stands as unknown. */
  | 'completed'
  /** A period that ends before it begins. */
  | 'bad-period';

export interface ConversionIssue {
  readonly code: IssueCode;
  /** Where in the message: `PID[1]-7[1]`; of what concerns all of it the segment, or nothing. */
  readonly path: string;
  /** What it is, with nothing of the message’s content. */
  readonly message: string;
  /** In place of so many others of this code: a message tells only the first. */
  readonly more?: number;
}

/** Sees a rule being carried out. */
export interface Tracer {
  watch(rule: Rule, view: View, resource: Draft, carryOut: () => void): void;
}

/** A rule that a site has taken out of its map. */
export interface Dropped {
  /** The entry that did so: `hospital:no-religion`. */
  readonly id: string;
  readonly reason: string;
  /** Whether its value is left out; else it is kept under its v2 path, as what no rule takes. */
  readonly ignored: boolean;
}

/** The map of a segment, with its rules as functions. */
export interface RuleMap {
  /** The type of the resource that it is about. */
  readonly resource: string;
  apply(segment: SegmentView, resource: Draft, conversion: Conversion): void;
}

/** What messages are converted by: the official rules and ours, and those of a site over them. */
export interface Rules {
  /** @throws Error where there is no such map */
  map(name: string): RuleMap;
  /** The maps to carry out beside those that a segment has. */
  beside(segment: string): readonly RuleMap[];
  /** The rule that was dropped of a field; the last where there were more. */
  dropped(segment: string, field: number): Dropped | undefined;
}

/** What a value has become, and which rows took it. */
export interface Known {
  readonly draft: Draft;
  readonly marks: Marks;
}

/** What one message is converted with: its resources, what is to be told of it, and where the converters are at. */
export class Conversion {
  readonly resources: Resources;
  readonly rules: Rules;
  /** The resources that maps with rules of a site were applied to. */
  ofSite: Set<Draft> | undefined = undefined;
  readonly issues: ConversionIssue[] = [];
  readonly version: string;
  /** Of times that say none. */
  readonly zone: Zone | undefined;
  /** Minutes east of UTC that MSH-7 says, which hold for times that say none (HL7 2.5.1 §2.A.22). */
  offset: number | undefined = undefined;
  /** Identifier systems by the names of their authorities. */
  readonly systems: ReadonlyMap<string, string>;
  /** Resources that a value was turned into, by data type map and text: the same text is the same resource. */
  readonly referred = new Map<string, Map<string, Known>>();
  /** Those that all rules of a field make, likewise. */
  made: Map<object, Map<string, Known>> | undefined = undefined;
  /** Told which rule took what, where somebody wants to know. */
  tracer: Tracer | undefined = undefined;
  /** The last time that was read, and how FHIR writes it. */
  readonly lastTime: { sent: string | undefined; said: string | undefined } = { sent: undefined, said: undefined };
  segment: SegmentView | undefined = undefined;
  field = 0;
  repetition = 0;
  /** Something was begun that may hold nothing, or that another value has to be put right by: all is looked through once more. */
  doubtful = false;
  /** Lists of codings of which one may say what another one says. */
  readonly codings: unknown[][] = [];
  #zoneAssumed = false;
  #nearTo: SegmentView | undefined = undefined;
  #nearName = '';
  #near: SegmentView | undefined = undefined;

  constructor(
    resources: Resources,
    rules: Rules,
    version: string,
    zone: Zone | undefined,
    systems: ReadonlyMap<string, string>,
  ) {
    this.resources = resources;
    this.rules = rules;
    this.version = version;
    this.zone = zone;
    this.systems = systems;
  }

  madeBySite(resource: Draft): void {
    this.ofSite ??= new Set();
    this.ofSite.add(resource);
  }

  /** Tells of what stands where the converters are at. */
  issue(code: IssueCode, message: string): void {
    this.issues.push({ code, path: this.path(), message });
  }

  zoneAssumed(): void {
    if (this.#zoneAssumed) return;
    this.#zoneAssumed = true;
    this.issue('zone-assumed', 'times say no zone, and neither MSH-7 nor the configuration does: taken as UTC');
  }

  /** The segment of that name that belongs to one: itself, one of its group or of the groups in it, else of a group around it. */
  near(name: string, from: SegmentView): SegmentView | undefined {
    if (from.name === name) return from;
    // Several rules in a row ask the same.
    if (this.#nearTo === from && this.#nearName === name) return this.#near;
    this.#nearTo = from;
    this.#nearName = name;
    this.#near = this.#nearest(name, from);
    return this.#near;
  }

  #nearest(name: string, from: SegmentView): SegmentView | undefined {
    const own = from.group && nearestIn(from.group, name, from.index);
    if (own) return own;
    for (let group = from.group?.parent; group; group = group.parent) {
      const found = nearest(group.segments, name, from.index);
      if (found) return found;
    }
    return undefined;
  }

  path(): string {
    const { segment } = this;
    if (!segment) return '';
    const name = `${segment.name}[${segment.occurrence}]`;
    return this.field === 0 ? name : `${name}-${this.field}[${this.repetition + 1}]`;
  }
}

/** The last one of a name before a place in the message, else the first one after it. */
function nearest(
  segments: readonly SegmentView[],
  name: string,
  index: number,
  found?: SegmentView,
): SegmentView | undefined {
  let best = found;
  for (const segment of segments) {
    if (segment.name !== name) continue;
    const isBefore = segment.index < index;
    if (!best) best = segment;
    else if (best.index > index ? isBefore || segment.index < best.index : isBefore && segment.index > best.index)
      best = segment;
  }
  return best;
}

/** The same in a group and the groups in it. */
function nearestIn(
  { segments, groups }: GroupView,
  name: string,
  index: number,
  found?: SegmentView,
): SegmentView | undefined {
  let best = nearest(segments, name, index, found);
  for (const group of groups) best = nearestIn(group, name, index, best);
  return best;
}
