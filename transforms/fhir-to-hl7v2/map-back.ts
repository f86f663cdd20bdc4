import segments from '../hl7v2-to-fhir/generated/segments.json' with { type: 'json' };
import type { Rule } from '../hl7v2-to-fhir/rule.ts';
import type { Context } from './context.ts';
import { type Element, isElement } from './element.ts';
import { cameAt, cameFrom } from './hints.ts';
import { keptBeside } from './kept.ts';
import { merge, type Repetition, type SegmentDraft, textAt } from './repetition.ts';
import { isHint, type Node, ruleTree } from './rule-tree.ts';
import { noteOf, slotOf } from './slots.ts';

const compiled = segments as unknown as Readonly<Record<string, readonly Rule[]>>;

/** Rules whose element says less than that of another rule of the same field. */
const DERIVED = new Set(['PV1[Encounter] 5', 'DG1[Condition] 21', 'DG1[Condition] 22', 'ORC[Provenance] 16']);

/** Rules whose element holds for a field only where that of another rule is not there. */
const SECONDARY = new Set(['AL1[AllergyIntolerance] 9', 'IAM[AllergyIntolerance] 9']);

const made = new Map<string, MapBack>();

/** The map of that name, read backwards: from a resource into a segment. */
export function mapBack(name: string): MapBack {
  let map = made.get(name);
  if (!map) made.set(name, (map = new MapBack(name, compiled[name] ?? [])));
  return map;
}

/** Elements that one application is about, by the name of the list that they are in: `contact` of a Patient. */
export type Only = Readonly<Record<string, Element | readonly Element[]>>;

/** Which element of a list is being read, by the field that makes its elements. */
type Indexes = ReadonlyMap<number, number>;

export class MapBack {
  readonly #segment: string;
  readonly #root: Node;

  constructor(name: string, rules: readonly Rule[]) {
    this.#segment = name.slice(0, 3);
    this.#root = ruleTree(
      rules.filter(({ id }) => !DERIVED.has(id)),
      this.#segment,
    );
  }

  /** Puts into a segment what the resource says of its fields; what stands in a field already stays. */
  read(resource: Element, into: SegmentDraft, context: Context, only: Only = {}): void {
    const found = new Found();
    const before = context.resource;
    context.resource = resource;
    this.#read(this.#root, resource, found, context, new Map(), only);
    context.resource = before;
    found.writeInto(into, context);
  }

  #read(node: Node, element: Element, found: Found, context: Context, indexes: Indexes, only: Only = {}): void {
    const lists = new Map<string, Node[]>();
    for (const child of node.children) {
      if (child.kind === 'list') lists.set(child.name, [...(lists.get(child.name) ?? []), child]);
      else if (child.kind === 'resource') this.#follow(child, element, node.hints, found, context, indexes);
      else {
        const notes = node.children.find(({ name }) => name === `_${child.name}`)?.hints ?? child.hints;
        this.#take(child, element, notes, found, context, indexes);
        const value = element[child.name];
        if (isElement(value) && this.#mayBe(child, value, notes, context))
          this.#read(child, value, found, context, indexes);
      }
    }
    for (const [name, slots] of lists) this.#readList(name, slots, element, found, context, indexes, only[name]);
  }

  #readList(
    name: string,
    slots: readonly Node[],
    element: Element,
    found: Found,
    context: Context,
    indexes: Indexes,
    chosen: Only[string] | undefined,
  ): void {
    const items = itemsOf(chosen ?? element[name]);
    const used = new Map<Node, number>();
    const counts = new Map<string, number>();
    const real = slots.filter((slot) => !isHint(slot));
    for (const item of items) {
      const slot = slotOf(real, item, used, context);
      if (!slot) continue;
      used.set(slot, (used.get(slot) ?? 0) + 1);
      // Of elements that are noted, those of one field are its repetitions.
      const key = `${slots.indexOf(slot)} ${noteOf(item, context) ?? ''}`;
      const at = counts.get(key) ?? 0;
      counts.set(key, at + 1);
      const inner =
        slot.owner === undefined || indexes.has(slot.owner) ? indexes : new Map(indexes).set(slot.owner, at);
      if (!isElement(item)) context.reading.take(element, name);
      this.#take(slot, { [name]: item }, new Set(), found, context, inner);
      if (isElement(item)) this.#read(slot, item, found, context, inner);
    }
  }

  #follow(
    child: Node,
    reference: Element,
    notes: ReadonlySet<string>,
    found: Found,
    context: Context,
    indexes: Indexes,
  ): void {
    const target = context.target(reference);
    if (target && target.resourceType !== child.name) return;
    const whole = this.#take(child, { [child.name]: reference }, notes, found, context, indexes);
    if (!target) return;
    const before = context.resource;
    context.resource = target;
    // Where all of a resource was one value, its numbers are in that.
    const rest = whole ? { ...child, children: child.children.filter(({ name }) => name !== 'identifier') } : child;
    this.#read(rest, target, found, context, indexes, meantBy(reference, target, context));
    context.resource = before;
  }

  /** Whether an element may be of this map: not where it says that it came from another segment. */
  #mayBe(node: Node, value: Element, notes: ReadonlySet<string>, context: Context): boolean {
    const note = noteOf(value, context);
    if (note !== undefined) return note.startsWith(`${this.#segment}-`);
    if (!context.own || notes.size === 0 || node.rules.length === 0) return true;
    return node.rules.some(({ rule }) => !noted(notes, this.#segment, rule.field));
  }

  /** Carries out the rules of a node on what stands there; answers whether any of them said something. */
  #take(
    node: Node,
    parent: Element,
    notes: ReadonlySet<string>,
    found: Found,
    context: Context,
    indexes: Indexes,
  ): boolean {
    const key = node.name;
    const value = parent[key];
    if (value === undefined) return false;
    for (const fixed of node.fixed) if (isSaid(value, fixed.value)) context.reading.take(parent, key);
    const beside = isElement(value) ? value : parent[`_${key}`];
    const note = isElement(beside) ? cameFrom(beside, context.reading) : undefined;
    let some = false;
    for (const { rule, back } of this.#rulesFor(node, note, notes, context)) {
      const repetition = back(parent, key, context);
      if (!repetition) continue;
      if (isElement(value)) keptBeside(value, this.#segment, rule.field, repetition, context);
      some = true;
      if (SECONDARY.has(rule.id)) found.later(rule.field, repetition);
      else found.add(rule.field, indexes.get(rule.field) ?? 0, repetition);
    }
    return some;
  }

  /** The rules of the one field that made an element: the noted one, else the one that is not noted and has no condition. */
  #rulesFor(
    { rules, kind }: Node,
    note: string | undefined,
    notes: ReadonlySet<string>,
    context: Context,
  ): Node['rules'] {
    if (note !== undefined && kind !== 'list') {
      const [, segment, field] = /^(\w{3})-(\d+)/.exec(note) ?? [];
      return segment === this.#segment ? rules.filter(({ rule }) => rule.field === Number(field)) : [];
    }
    const open = context.own ? rules.filter(({ rule }) => !noted(notes, this.#segment, rule.field)) : rules;
    const usual = open.find(({ rule }) => rule.when === undefined) ?? open[0];
    return usual ? open.filter(({ rule }) => rule.field === usual.rule.field) : [];
  }
}

/** Which of the addresses and numbers of a joined resource a reference means, where those are not all. */
function meantBy(reference: Element, target: Element, { reading }: Context): Only {
  const only: Record<string, Element[]> = {};
  for (const part of cameAt(reference, reading) ?? []) {
    const [, key, places] = /^(address|telecom)=(\S+)$/.exec(part) ?? [];
    if (key === undefined || places === undefined) continue;
    const all = reading.objects(target, key);
    only[key] = places.split('+').flatMap((at): Element[] => [all[Number(at)]].filter((each) => each !== undefined));
  }
  return only;
}

/** Whether a primitive says what is fixed. */
function isSaid(value: unknown, fixed: string): boolean {
  return typeof value === 'boolean' ? String(value) === fixed : value === fixed;
}

function noted(notes: ReadonlySet<string>, segment: string, field: number): boolean {
  const name = `${segment}-${field}`;
  for (const note of notes) if (note === name || note.startsWith(`${name}.`)) return true;
  return false;
}

/** What has been read, by field and repetition. */
class Found {
  readonly #fields = new Map<number, Repetition[]>();
  readonly #later = new Map<number, Repetition>();

  add(field: number, at: number, value: Repetition): void {
    const repetitions = this.#fields.get(field) ?? [];
    this.#fields.set(field, repetitions);
    while (repetitions.length < at) repetitions.push([]);
    const there = repetitions[at];
    // A day, and the time of that day, are of one value.
    const day = there && value.length === 1 && there.length === 1 ? textAt(there, 1) : undefined;
    if (there && day !== undefined && textAt(value, 1)?.startsWith(day)) merge(there, value, true);
    else if (there) merge(there, value);
    else repetitions[at] = value;
  }

  /** Says a field that nothing else says. */
  later(field: number, value: Repetition): void {
    this.#later.set(field, value);
  }

  /** What a field says already stays. In a bundle of ours it was the same field: another resource may keep more of it. */
  writeInto(draft: SegmentDraft, { own }: Context): void {
    for (const [field, value] of this.#later) if (!this.#fields.has(field)) this.add(field, 0, value);
    for (const [field, repetitions] of this.#fields) {
      if (!draft.has(field)) draft.fields.set(field, repetitions);
      else if (own && draft.fields.get(field)?.length === 1 && repetitions.length === 1)
        merge(draft.fields.get(field)![0]!, repetitions[0]!);
    }
  }
}

function itemsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.filter((each) => each !== null && each !== undefined);
  return isElement(value) ? [value] : [];
}
