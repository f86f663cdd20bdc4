import type { Leaf, View } from './leaves.ts';

/** A resource while it is made: what it holds is typed where it is converted, and judged when it is complete. */
export interface Draft {
  readonly resourceType: string;
  [element: string]: unknown;
}

/** One occurrence of a group of the message's structure. */
export class GroupView {
  readonly name: string;
  readonly parent: GroupView | undefined;
  /** The segments directly in it. */
  readonly segments: SegmentView[] = [];
  readonly groups: GroupView[] = [];
  #every: readonly SegmentView[] | undefined;

  constructor(name: string, parent: GroupView | undefined) {
    this.name = name;
    this.parent = parent;
    parent?.groups.push(this);
  }

  /** The segments in it and in the groups in it. Ask when all are there. */
  every(): readonly SegmentView[] {
    this.#every ??= [...this.segments, ...this.groups.flatMap((group) => group.every())].sort(
      (a, b) => a.index - b.index,
    );
    return this.#every;
  }
}

/** One segment of the message. */
export class SegmentView {
  readonly name: string;
  /** Its number in the message, from 0. */
  readonly index: number;
  /** Which one of its name it is, from 1. */
  readonly occurrence: number;
  readonly fields: readonly (readonly View[] | undefined)[];
  /** The resource that keeps what no rule places. */
  home: Draft | undefined = undefined;
  group: GroupView | undefined = undefined;

  constructor(name: string, index: number, occurrence: number, fields: SegmentView['fields']) {
    this.name = name;
    this.index = index;
    this.occurrence = occurrence;
    this.fields = fields;
  }

  /** The first repetition of a field that holds anything but `""`. */
  first(field: number): View | undefined {
    const views = this.fields[field];
    if (views) for (const view of views) if (view.valued) return view;
    return undefined;
  }

  /** Whether field `n` holds anything but `""`. */
  has(field: number): boolean {
    return this.first(field) !== undefined;
  }

  /** The text of a component of the first repetition, without marking it. */
  peek(field: number, component = 1): string | undefined {
    return this.fields[field]?.[0]?.peek(component);
  }

  *leaves(): Generator<
    readonly [field: number, repetition: number, component: number, subcomponent: number, leaf: Leaf]
  > {
    for (let field = 1; field < this.fields.length; field++) {
      const views = this.fields[field];
      for (let at = 0; views && at < views.length; at++) {
        for (const [component, subcomponent, leaf] of views[at]!.leaves())
          yield [field, at + 1, component, subcomponent, leaf];
      }
    }
  }
}
