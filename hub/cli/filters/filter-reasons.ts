import type { Erased } from '../../../core/channel.ts';
import type { FormatLanguage } from '../../../core/config/format-language.ts';
import type { TableSet } from '../../../core/tables/table-set.ts';
import type { FilterTree, ValuesTree } from './filter-tree.ts';
import { filterWords } from './filter-words.ts';

/** How a filter decided on one message, and which conditions that was because of. */
export interface Decision {
  readonly passes: boolean;
  /** `MSH-9.2 is A01, A02 or A03: it is A05` */
  readonly because: readonly string[];
}

/** @param at when the message was received: codes are in a table, or not, at that time */
export function decide(
  tree: FilterTree,
  payload: Erased,
  language: FormatLanguage<Erased>,
  tables: TableSet,
  at: number,
): Decision {
  switch (tree.kind) {
    case 'all':
    case 'any': {
      const parts = tree.parts.map((part) => decide(part, payload, language, tables, at));
      const passes = tree.kind === 'all' ? parts.every((part) => part.passes) : parts.some((part) => part.passes);
      const decisive = parts.filter((part) => part.passes === passes);
      return { passes, because: decisive.flatMap(({ because }) => because) };
    }
    case 'not': {
      const { passes, because } = decide(tree.part, payload, language, tables, at);
      return { passes: !passes, because };
    }
    case 'path': {
      const path = language.path(tree.path);
      const values = path.values(payload);
      const passes = holds(tree.test, { values, exists: () => path.exists(payload), tables, at });
      const found =
        values.length === 0 ? 'it is empty' : `it is ${values.map((each) => JSON.stringify(each)).join(', ')}`;
      return { passes, because: [`${filterWords(tree)}: ${passes ? 'yes' : 'no'}, ${found}`] };
    }
    default:
      return tree satisfies never;
  }
}

interface Found {
  readonly values: readonly string[];
  readonly exists: () => boolean;
  readonly tables: TableSet;
  readonly at: number;
}

function holds(test: ValuesTree, found: Found): boolean {
  const { values, exists, tables, at } = found;
  switch (test.kind) {
    case 'is':
      return values.some((each) => test.values.includes(each));
    case 'not':
      return !holds(test.part, found);
    case 'some':
      return values.some((each) => holds(test.part, { ...found, values: [each], exists: () => true }));
    case 'table': {
      const lookup = tables.get(test.name)?.lookup();
      return lookup !== undefined && values.some((each) => lookup(each, at) !== undefined);
    }
    case 'all':
      return test.parts.every((part) => holds(part, found));
    case 'any':
      return test.parts.some((part) => holds(part, found));
    case 'exists':
      return exists() === test.wanted;
    case 'other':
      return true;
    default:
      return test satisfies never;
  }
}
