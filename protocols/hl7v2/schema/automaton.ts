import { ANY, type GroupNode, LOCAL, type SegmentNode } from './definition.ts';

/** What a required part of the structure that is passed over costs, and a segment that has no place: three such parts. */
export const MISSING = 1_000_000;
export const MISPLACED = 3 * MISSING;
/** Among ways that pass nothing over: a wildcard comes last, before it an optional group entered by an optional segment. */
const BY_WILDCARD = 64;
const BY_OPTIONAL = 16;

/** A way to the place of the next segment. */
export interface Transition {
  /** The place. */
  readonly to: number;
  /** How many of the open groups, the message itself included, stay open; those of the place beyond them are new. */
  readonly keep: number;
  readonly cost: number;
  /** Nothing required is passed over. */
  readonly clean: boolean;
}

/** A group of the tree. */
export interface GroupState {
  readonly node: GroupNode;
  /** How many of the first n children are required, for n from 0. */
  readonly required: readonly number[];
}

/** A segment's place in the tree: the groups around it from the message inwards, and which child of each leads to it. */
interface Leaf {
  readonly node: SegmentNode | undefined;
  readonly groups: readonly GroupState[];
  readonly indexes: readonly number[];
}

/**
 * A message structure laid out flat: places for segments, numbered, and between them the ways on, found when first asked for
 * and kept. A group is left when what follows has its place elsewhere; one that repeats may begin again.
 */
export class Automaton {
  /** The place before the first segment. */
  readonly start: number;
  readonly #leaves: Leaf[] = [];
  readonly #symbols = new Map<string, number>();
  readonly #ways: (readonly Transition[] | undefined)[];
  readonly #any: number;
  readonly #local: number;

  constructor(root: GroupNode) {
    const state = groupState(root);
    this.#lay(state, [state], []);
    this.#any = this.#symbols.get(ANY) ?? -1;
    this.#local = this.#symbols.get(LOCAL) ?? -1;
    this.start = this.#leaves.length;
    this.#leaves.push({ node: undefined, groups: [state], indexes: [-1] });
    // Filled, not grown: an array with holes is a dictionary, and each look into it many times as slow.
    this.#ways = new Array<undefined>(this.#leaves.length * this.#symbols.size).fill(undefined);
  }

  /** The number that a segment's name has here; -1 where the structure has no place for it. */
  symbol(name: string): number {
    const symbol = this.#symbols.get(name);
    if (symbol !== undefined) return symbol;
    return name.startsWith('Z') ? this.#local : this.#any;
  }

  /** The groups around a place, the message itself first. */
  groups(place: number): readonly GroupState[] {
    return this.#leaves[place]!.groups;
  }

  /** Every way from a place to one for that symbol, the nearest first. */
  ways(from: number, symbol: number): readonly Transition[] {
    const key = from * this.#symbols.size + symbol;
    return (this.#ways[key] ??= this.#findWays(from, symbol));
  }

  /** What is missing when the message ends after a place. */
  endCost(place: number): number {
    return this.#closing(this.#leaves[place]!, 0) * MISSING;
  }

  #lay(state: GroupState, groups: readonly GroupState[], indexes: readonly number[]): void {
    state.node.children.forEach((node, index) => {
      if (node.kind === 'group') {
        const inner = groupState(node);
        this.#lay(inner, [...groups, inner], [...indexes, index]);
        return;
      }
      if (!this.#symbols.has(node.name)) this.#symbols.set(node.name, this.#symbols.size);
      this.#leaves.push({ node, groups, indexes: [...indexes, index] });
    });
  }

  #findWays(from: number, symbol: number): Transition[] {
    const ways: Transition[] = [];
    for (let to = 0; to < this.start; to++) {
      const name = this.#leaves[to]!.node!.name;
      const wild = name === ANY && symbol !== this.#local;
      if (!wild && this.#symbols.get(name) !== symbol) continue;
      const way = this.#way(from, to, wild && symbol !== this.#any ? BY_WILDCARD : 0);
      if (way) ways.push(way);
    }
    return ways.sort((a, b) => a.cost - b.cost);
  }

  /** The cheapest way between two places: each group that surrounds both may be the one that stays open. */
  #way(from: number, to: number, extra: number): Transition | undefined {
    const here = this.#leaves[from]!;
    const there = this.#leaves[to]!;
    let best: Transition | undefined;
    for (let keep = 1; here.groups[keep - 1] !== undefined; keep++) {
      const group = here.groups[keep - 1]!;
      if (group !== there.groups[keep - 1]) break;
      const child = here.indexes[keep - 1]!;
      const next = there.indexes[keep - 1]!;
      if (child === next ? !group.node.children[child]!.repeats : next < child || (group.node.choice && child >= 0))
        continue;
      const skipped = child === next ? 0 : requiredBetween(group, child, next);
      const missing = this.#closing(here, keep) + skipped + opening(there, keep);
      const entered = child !== next && there.groups.length > keep && !there.node!.required;
      const near = here.groups.length - keep + (entered ? BY_OPTIONAL : 0) + extra;
      const cost = missing * MISSING + near;
      if (!best || cost <= best.cost) best = { to, keep, cost, clean: missing === 0 };
    }
    return best;
  }

  /** How many required parts are missing when the groups around a place, beyond the first `keep`, end after it. */
  #closing(leaf: Leaf, keep: number): number {
    let missing = 0;
    for (let depth = keep; depth < leaf.groups.length; depth++) {
      const group = leaf.groups[depth]!;
      missing += requiredBetween(group, leaf.indexes[depth]!, group.node.children.length);
    }
    return missing;
  }
}

/** How many required parts stand before a place in the groups that are new on the way to it. */
function opening(leaf: Leaf, keep: number): number {
  let missing = 0;
  for (let depth = keep; depth < leaf.groups.length; depth++) {
    missing += requiredBetween(leaf.groups[depth]!, -1, leaf.indexes[depth]!);
  }
  return missing;
}

/** How many required children stand strictly between two; of a choice none. */
function requiredBetween({ node, required }: GroupState, after: number, before: number): number {
  return node.choice ? 0 : required[before]! - required[after + 1]!;
}

function groupState(node: GroupNode): GroupState {
  const required = [0];
  for (const child of node.children) required.push(required.at(-1)! + (needsSomething(child) ? 1 : 0));
  return { node, required };
}

/** Whether a part cannot be empty: a required group may be, where all that is in it is optional. */
export function needsSomething(node: SegmentNode | GroupNode): boolean {
  if (!node.required || node.kind === 'segment') return node.required;
  return node.choice ? node.children.every(needsSomething) : node.children.some(needsSomething);
}
