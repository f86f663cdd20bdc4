import type { Hl7Message } from '../message.ts';
import type { Segment } from '../segment.ts';
import { type Automaton, type GroupState, MISPLACED, type Transition } from './automaton.ts';
import { Group, type Grouped, isSegmentName, type Misplaced, type MisplacedReason } from './grouped.ts';
import type { Structure } from './structure.ts';

/** So many readings of what came so far are kept at once; one that is worse than the best by two misplaced segments goes. */
const MOST_READINGS = 8;
const HOPELESS = 2 * MISPLACED;
const STAYS = -1;

/**
 * Groups the segments of a message as its structure has them. A message that follows its structure is grouped so that every
 * segment has its place, also where that shows only later; any other one with the fewest segments misplaced and required
 * parts missing. A misplaced segment is put into the innermost open group that has such a segment, else where it stands,
 * and so are segments that the structure does not have. Never throws and leaves no segment out.
 * @param segments those of the message, where they have been asked for
 */
export function group(
  message: Hl7Message,
  structure: Structure,
  segments: readonly Segment[] = message.segments(),
): Grouped {
  const { automaton } = structure;
  const readings = new Readings(automaton);
  const symbols: number[] = [];
  for (let index = 0; index < segments.length; index++) {
    const symbol = automaton.symbol(segments[index]!.name);
    symbols.push(symbol);
    if (symbol >= 0) readings.advance(symbol);
  }
  return build(structure, segments, symbols, readings);
}

/**
 * The cheapest ways to read the segments so far, at most one for each place that the last of them may be at (Viterbi's
 * algorithm over the automaton). Flat arrays hold all of them; `#front` is where those of the last segment begin.
 */
class Readings {
  readonly #automaton: Automaton;
  readonly #places: number[];
  readonly #costs: number[] = [0];
  readonly #keeps: number[] = [STAYS];
  readonly #before: number[] = [-1];
  #front = 0;

  constructor(automaton: Automaton) {
    this.#automaton = automaton;
    this.#places = [automaton.start];
  }

  advance(symbol: number): void {
    const first = this.#front;
    const end = this.#places.length;
    let least = this.#costs[first]!;
    for (let at = first + 1; at < end; at++) if (this.#costs[at]! < least) least = this.#costs[at]!;
    this.#front = end;
    for (let at = first; at < end; at++) {
      if (this.#costs[at]! <= least + HOPELESS) this.#follow(at, this.#automaton.ways(this.#places[at]!, symbol));
    }
  }

  /** The numbers of the steps of the cheapest reading, from the last segment that has a place to the first. */
  cheapest(): number[] {
    let best = this.#front;
    for (let at = best + 1; at < this.#places.length; at++) if (this.#total(at) < this.#total(best)) best = at;
    const steps: number[] = [];
    for (let at = best; at > 0; at = this.#before[at]!) steps.push(at);
    return steps;
  }

  place(step: number): number {
    return this.#places[step]!;
  }

  /** How many groups stay open before a step; STAYS where the segment has no place and is put beside what was before. */
  keep(step: number): number {
    return this.#keeps[step]!;
  }

  #total(at: number): number {
    return this.#costs[at]! + this.#automaton.endCost(this.#places[at]!);
  }

  /** Where some way passes nothing over, only such ways: the segment has a place, and what is missing shows later. */
  #follow(at: number, ways: readonly Transition[]): void {
    const cost = this.#costs[at]!;
    const onlyClean = ways.length > 0 && ways[0]!.clean;
    for (const way of ways) {
      if (onlyClean && !way.clean) break;
      this.#add(way.to, cost + way.cost, way.keep, at);
    }
    if (!onlyClean) this.#add(this.#places[at]!, cost + MISPLACED, STAYS, at);
  }

  #add(place: number, cost: number, keep: number, before: number): void {
    let at = this.#front;
    let worst = at;
    for (; at < this.#places.length && this.#places[at] !== place; at++) {
      if (this.#costs[at]! > this.#costs[worst]!) worst = at;
    }
    if (at - this.#front === MOST_READINGS) at = worst;
    if (at < this.#places.length && this.#costs[at]! <= cost) return;
    this.#places[at] = place;
    this.#costs[at] = cost;
    this.#keeps[at] = keep;
    this.#before[at] = before;
  }
}

type Found = Omit<Misplaced, 'occurrence'>;

interface Open {
  readonly state: GroupState;
  readonly children: (Segment | Group)[];
}

function build(
  structure: Structure,
  segments: readonly Segment[],
  symbols: readonly number[],
  readings: Readings,
): Grouped {
  const steps = readings.cheapest();
  const { automaton } = structure;
  const misplaced: Found[] = [];
  const children: (Segment | Group)[] = [];
  const open: Open[] = [{ state: automaton.groups(automaton.start)[0]!, children }];
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index]!;
    const step = symbols[index]! < 0 ? -1 : steps.pop()!;
    const keep = step < 0 ? STAYS : readings.keep(step);
    if (keep !== STAYS) {
      enter(open, automaton.groups(readings.place(step)), keep, segment);
      continue;
    }
    const { name } = segment;
    const home = step < 0 ? open.at(-1)! : homeOf(open, name);
    if (!name.startsWith('Z') || !isSegmentName(name)) {
      misplaced.push({ index, name, reason: reasonFor(structure, home, name), group: home.state.node.name });
    }
    home.children.push(segment);
  }
  return { structure, root: new Group(structure.root, children), misplaced: counted(misplaced, segments) };
}

/** Leaves all but the first `keep` open groups, begins those of the place that are beyond them, and puts the segment there. */
function enter(open: Open[], groups: readonly GroupState[], keep: number, segment: Segment): void {
  while (open.length > keep) open.pop();
  const last = groups.length - 1;
  if (keep > last) open[last]!.children.push(segment);
  for (let depth = keep; depth <= last; depth++) {
    const state = groups[depth]!;
    // Most groups hold one segment: a list that grows from nothing takes the room of many.
    const children: (Segment | Group)[] = depth === last ? [segment] : [];
    open[depth - 1]!.children.push(new Group(state.node, children));
    open.push({ state, children });
  }
}

/** The innermost open group that has a segment of that name, else the innermost. */
function homeOf(open: readonly Open[], name: string): Open {
  return (
    open.findLast(({ state }) => state.node.children.some((node) => node.kind === 'segment' && node.name === name)) ??
    open.at(-1)!
  );
}

/** Told only for a message that has any misplaced: how many segments of its name there are up to each. */
function counted(misplaced: readonly Found[], segments: readonly Segment[]): Misplaced[] {
  if (misplaced.length === 0) return [];
  const counts = new Map<string, number>();
  const occurrences = segments.map(({ name }) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count;
  });
  return misplaced.map(({ index, name, reason, group }) =>
    isSegmentName(name)
      ? { index, name, occurrence: occurrences[index]!, reason, group }
      : { index, name: '', occurrence: 1, reason, group },
  );
}

function reasonFor(structure: Structure, { children }: Open, name: string): MisplacedReason {
  if (!structure.segmentNames.has(name)) return 'not-in-structure';
  const there = children.some((child) => !(child instanceof Group) && child.name === name);
  return there ? 'repeated' : 'out-of-order';
}
