import { Conversion } from './conversion.ts';
import type { Marks, View } from './leaves.ts';
import { copiesOf, LONGEST, Memory } from './remembered.ts';
import { Resources } from './resources.ts';
import type { Draft } from './segment-view.ts';

/** Makes a resource of a value; undefined where there is nothing to make it of. */
type ResourceConverter = (view: View, conversion: Conversion) => Draft | undefined;

/** Makes an element again, which may refer to the resources that were made before it. */
type Again = (made: readonly Draft[], resources: Resources) => unknown;

interface Node {
  readonly type: string;
  /** What it is known by in a bundle. */
  readonly key: string | undefined;
  readonly elements: readonly (readonly [name: string, again: Again])[];
}

/** What a text was made into: resources in the order of their making, and which of them it is. */
interface Made {
  readonly nodes: readonly Node[];
  readonly result: number;
  readonly marks: Marks;
}

/**
 * A converter that makes resources, and makes those of the same text once: the doctors, wards and laboratories of a feed are the
 * same few. They are kept as codes are, by their own text and the systems of authorities that a channel configures. What says
 * a time, or anything that is to be told of, is made each time.
 * @param most the components that such a value may have
 */
export function rememberedResource(convert: ResourceConverter, most: number): ResourceConverter {
  const memory = new Memory<WeakMap<object, Map<string, Made>>>(() => new WeakMap());
  return (view, conversion) => {
    if (!view.isPlain) return convert(view, conversion);
    const { systems } = conversion;
    let known = memory.held.get(systems);
    if (!known) memory.held.set(systems, (known = new Map()));
    const made = known.get(view.raw);
    if (made) return replay(made, view, conversion);
    if (view.raw.length <= LONGEST && view.parts.length <= most) {
      const apart = view.apart();
      const learned = learn(convert, apart, conversion);
      if (learned && memory.hasRoom()) known.set(apart.raw, learned);
    }
    return convert(view, conversion);
  };
}

function replay({ nodes, result, marks }: Made, view: View, { resources }: Conversion): Draft {
  const made: Draft[] = [];
  for (const { type, key, elements } of nodes) {
    const known = key === undefined ? undefined : resources.known(type, key);
    if (known) {
      made.push(known);
      continue;
    }
    const draft = resources.make(type);
    if (key !== undefined) resources.keyed(draft, key);
    for (const [name, again] of elements) draft[name] = again(made, resources);
    made.push(draft);
  }
  view.markAs(marks);
  return made[result]!;
}

/** Makes it in a bundle of its own, to see what is made. */
function learn(
  convert: ResourceConverter,
  apart: View,
  { rules, version, zone, systems }: Conversion,
): Made | undefined {
  const resources = new Resources('');
  const alone = new Conversion(resources, rules, version, zone, systems);
  const draft = convert(apart, alone);
  if (!draft || alone.issues.length > 0 || alone.doubtful || alone.lastTime.sent !== undefined) return undefined;
  const { drafts } = resources;
  const nodes: Node[] = [];
  for (const { resourceType, id: _, ...elements } of drafts) {
    const each = Object.entries(elements).map(([name, value]) => [name, againOf(value, drafts, resources)] as const);
    nodes.push({ type: resourceType, key: resources.keyOf(drafts[nodes.length]!), elements: each });
  }
  return { nodes, result: drafts.indexOf(draft), marks: apart.marks() };
}

function againOf(value: unknown, drafts: readonly Draft[], resources: Resources): Again {
  if (typeof value !== 'object' || value === null) return () => value;
  const target = resources.targetOf(value);
  if (target) {
    const at = drafts.indexOf(target);
    return (made, into) => into.reference(made[at]!);
  }
  if (!refers(value, resources)) return copiesOf(value);
  if (Array.isArray(value)) {
    const each = value.map((one) => againOf(one, drafts, resources));
    return (made, into) => each.map((again) => again(made, into));
  }
  const each = Object.entries(value).map(([name, one]) => [name, againOf(one, drafts, resources)] as const);
  return (made, into) => {
    const copy: Record<string, unknown> = {};
    for (const [name, again] of each) copy[name] = again(made, into);
    return copy;
  };
}

function refers(value: unknown, resources: Resources): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return resources.targetOf(value) !== undefined || Object.values(value).some((each) => refers(each, resources));
}
