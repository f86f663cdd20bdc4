import type { Condition } from './condition.ts';
import { converterOf } from './converters.ts';
import bindings from './generated/bindings.json' with { type: 'json' };
import type { Converter } from './remembered.ts';
import type { Rule } from './rule.ts';
import { type Test, testOf } from './test-of.ts';

/** A step from an element to the one that is set: into an object, an element of a list, or the resource that is referred to. */
export interface Step {
  readonly kind: 'object' | 'list' | 'resource';
  readonly name: string;
  /** Where the list's element, or the resource, of this application is remembered. */
  readonly slot: number;
  readonly others: readonly string[] | undefined;
}

/** A rule that is ready to be carried out: its path divided, its condition and its converter functions. */
export interface Bound {
  readonly rule: Rule;
  readonly when: Test | undefined;
  readonly component: number | undefined;
  readonly steps: readonly Step[];
  readonly last: Step;
  readonly convert: Converter | undefined;
  readonly fixed: unknown;
  /** What has to be seen to once its value is there; undefined for most. */
  readonly after: After | undefined;
  /** It is one of those that make a resource of a value and of nothing else. */
  ofWhole: boolean;
  /** Of one that refers to a resource, the other fields that say something of that. */
  company: readonly number[] | undefined;
  /** The element that refers to its resource gets a note, which stands before the reference: to make room later costs more. */
  readonly isNoted: boolean;
}

/** A code and its system, the two ends of something, and what an extension is and says have to go together. */
export type After = 'coded' | 'bounded' | 'range' | 'url' | 'value';

const valueSets = new Map(Object.entries(bindings).map(([url, codes]) => [url, new Set<string>(codes)]));

/**
 * Makes a rule ready.
 * @param rules all of its map
 * @param slots the places of list elements of its map, by their paths; new ones are added
 */
export function bind(rule: Rule, rules: readonly Rule[], segment: string, slots: Map<string, number>): Bound {
  const steps: Step[] = [];
  let prefix = '';
  for (const part of rule.to.split(/\.|(?=>)/)) {
    prefix += part.startsWith('>') ? part : `${prefix ? '.' : ''}${part}`;
    const [name = '', index] = part.split('#');
    const kind = part.startsWith('>') ? 'resource' : index === undefined ? 'object' : 'list';
    let slot = -1;
    if (kind !== 'object') {
      slot = slots.get(prefix) ?? slots.size;
      slots.set(prefix, slot);
    }
    steps.push({ kind, name: kind === 'resource' ? name.slice(1) : name, slot, others: rule.others?.[name] });
  }
  const last = steps.pop()!;
  const codes = rule.binding === undefined ? undefined : valueSets.get(rule.binding);
  const fixed = rule.fixed === undefined ? undefined : rule.type === 'boolean' ? rule.fixed === 'true' : rule.fixed;
  return {
    rule,
    when: rule.when && testOf(rule.when as Condition),
    component: rule.component,
    steps,
    last,
    convert: fixed === undefined ? converterOf(rule, segment, codes) : undefined,
    fixed,
    after: afterOf(last.name, steps),
    ofWhole: false,
    company: undefined,
    isNoted: last.kind === 'resource' && isNoted(rule.to.slice(0, rule.to.lastIndexOf('>')), rule.field, rules),
  };
}

/** Whether a rule of the field always puts a note beside the reference to the resource at `path`. */
export function isNoted(path: string, field: number, rules: readonly Rule[]): boolean {
  const note = `${path}.extension#`;
  return rules.some(
    (each) => each.field === field && each.fixed !== undefined && !each.when && each.to.startsWith(note),
  );
}

function afterOf(name: string, steps: readonly Step[]): After | undefined {
  const depth = steps.filter((step) => step.name === 'extension').length;
  if (depth > 0) {
    // An extension in another one is its value.
    if (name === 'url') return depth === 1 ? 'url' : undefined;
    return name.startsWith('value') || steps.at(-1)!.name.startsWith('value') ? 'value' : undefined;
  }
  if (steps.some((step) => step.name === 'low' || step.name === 'high')) return 'range';
  if (name === 'code' || name === 'system' || name === 'coding') return 'coded';
  return name === 'start' || name === 'end' || name === 'low' || name === 'high' ? 'bounded' : undefined;
}

/**
 * Which field makes the elements of each list: the only one that targets the element as such, else the only one that has
 * anything to do with it. A further repetition of that field is a further element.
 */
export function ownersOf(rules: readonly Rule[]): [prefix: string, field: number][] {
  const exact = new Map<string, Set<number>>();
  const users = new Map<string, Set<number>>();
  for (const { to, field, fixed } of rules) {
    const parts = to.split(/\.|(?=>)/);
    let prefix = '';
    parts.forEach((part, at) => {
      prefix += part.startsWith('>') ? part : `${prefix ? '.' : ''}${part}`;
      if (!part.includes('#')) return;
      add(users, prefix, field);
      const isExact = at === parts.length - 1 || (at === parts.length - 2 && parts[at + 1]!.startsWith('>'));
      if (isExact && fixed === undefined) add(exact, prefix, field);
    });
  }
  const owners: [string, number][] = [];
  for (const [prefix, fields] of users) {
    const makers = exact.get(prefix) ?? fields;
    if (makers.size === 1) owners.push([prefix, [...makers][0]!]);
  }
  return owners;
}

function add(map: Map<string, Set<number>>, key: string, value: number): void {
  const set = map.get(key);
  if (set) set.add(value);
  else map.set(key, new Set([value]));
}
