import { isMapping, type Place, type YamlFile } from '../../../core/config/yaml-file.ts';

/** A filter of a YAML channel, read only to be told: `compileFilter` has checked it. */
export type FilterTree =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly FilterTree[] }
  | { readonly kind: 'not'; readonly part: FilterTree }
  | { readonly kind: 'path'; readonly path: string; readonly test: ValuesTree };

/** What the values at a path have to be. */
export type ValuesTree =
  | { readonly kind: 'is'; readonly values: readonly string[] }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly ValuesTree[] }
  | { readonly kind: 'not' | 'some'; readonly part: ValuesTree }
  | { readonly kind: 'exists'; readonly wanted: boolean }
  | { readonly kind: 'table'; readonly name: string }
  /** A word that is told as it is written. */
  | { readonly kind: 'other'; readonly word: string; readonly value: unknown };

/** The filter at a place of a channel file; undefined where there is none. */
export function readFilter(file: YamlFile, place: Place, value: unknown): FilterTree | undefined {
  if (!isMapping(value)) return undefined;
  const parts = Object.entries(value).flatMap(([key, part]): readonly FilterTree[] => {
    const at = [...place, key];
    if (key === 'not') {
      const inner = readFilter(file, at, part);
      return inner ? [{ kind: 'not', part: inner }] : [];
    }
    if (key === 'any' || key === 'all') {
      const list = Array.isArray(part) ? part : [];
      return [{ kind: key, parts: list.flatMap((each, index) => readFilter(file, [...at, index], each) ?? []) }];
    }
    return [{ kind: 'path', path: key, test: valuesTree(file, at, part) }];
  });
  return parts.length === 1 ? parts[0] : { kind: 'all', parts };
}

function valuesTree(file: YamlFile, place: Place, value: unknown): ValuesTree {
  if (Array.isArray(value))
    return { kind: 'is', values: value.map((each, index) => text(file, [...place, index], each)) };
  if (!isMapping(value)) return { kind: 'is', values: [text(file, place, value)] };
  const parts = Object.entries(value).map(([word, part]) => wordTree(file, [...place, word], word, part));
  return parts.length === 1 ? parts[0]! : { kind: 'all', parts };
}

function wordTree(file: YamlFile, place: Place, word: string, part: unknown): ValuesTree {
  switch (word) {
    case 'not':
    case 'some':
      return { kind: word, part: valuesTree(file, place, part) };
    case 'table':
      return { kind: 'table', name: String(part) };
    case 'any':
    case 'all': {
      const list = Array.isArray(part) ? part : [];
      return { kind: word, parts: list.map((each, index) => valuesTree(file, [...place, index], each)) };
    }
    case 'exists':
      return { kind: 'exists', wanted: part === true };
    default:
      return { kind: 'other', word, value: part };
  }
}

/** YAML reads `007` as a number, a filter means it as it is written. */
function text(file: YamlFile, place: Place, value: unknown): string {
  return typeof value === 'string' ? value : (file.textAt(place) ?? String(value));
}
