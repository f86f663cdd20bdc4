import type { Segment } from '../segment.ts';
import type { GroupNode } from './definition.ts';
import type { Structure } from './structure.ts';

/** Why a segment stands where its structure has no place for it. */
export type MisplacedReason =
  /** The structure has no such segment; the site's own ones (Z) are never reported. */
  | 'not-in-structure'
  /** Its place has been filled already and does not repeat. */
  | 'repeated'
  /** Its place is elsewhere. */
  | 'out-of-order';

export interface Misplaced {
  /** The segment's number in the message, from 0. */
  readonly index: number;
  /** Empty for a line that is no segment: what stands there is not told. */
  readonly name: string;
  /** Which of the segments of that name it is, from 1. */
  readonly occurrence: number;
  readonly reason: MisplacedReason;
  /** The name of the group that it was put into. */
  readonly group: string;
}

/** Whether a text can be a segment's name, as paths have it: a capital, and two capitals or digits. */
export function isSegmentName(text: string): boolean {
  return /^[A-Z][A-Z0-9]{2}$/.test(text);
}

/** A message as its structure has it. */
export interface Grouped {
  readonly structure: Structure;
  /**
   * Every segment of the message is in it once, in the order of the message; only what follows a segment misplaced into an
   * outer group may stand before it, in the inner one that goes on.
   */
  readonly root: Group;
  readonly misplaced: readonly Misplaced[];
}

/** One occurrence of a group: its segments and inner groups in the order of the message. */
export class Group {
  readonly node: GroupNode;
  readonly children: readonly (Segment | Group)[];

  constructor(node: GroupNode, children: readonly (Segment | Group)[]) {
    this.node = node;
    this.children = children;
  }

  /** `PATIENT_RESULT`; of the outermost the structure's name. */
  get name(): string {
    return this.node.name;
  }

  /** The groups directly in this one, all or those of a name. */
  groups(name?: string): Group[] {
    return this.children.filter(
      (child) => child instanceof Group && (name === undefined || child.name === name),
    ) as Group[];
  }

  /** The segments directly in this group, all or those of a name. */
  segments(name?: string): Segment[] {
    return this.children.filter(
      (child) => !(child instanceof Group) && (name === undefined || child.name === name),
    ) as Segment[];
  }

  /** The first segment of a name directly in this group. */
  segment(name: string): Segment | undefined {
    return this.children.find((child) => !(child instanceof Group) && child.name === name) as Segment | undefined;
  }

  /** All segments in this group and the groups in it. */
  *everySegment(): Generator<Segment> {
    for (const child of this.children) {
      if (child instanceof Group) yield* child.everySegment();
      else yield child;
    }
  }

  /** All groups of a name in this group, at any depth. */
  *everyGroup(name: string): Generator<Group> {
    for (const child of this.children) {
      if (!(child instanceof Group)) continue;
      if (child.name === name) yield child;
      yield* child.everyGroup(name);
    }
  }
}
