import type { Comparison, Condition } from './condition.ts';
import type { Conversion } from './conversion.ts';
import type { View } from './leaves.ts';
import type { SegmentView } from './segment-view.ts';

/** Whether a rule holds for a segment, and the repetition at hand. */
export type Test = (segment: SegmentView, view: View | undefined, conversion: Conversion) => boolean;

/** A condition as a function, its places read once. */
export function testOf(condition: Condition): Test {
  const [kind] = condition;
  switch (kind) {
    case 'and': {
      const tests = condition[1].map(testOf);
      return (segment, view, conversion) => tests.every((test) => test(segment, view, conversion));
    }
    case 'or': {
      const tests = condition[1].map(testOf);
      return (segment, view, conversion) => tests.some((test) => test(segment, view, conversion));
    }
    case 'not': {
      const test = testOf(condition[1]);
      return (segment, view, conversion) => !test(segment, view, conversion);
    }
    case 'valued':
      return valued(condition[1]);
    case 'in': {
      const value = valueAt(condition[1]);
      const values = new Set(condition[2]);
      return (segment, view, conversion) => values.has(value(segment, view, conversion) ?? '');
    }
    case 'same': {
      const value = valueAt(condition[1]);
      const other = valueAt(condition[2]);
      return (segment, view, conversion) => value(segment, view, conversion) === other(segment, view, conversion);
    }
    case 'length': {
      const value = valueAt(condition[1]);
      const [, , comparison, n] = condition;
      return (segment, view, conversion) => compares(value(segment, view, conversion)?.length ?? 0, comparison, n);
    }
    case 'count': {
      const [, place, comparison, n] = condition;
      const { field } = placeOf(place);
      return (segment) => compares(segment.valued(field).length, comparison, n);
    }
    default:
      return kind satisfies never;
  }
}

interface Place {
  /** Empty: a component of the repetition at hand. */
  readonly segment: string;
  /** 0: the segment as such. */
  readonly field: number;
  readonly component: number;
}

function placeOf(text: string): Place {
  const [, segment = '', field = '0', component = '0'] = /^([A-Z0-9]{3})(?:-(\d+)(?:\.(\d+))?)?$/.exec(text) ?? [];
  if (segment !== '') return { segment, field: Number(field), component: Number(component) };
  const [, own = '0'] = /\.(\d+)/.exec(text) ?? [];
  return { segment: '', field: 0, component: Number(own) };
}

function valued(text: string): Test {
  const { segment: name, field, component } = placeOf(text);
  if (name === '') return (_, view) => view?.has(component) ?? false;
  return (segment, _, conversion) => {
    const found = conversion.near(name, segment);
    if (!found || field === 0) return found !== undefined;
    if (component === 0) return found.has(field);
    for (let view = found.fields[field]; view; view = view.next) if (view.has(component)) return true;
    return false;
  };
}

function valueAt(
  text: string,
): (segment: SegmentView, view: View | undefined, conversion: Conversion) => string | undefined {
  const { segment: name, field, component } = placeOf(text);
  if (name === '') return (_, view) => view?.peek(component);
  return (segment, view, conversion) => {
    const found = conversion.near(name, segment);
    // Of the field at hand the repetition at hand, of any other the first.
    if (found === segment && view && conversion.field === field) return view.peek(component || 1);
    return found?.peek(field, component || 1);
  };
}

function compares(value: number, comparison: Comparison, n: number): boolean {
  switch (comparison) {
    case '>':
      return value > n;
    case '<':
      return value < n;
    case '>=':
      return value >= n;
    case '<=':
      return value <= n;
    case '=':
      return value === n;
    default:
      return comparison satisfies never;
  }
}
