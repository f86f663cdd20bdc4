import type { FilterTree, ValuesTree } from './filter-tree.ts';

/** What of a message is known beforehand: values of paths, each of which has one value only. */
export type Facts = ReadonlyMap<string, string>;

export type Truth = 'yes' | 'no' | 'depends';

const opposite: Record<Truth, Truth> = { yes: 'no', no: 'yes', depends: 'depends' };

/** Whether a filter lets a message through of which only the facts are known; `why` gets the conditions that decided, or that are open. */
export function truthOf(tree: FilterTree, facts: Facts, open: FilterTree[] = []): Truth {
  switch (tree.kind) {
    case 'all':
    case 'any': {
      const decisive = tree.kind === 'all' ? 'no' : 'yes';
      const inner: FilterTree[] = [];
      const truths = tree.parts.map((part) => truthOf(part, facts, inner));
      if (truths.includes(decisive)) return decisive;
      if (!truths.includes('depends')) return opposite[decisive];
      open.push(...inner);
      return 'depends';
    }
    case 'not': {
      const inner: FilterTree[] = [];
      const truth = opposite[truthOf(tree.part, facts, inner)];
      if (truth === 'depends') open.push(tree);
      return truth;
    }
    case 'path': {
      const fact = facts.get(tree.path);
      if (fact === undefined) {
        open.push(tree);
        return 'depends';
      }
      const truth = valuesTruth(tree.test, fact);
      if (truth === 'depends') open.push(tree);
      return truth;
    }
    default:
      return tree satisfies never;
  }
}

function valuesTruth(test: ValuesTree, value: string): Truth {
  switch (test.kind) {
    case 'is':
      return test.values.includes(value) ? 'yes' : 'no';
    case 'not':
      return opposite[valuesTruth(test.part, value)];
    case 'all':
    case 'any': {
      const decisive = test.kind === 'all' ? 'no' : 'yes';
      const truths = test.parts.map((part) => valuesTruth(part, value));
      if (truths.includes(decisive)) return decisive;
      return truths.includes('depends') ? 'depends' : opposite[decisive];
    }
    case 'exists':
      return (value !== '') === test.wanted ? 'yes' : 'no';
    case 'some':
      return value === '' ? 'no' : valuesTruth(test.part, value);
    case 'table':
    case 'other':
      return 'depends';
    default:
      return test satisfies never;
  }
}

/** Values of one path: these, or all but these. */
interface Values {
  readonly these: ReadonlySet<string>;
  readonly but: boolean;
}

const every: Values = { these: new Set(), but: true };
const none: Values = { these: new Set(), but: false };
const complement = ({ these, but }: Values): Values => ({ these, but: !but });

function both(a: Values, b: Values): Values {
  if (a.but && b.but) return { these: new Set([...a.these, ...b.these]), but: true };
  const [first, second] = a.but ? [b, a] : [a, b];
  return { these: new Set([...first.these].filter((each) => second.these.has(each) !== second.but)), but: false };
}

const eitherOf = (a: Values, b: Values): Values => complement(both(complement(a), complement(b)));

/** Paths of which every message has one value: those of MSH. */
function isSingle(path: string): boolean {
  return /^MSH-\d+(?:\.\d+){0,2}$/.test(path);
}

/**
 * The first path that could have no value at all for a message that passes all of these filters; undefined where one may pass. It
 * looks at fields of MSH only: others may be there several times.
 */
export function impossible(filters: readonly FilterTree[]): string | undefined {
  const paths = new Set(filters.flatMap(pathsOf).filter(isSingle));
  return [...paths].find((path) => {
    const left = filters.map((filter) => possible(filter, path)).reduce(both, every);
    return !left.but && left.these.size === 0;
  });
}

export function pathsOf(tree: FilterTree): readonly string[] {
  if (tree.kind === 'path') return [tree.path];
  return tree.kind === 'not' ? pathsOf(tree.part) : tree.parts.flatMap(pathsOf);
}

/** Every value of the path with which the filter may hold, and perhaps more. */
function possible(tree: FilterTree, path: string): Values {
  switch (tree.kind) {
    case 'all':
      return tree.parts.map((part) => possible(part, path)).reduce(both, every);
    case 'any':
      return tree.parts.map((part) => possible(part, path)).reduce(eitherOf, none);
    case 'not':
      return complement(certain(tree.part, path));
    case 'path':
      return tree.path === path ? (exactly(tree.test) ?? every) : every;
    default:
      return tree satisfies never;
  }
}

/** Values of the path with which the filter surely holds. */
function certain(tree: FilterTree, path: string): Values {
  switch (tree.kind) {
    case 'all':
      return tree.parts.map((part) => certain(part, path)).reduce(both, every);
    case 'any':
      return tree.parts.map((part) => certain(part, path)).reduce(eitherOf, none);
    case 'not':
      return complement(possible(tree.part, path));
    case 'path':
      return tree.path === path ? (exactly(tree.test) ?? none) : none;
    default:
      return tree satisfies never;
  }
}

function exactly(test: ValuesTree): Values | undefined {
  switch (test.kind) {
    case 'is':
      return { these: new Set(test.values), but: false };
    case 'exists':
      return { these: new Set(['']), but: test.wanted };
    case 'not': {
      const inner = exactly(test.part);
      return inner && complement(inner);
    }
    case 'all':
    case 'any': {
      const parts = test.parts.map(exactly);
      if (!parts.every((part) => part !== undefined)) return undefined;
      return test.kind === 'all' ? parts.reduce(both, every) : parts.reduce(eitherOf, none);
    }
    case 'some':
    case 'table':
    case 'other':
      return undefined;
    default:
      return test satisfies never;
  }
}
