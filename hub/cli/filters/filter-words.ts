import type { FilterTree, ValuesTree } from './filter-tree.ts';

/** A filter as part of a sentence: `MSH-9.2 is A01, A02 or A03 and PV1-2 is not P`. */
export function filterWords(tree: FilterTree, named: (path: string) => string = (path) => path): string {
  return words(tree, named, false);
}

function words(tree: FilterTree, named: (path: string) => string, inner: boolean): string {
  switch (tree.kind) {
    case 'all':
    case 'any': {
      const parts = tree.parts.map((part) => words(part, named, tree.parts.length > 1));
      const joined = parts.join(tree.kind === 'all' ? ' and ' : ' or ');
      return inner && parts.length > 1 ? `(${joined})` : joined;
    }
    case 'not':
      return `not (${words(tree.part, named, false)})`;
    case 'path':
      return `${named(tree.path)} ${valuesWords(tree.test, false)}`;
    default:
      return tree satisfies never;
  }
}

function valuesWords(test: ValuesTree, negated: boolean): string {
  switch (test.kind) {
    case 'is':
      return `is ${negated ? 'not ' : ''}${either(test.values)}`;
    case 'not':
      return ['is', 'exists', 'some', 'table'].includes(test.part.kind)
        ? valuesWords(test.part, !negated)
        : `${negated ? '' : 'not '}(${valuesWords(test.part, false)})`;
    case 'all':
    case 'any': {
      const joined = test.parts.map((part) => valuesWords(part, false)).join(test.kind === 'all' ? ' and ' : ' or ');
      return negated ? `not (${joined})` : joined;
    }
    case 'exists':
      return test.wanted === negated ? 'is absent' : 'is there';
    case 'some':
      return `has ${negated ? 'no' : 'a'} value that ${valuesWords(test.part, false)}`;
    case 'table':
      return `is ${negated ? 'not ' : ''}in the table ${test.name}`;
    case 'other':
      return `${negated ? 'not ' : ''}${test.word} ${typeof test.value === 'string' ? test.value : JSON.stringify(test.value)}`;
    default:
      return test satisfies never;
  }
}

/** `A01, A02 or A03` */
export function either(values: readonly string[], word = 'or'): string {
  const shown = values.map((value) => (value === '' || /\s/.test(value) ? JSON.stringify(value) : value));
  return shown.length < 2 ? (shown[0] ?? 'nothing') : `${shown.slice(0, -1).join(', ')} ${word} ${shown.at(-1)}`;
}
