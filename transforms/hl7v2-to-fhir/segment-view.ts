import type { Leaf, View } from './leaves.ts';

/** A resource while it is made: what it holds is typed where it is converted, and judged when it is complete. */
export interface Draft {
  readonly resourceType: string;
  [element: string]: unknown;
}

const none: readonly never[] = [];

/** One occurrence of a group of the message's structure. */
export class GroupView {
  readonly name: string;
  readonly parent: GroupView | undefined;
  /** The segments directly in it. */
  segments: readonly SegmentView[] = none;
  groups: readonly GroupView[] = none;
  #every: readonly SegmentView[] | undefined;

  constructor(name: string, parent: GroupView | undefined) {
    this.name = name;
    this.parent = parent;
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
  /** The first repetition of each field, the field's number the index; undefined where a field is empty. */
  readonly fields: readonly (View | undefined)[];
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
    let view = this.fields[field];
    while (view && !view.valued) view = view.next;
    return view;
  }

  /** Whether field `n` holds anything but `""`. */
  has(field: number): boolean {
    return this.first(field) !== undefined;
  }

  /** Those of a field's repetitions that hold anything but `""`. */
  valued(field: number): View[] {
    const views: View[] = [];
    for (let view = this.fields[field]; view; view = view.next) if (view.valued) views.push(view);
    return views;
  }

  /** The text of a component of the first repetition, without marking it. */
  peek(field: number, component = 1): string | undefined {
    return this.fields[field]?.peek(component);
  }

  *leaves(): Generator<
    readonly [field: number, repetition: number, component: number, subcomponent: number, leaf: Leaf]
  > {
    for (let field = 1; field < this.fields.length; field++) {
      let repetition = 1;
      for (let view = this.fields[field]; view; view = view.next, repetition++)
        for (const [component, subcomponent, leaf] of view.leaves())
          yield [field, repetition, component, subcomponent, leaf];
    }
  }
}
