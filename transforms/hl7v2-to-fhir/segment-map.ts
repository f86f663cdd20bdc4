// Over 350 lines: one walk over the rules of a segment, on the hottest path of a conversion.
import { type After, type Bound, bind, isNoted, ownersOf, type Step } from './bind-rules.ts';
import { putRight } from './clean.ts';
import type { Conversion, Known } from './conversion.ts';
import { Exact, Referred } from './converters.ts';
import segments from './generated/segments.json' with { type: 'json' };
import type { View } from './leaves.ts';
import { textOf } from './resources.ts';
import type { Rule } from './rule.ts';
import type { Draft, SegmentView } from './segment-view.ts';
import { systemFor } from './vocabulary.ts';

type Element = Record<string, unknown>;

interface FieldRules {
  readonly rules: readonly Bound[];
  /** What a further repetition begins anew. */
  readonly own: readonly number[];
  readonly whole: WholeResource | undefined;
}

/** A resource that the rules of one field make, of one value and of nothing else: of the same value it is the same. */
interface WholeResource {
  readonly slot: number;
  /** To the element that refers to it. */
  readonly steps: readonly Step[];
  readonly isNoted: boolean;
}

const compiled = segments as unknown as Readonly<Record<string, readonly Rule[]>>;
const made = new Map<string, SegmentMap>();

/**
 * The map of that name, with its rules as functions; made when it is first asked for.
 * @throws Error where there is no such map
 */
export function segmentMap(name: string): SegmentMap {
  let map = made.get(name);
  if (!map) {
    const rules = compiled[name];
    if (!rules) throw new Error(`there is no map ${name}`);
    made.set(name, (map = new SegmentMap(name, rules)));
  }
  return map;
}

/** The official rules and ours, by map. */
export const officialRules: Readonly<Record<string, readonly Rule[]>> = compiled;

/** What one application of a map has made. A map has one of them: it is applied to one segment at a time. */
interface Application {
  conversion: Conversion;
  readonly ofSite: boolean;
  /** Where its list elements and resources are. */
  readonly slots: (object | undefined)[];
  /** Whether the rule at hand has begun an element on its way. */
  begun: boolean;
  /** Extensions that say what they are and have no value yet. */
  open: number;
  /** The resource that a value has been made into before, of those that the segment refers to the last. */
  again: Draft | undefined;
}

export class SegmentMap {
  readonly name: string;
  /** The type of the resource that it is about. */
  readonly resource: string;
  readonly #whole: readonly Bound[];
  /** By field. */
  readonly #fields: readonly (FieldRules | undefined)[];
  readonly #slots: number;
  #application: Application | undefined = undefined;
  readonly #ofSite: boolean;

  /** @param ofSite whether a site has written in it: what it is applied to is completed by R4’s definitions */
  constructor(name: string, rules: readonly Rule[], ofSite = false) {
    this.name = name;
    this.#ofSite = ofSite;
    this.resource = /\[(\w+)/.exec(name)?.[1] ?? '';
    const slots = new Map<string, number>();
    const bound = rules.map((rule) => bind(rule, rules, name.slice(0, 3), slots));
    this.#whole = bound.filter(({ rule }) => rule.field === 0);
    this.#slots = slots.size;
    findCompany(bound);
    const owners = ownersOf(rules);
    const last = Math.max(0, ...rules.map(({ field }) => field));
    this.#fields = Array.from({ length: last + 1 }, (_, field) => {
      const own = bound.filter(({ rule }) => rule.field === field);
      if (field === 0 || own.length === 0) return undefined;
      return {
        rules: own,
        own: [...slots].flatMap(([prefix, slot]) => {
          for (const [owned, owner] of owners) {
            const isIn = prefix === owned || prefix.startsWith(`${owned}.`) || prefix.startsWith(`${owned}>`);
            if (owner === field && isIn) return slot;
          }
          return [];
        }),
        whole: wholeResourceOf(bound, field),
      };
    });
  }

  /** Puts into the resource what the map makes of the segment. Never throws; what cannot be placed stays unmarked. */
  apply(segment: SegmentView, resource: Draft, conversion: Conversion): void {
    const application = this.#begin(conversion);
    segment.home ??= resource;
    if (this.#ofSite) conversion.madeBySite(resource);
    conversion.segment = segment;
    conversion.field = 0;
    conversion.repetition = 0;
    for (const rule of this.#whole) {
      if (!rule.when || rule.when(segment, undefined, conversion)) put(rule, undefined, resource, application);
    }
    const { fields } = segment;
    const end = Math.min(fields.length, this.#fields.length);
    for (let field = 1; field < end; field++) {
      const view = fields[field];
      const ruled = this.#fields[field];
      if (!view || !ruled) continue;
      conversion.field = field;
      applyTo(view, ruled, segment, resource, application);
    }
    conversion.field = 0;
    if (application.open !== 0) conversion.doubtful = true;
  }

  #begin(conversion: Conversion): Application {
    if (!this.#application) {
      const slots = new Array<object | undefined>(this.#slots).fill(undefined);
      this.#application = {
        conversion,
        ofSite: this.#ofSite,
        slots,
        begun: false,
        open: 0,
        again: undefined,
      };
    }
    // Whatever became of the message before.
    const { slots } = this.#application;
    for (let slot = 0; slot < slots.length; slot++) slots[slot] = undefined;
    this.#application.conversion = conversion;
    this.#application.open = 0;
    this.#application.again = undefined;
    return this.#application;
  }
}

function applyTo(
  first: View,
  { rules, own, whole: alone }: FieldRules,
  segment: SegmentView,
  resource: Draft,
  application: Application,
): void {
  const { conversion, slots } = application;
  // Of several repetitions one resource may be made.
  const resourceOfIt = first.next ? undefined : alone;
  let at = -1;
  for (let whole: View | undefined = first; whole; whole = whole.next) {
    at++;
    if (!whole.valued) continue;
    conversion.repetition = at;
    for (const slot of own) slots[slot] = undefined;
    const known = resourceOfIt && conversion.made?.get(resourceOfIt)?.get(whole.raw);
    for (const rule of rules) {
      if (known && rule.ofWhole) {
        if (slots[resourceOfIt.slot] !== undefined) continue;
        if (conversion.tracer) watchPoint(rule, resourceOfIt, known, whole, resource, application);
        else point(resourceOfIt, known, whole, resource, application);
        continue;
      }
      if (rule.when && !rule.when(segment, whole, conversion)) continue;
      const view = rule.component === undefined ? whole : whole.sub(rule.component);
      if (!view) continue;
      if (conversion.tracer) watchPut(rule, view, whole, resource, application);
      else put(rule, view, resource, application);
    }
    if (resourceOfIt && !known) remember(resourceOfIt, whole, application);
  }
}

// Functions of their own: a closure within the loops above would cost an object a round, watched or not.

/** Points in sight of who wants to see it. */
function watchPoint(
  bound: Bound,
  whole: WholeResource,
  known: Known,
  view: View,
  resource: Draft,
  application: Application,
): void {
  application.conversion.tracer?.watch(bound.rule, view, resource, () =>
    point(whole, known, view, resource, application),
  );
}

/** Carries a rule out in sight of who wants to see it. */
function watchPut(bound: Bound, view: View, whole: View, resource: Draft, application: Application): void {
  application.conversion.tracer?.watch(bound.rule, whole, resource, () => put(bound, view, resource, application));
}

function wholeResourceOf(rules: readonly Bound[], field: number): WholeResource | undefined {
  const slotIn = ({ steps }: Bound) => steps.find(({ kind }) => kind === 'resource')?.slot;
  const slot = rules
    .map((each) => (each.rule.field === field ? slotIn(each) : undefined))
    .find((each) => each !== undefined);
  if (slot === undefined) return undefined;
  const own = rules.filter(({ steps, last }) => last.slot === slot || steps.some((step) => step.slot === slot));
  const isWhole =
    own.every(({ rule, when }) => rule.field === field && !when && rule.component === undefined) &&
    own.filter(({ fixed }) => fixed === undefined).length === 1;
  if (!isWhole) return undefined;
  const { steps } = own[0]!;
  const { to } = own[0]!.rule;
  const all = rules.map(({ rule }) => rule);
  for (const each of own) each.ofWhole = true;
  return {
    slot,
    steps: steps.slice(
      0,
      steps.findIndex((step) => step.slot === slot),
    ),
    isNoted: isNoted(to.slice(0, to.indexOf('>')), field, all),
  };
}

/** Finds the fields whose rules go on from a resource that another field’s value is. */
function findCompany(rules: readonly Bound[]): void {
  for (const each of rules) {
    const { slot, kind } = each.last;
    if (kind !== 'resource') continue;
    const others = rules.filter(
      ({ rule, steps }) => rule.field !== each.rule.field && steps.some((step) => step.slot === slot),
    );
    if (others.length > 0) each.company = [...new Set(others.map(({ rule }) => rule.field))];
  }
}

/** What tells a value that a resource is made of from others, with what other fields say of the same one. */
function keyOf({ company }: Bound, view: View, { conversion }: Application): string {
  const segment = conversion.segment;
  if (!company || !segment) return view.raw;
  let key = view.raw;
  for (const field of company)
    for (let each = segment.fields[field]; each; each = each.next) key += `\u0000${segment.name}-${field}=${each.raw}`;
  return key;
}

/** Refers to what the same value has been made into before. */
function point(whole: WholeResource, known: Known, view: View, resource: Draft, application: Application): void {
  const element = reach(whole.steps, resource, application);
  if (!element || application.conversion.resources.targetOf(element)) return;
  if (whole.isNoted) element.extension ??= [];
  application.conversion.resources.point(element, known.draft);
  application.slots[whole.slot] = known.draft;
  view.markAs(known.marks);
}

/** Of a value that has gone into its resource to the last of its leaves, what it was made into. */
function remember(whole: WholeResource, view: View, { slots, conversion }: Application): void {
  const draft = slots[whole.slot] as Draft | undefined;
  if (!draft || !view.isTaken()) return;
  conversion.made ??= new Map();
  let made = conversion.made.get(whole);
  if (!made) conversion.made.set(whole, (made = new Map()));
  made.set(view.raw, { draft, marks: view.marks() });
}

/** Carries one rule out. */
function put(bound: Bound, view: View | undefined, resource: Draft, application: Application): void {
  const { last, fixed } = bound;
  if (fixed === undefined && !view) return;
  application.begun = false;
  const parent = reach(bound.steps, resource, application);
  const isNew = bound.after !== undefined && parent?.[last.name] === undefined;
  const isThere =
    parent !== undefined &&
    (last.kind === 'resource'
      ? refer(bound, view!, parent, application)
      : last.kind === 'list'
        ? append(bound, view, parent, application)
        : set(bound, view, parent, application));
  if (!isThere) {
    if (application.begun) application.conversion.doubtful = true;
  } else if (bound.after === 'coded' || (bound.after && isNew)) seeTo(bound.after, last.name, parent, application);
}

/** What belongs together is put right at once, or later where that is rare. */
function seeTo(after: After, name: string, element: Element, application: Application): void {
  switch (after) {
    case 'coded':
      if (name === 'coding') {
        if ((element.coding as unknown[]).length > 1) application.conversion.codings.push(element.coding as unknown[]);
      } else if (typeof element.system === 'string' && typeof element.code === 'string')
        element.system = systemFor(element.system, element.code);
      return;
    case 'bounded':
      putRight(element);
      return;
    case 'range':
      application.conversion.doubtful = true;
      return;
    case 'url':
      application.open++;
      return;
    case 'value':
      application.open--;
      return;
    default:
      after satisfies never;
  }
}

/** The element that the last step is a part of; undefined where something else stands in its place. */
function reach(steps: readonly Step[], resource: Draft, application: Application): Element | undefined {
  let element: Element = resource;
  for (const step of steps) {
    if (step.others && taken(element, step.others)) return undefined;
    const next = stepInto(element, step, application);
    if (!next) return undefined;
    element = next;
  }
  return element;
}

function stepInto(element: Element, step: Step, application: Application): Element | undefined {
  const { slots, conversion, ofSite } = application;
  switch (step.kind) {
    case 'object': {
      const there = element[step.name];
      if (there === undefined) {
        const made: Element = {};
        element[step.name] = made;
        application.begun = true;
        return made;
      }
      return typeof there === 'object' && !Array.isArray(there) ? (there as Element) : undefined;
    }
    case 'list': {
      const known = slots[step.slot];
      if (known) return known as Element;
      const made: Element = {};
      const list = add(element, step.name, made);
      slots[step.slot] = made;
      application.begun = true;
      // It may come to say what another coding says.
      if (list.length > 1 && step.name === 'coding') conversion.codings.push(list);
      return made;
    }
    case 'resource': {
      const target = conversion.resources.targetOf(element);
      if (target) return target.resourceType === step.name && slots[step.slot] === target ? target : undefined;
      const made = conversion.resources.make(step.name);
      conversion.resources.point(element, made);
      slots[step.slot] = made;
      application.begun = true;
      if (ofSite) conversion.madeBySite(made);
      return made;
    }
    default:
      return step.kind satisfies never;
  }
}

function taken(element: Element, others: readonly string[]): boolean {
  for (const other of others) if (element[other] !== undefined) return true;
  return false;
}

/** A reference to what the data type's map makes. What an earlier rule has begun of it stays. Answers whether there is one now. */
function refer(bound: Bound, view: View, element: Element, application: Application): boolean {
  const { last } = bound;
  const { slots, conversion } = application;
  if (conversion.resources.targetOf(element)) return true;
  const value = referred(bound, view, application);
  if (!value) return false;
  if (bound.isNoted) element.extension ??= [];
  conversion.resources.point(element, value);
  slots[last.slot] = value;
  view.element ??= element;
  return true;
}

/** What the data type's map makes of a value; of one that is the same to the letter, the same. */
function referred(bound: Bound, view: View, application: Application): Draft | undefined {
  const { rule, convert } = bound;
  const { conversion } = application;
  // A component that is seen as a repetition has no text of its own to be known by.
  if (view.raw === '') return (convert!(view, conversion) as Referred | undefined)?.draft;
  const key = keyOf(bound, view, application);
  const via = rule.via!;
  let made = conversion.referred.get(via);
  if (!made) conversion.referred.set(via, (made = new Map()));
  const known = made.get(key);
  if (known) {
    view.markAs(known.marks);
    application.again = known.draft;
    return known.draft;
  }
  const fresh = !view.isBegun();
  const value = convert!(view, conversion);
  if (!(value instanceof Referred)) return undefined;
  if (fresh) made.set(key, { draft: value.draft, marks: view.marks() });
  return value.draft;
}

/** Adds to a list, or begins it: with its first value, as one that grows from nothing takes many times the room. */
function add(element: Element, name: string, value: unknown): unknown[] {
  const there = element[name] as unknown[] | undefined;
  if (there === undefined) {
    const list = [value];
    element[name] = list;
    return list;
  }
  there.push(value);
  return there;
}

function append(bound: Bound, view: View | undefined, element: Element, application: Application): boolean {
  const { last } = bound;
  const { slots, conversion, again } = application;
  const made = bound.fixed ?? bound.convert!(view!, conversion);
  const value = made instanceof Exact ? made.value : made;
  if (value === undefined) return false;
  if (typeof value !== 'object' || value === null) {
    add(element, last.name, value);
    return true;
  }
  const begun = slots[last.slot];
  const same = element === again && !begun ? sameIn(element[last.name], value) : undefined;
  if (begun) {
    Object.assign(begun, value);
    conversion.doubtful = true;
  } else {
    if (!same) add(element, last.name, value);
    slots[last.slot] = same ?? value;
  }
  // What that one does not hold of it is kept with the segment that said it again.
  if (view && !same) view.element ??= begun ?? value;
  return true;
}

/** What a list has of the same text: of a resource that several segments are about, each says its address again. */
function sameIn(list: unknown, value: object): object | undefined {
  if (!Array.isArray(list)) return undefined;
  const text = textOf(value);
  return list.find((each) => typeof each === 'object' && textOf(each) === text);
}

function set(bound: Bound, view: View | undefined, element: Element, { conversion }: Application): boolean {
  const { last, fixed, rule } = bound;
  const there = element[last.name];
  if (fixed !== undefined) {
    if (there !== undefined) return true;
    if (last.others && taken(element, last.others)) return false;
    element[last.name] = fixed;
    return true;
  }
  // A unit is put beside a number; anything else that is there was said first.
  if (there !== undefined && rule.via !== 'CWE[Quantity]') return true;
  if (last.others && taken(element, last.others)) return false;
  const value = bound.convert!(view!, conversion);
  if (value === undefined) return there !== undefined;
  if (value instanceof Exact) {
    element[last.name] = value.value;
    element[`_${last.name}`] = value.beside;
  } else if (there !== undefined) Object.assign(there as object, value);
  else {
    element[last.name] = value;
    if (typeof value === 'object') view!.element ??= value as object;
  }
  return true;
}
