import type { Rule } from '../hl7v2-to-fhir/rule.ts';
import { FROM } from './hints.ts';
import { type Back, backOf } from './types/back.ts';

/** A step of the paths of a map’s rules, and what the rules do there. */
export interface Node {
  /** `identifier#2`, `type`, `>Practitioner` */
  readonly part: string;
  readonly name: string;
  readonly kind: 'object' | 'list' | 'resource';
  readonly children: Node[];
  readonly rules: { readonly rule: Rule; readonly back: Back }[];
  /** What is put there, not taken from a field. */
  readonly fixed: { readonly value: string; readonly rule: Rule }[];
  /** The field whose repetitions make the elements of the list; undefined where one segment makes one. */
  owner: number | undefined;
  /** Where the way there notes which field something came from: the notes of this place. */
  hints: ReadonlySet<string>;
  /** By field, what its rules say of an element of this list. */
  signs: readonly Signs[];
}

/** What tells that a field made an element. */
export interface Signs {
  readonly segment: string;
  readonly field: number;
  readonly fixed: readonly FixedSign[];
  readonly references: readonly { readonly steps: readonly string[]; readonly type: string }[];
}

export interface FixedSign {
  readonly steps: readonly string[];
  readonly values: ReadonlySet<string>;
  /** Only put there under a condition. */
  readonly conditional: boolean;
  /** A sender may say it himself, or it is but words. */
  readonly soft: boolean;
}

/** The rules of a map as a tree of their paths. */
export function ruleTree(rules: readonly Rule[], segment: string): Node {
  const root = newNode('');
  for (const rule of rules) place(root, rule, segment);
  finish(root, segment);
  return root;
}

function newNode(part: string): Node {
  const kind = part.startsWith('>') ? 'resource' : part.includes('#') ? 'list' : 'object';
  const [name = ''] = part.replace('>', '').split('#');
  const empty = { children: [], rules: [], fixed: [] };
  return { part, name, kind, ...empty, owner: undefined, hints: new Set(), signs: [] };
}

function place(root: Node, rule: Rule, segment: string): void {
  let at = root;
  for (const part of stepsOf(rule.to)) {
    let child = at.children.find((each) => each.part === part);
    if (!child) at.children.push((child = newNode(part)));
    at = child;
  }
  if (rule.fixed !== undefined) at.fixed.push({ value: rule.fixed, rule });
  else at.rules.push({ rule, back: backOf(rule, segment) });
}

function stepsOf(to: string): string[] {
  return to.split(/\.|(?=>)/);
}

/** Notes of each list which field makes its elements, and what tells them apart. */
function finish(node: Node, segment: string): void {
  node.hints = hintsIn(node);
  for (const child of node.children) {
    finish(child, segment);
    if (child.kind !== 'list') continue;
    child.owner = ownerOf(child);
    child.signs = signsOf(child, segment);
  }
}

/** The only field that targets the element as such, else the only one that has anything to do with it. */
function ownerOf(list: Node): number | undefined {
  const exact = new Set(list.rules.map(({ rule }) => rule.field));
  for (const target of list.children)
    if (target.kind === 'resource') for (const { rule } of target.rules) exact.add(rule.field);
  const makers = exact.size > 0 ? exact : fieldsIn(list);
  return makers.size === 1 ? [...makers][0] : undefined;
}

function fieldsIn(node: Node): Set<number> {
  const fields = new Set([...node.rules, ...node.fixed].map(({ rule }) => rule.field));
  for (const child of node.children) for (const field of fieldsIn(child)) fields.add(field);
  return fields;
}

/** The notes on an element; of an extension, which has no room for them, on what is in it. */
function hintsIn(node: Node): ReadonlySet<string> {
  const hints = new Set<string>();
  for (const child of node.children) {
    if (isHint(child))
      for (const { value } of child.children.find(({ name }) => name === 'valueCode')?.fixed ?? []) hints.add(value);
    else if (node.name === 'extension' && node.kind === 'list') for (const hint of hintsIn(child)) hints.add(hint);
    else if (child.name === 'extension' && node.name === 'extension')
      for (const hint of hintsIn(child)) hints.add(hint);
  }
  return hints;
}

export function isHint({ kind, name, children }: Node): boolean {
  const isNote = (child: Node) => child.name === 'url' && child.fixed.some(({ value }) => value === FROM);
  return kind === 'list' && name === 'extension' && children.some(isNote);
}

/** What a sender may say himself, what is but words, and systems, which R4 may know otherwise. */
const SOFT = new Set(['use', 'display', 'text', 'system']);

function signsOf(list: Node, segment: string): Signs[] {
  return [...fieldsIn(list)].map((field) => {
    const fixed = new Map<string, { values: Set<string>; conditional: boolean }>();
    const references = new Map<string, { steps: string[]; type: string }>();
    visit(list, [], (node, steps) => {
      for (const { value, rule } of node.fixed) {
        if (rule.field !== field) continue;
        const key = steps.join('.');
        const known = fixed.get(key) ?? { values: new Set(), conditional: true };
        known.values.add(value);
        known.conditional &&= rule.when !== undefined;
        fixed.set(key, known);
      }
      const first = steps.findIndex((step) => step.startsWith('>'));
      if (first >= 0 && node.rules.some(({ rule }) => rule.field === field)) {
        const type = steps[first]!.slice(1);
        references.set(`${steps.slice(0, first).join('.')}>${type}`, { steps: steps.slice(0, first), type });
      }
    });
    return {
      segment,
      field,
      fixed: [...fixed].map(([key, { values, conditional }]) => {
        const steps = key.split('.');
        return { steps, values, conditional, soft: SOFT.has(steps.at(-1)!) };
      }),
      references: [...references.values()],
    };
  });
}

function visit(node: Node, steps: readonly string[], see: (node: Node, steps: readonly string[]) => void): void {
  for (const child of node.children) {
    if (isHint(child)) continue;
    const deeper = [...steps, child.kind === 'resource' ? child.part : child.name];
    see(child, deeper);
    visit(child, deeper, see);
  }
}
