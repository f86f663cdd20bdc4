import { sha256 } from '../../core/config/code-loader.ts';
import type { FilterTables } from '../../core/config/filter.ts';
import type { ProblemCode } from '../../core/config/problem.ts';
import { type ReferenceSources, resolveReferences } from '../../core/config/references.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { dotted, isMapping, type Place, type YamlFile } from '../../core/config/yaml-file.ts';
import { HubError } from '../../core/errors.ts';
import type { CodeTable } from '../../core/tables/code-table.ts';
import type { TableSet } from '../../core/tables/table-set.ts';
import type { UnknownCodes } from '../../core/tables/unknown-codes.ts';
import type { Never, Twice } from '../../core/time/zone.ts';
import type { SourceModel, Spot, TargetModel } from './run.ts';

/** A function that a map names as `./names.ts#tidy`; the caller has loaded the file. Undefined: it exports none of that name. */
export type Scripts = (file: string, name: string) => ((...given: readonly never[]) => unknown) | undefined;

/** What the parts of one map are compiled with. */
export interface MapContext {
  readonly file: YamlFile;
  readonly source: SourceModel;
  readonly target: TargetModel;
  readonly tables: TableSet;
  /** What the map has named beside its own text, with hashes of the content: part of its version. */
  readonly uses: Map<string, string>;
  readonly unknown: UnknownCodes;
  readonly scripts: Scripts;
  readonly references: ReferenceSources | undefined;
  readonly twice: Twice;
  readonly never: Never;
  /** The id of the result's format. */
  readonly produces: string;
  /** What `let` has named so far, with its number. */
  readonly lets: Map<string, number>;
  /** How many loops have slots so far. */
  readonly slots: { count: number };
  /** Whether a script has replaced the result: places of the source are then no places of it any more. */
  readonly replaced: { value: boolean };
}

/** Runs something that objects by HubError; what it objects to becomes a problem at the place, or at its key. */
export function attempt<T>(
  { file }: Pick<MapContext, 'file'>,
  place: Place,
  code: ProblemCode,
  make: () => T,
  at: 'value' | 'key' = 'value',
): T | undefined {
  try {
    return make();
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    const message = `${dotted(place)}: ${thrown.message}`;
    if (at === 'key') file.keyProblem(place, code, message);
    else file.problem(place, code, message);
    return undefined;
  }
}

/** Notes every key that is not among the known ones, with the one that was probably meant; what is left can be read by its schema. */
export function withKnownKeys(file: YamlFile, place: Place, value: unknown, known: Iterable<string>): unknown {
  if (!isMapping(value)) return value;
  const names = new Set(known);
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => {
      if (names.has(key)) return true;
      file.keyProblem(
        [...place, key],
        'key-unknown',
        `${dotted([...place, key])}: no such key${didYouMean(key, names)}`,
      );
      return false;
    }),
  );
}

/** @param place of the key that says what is done */
export function spotOf(file: YamlFile, place: Place, doing: string): Spot {
  return { ...file.position(place, 'key'), doing };
}

/** A text with its reference to the environment replaced; what leads nowhere becomes a problem. */
export function withReferences({ file, references, uses }: MapContext, place: Place, reference: string): string {
  const sources = references ?? { environment: {}, readFile: () => undefined };
  const text = resolveReferences(file, place, reference, sources) as string;
  uses.set(`reference ${reference}`, sha256(text));
  return text;
}

/** A scalar as it is written in the file: `007` stays one. */
export function writtenAt(file: YamlFile, place: Place, value: unknown): string {
  return typeof value === 'string' ? value : (file.textAt(place) ?? String(value));
}

/** The tables that a condition may ask for. */
export function filterTables({ tables, uses }: MapContext): FilterTables {
  return { tables, note: (what, hash) => void uses.set(what, hash) };
}

/** Throws HubError `config-invalid` for a table that is not there. */
export function tableNamed({ tables, uses }: MapContext, name: string): CodeTable {
  const table = tables.get(name);
  if (!table)
    throw new HubError('config-invalid', 'permanent', `there is no table ${name}${didYouMean(name, tables.keys())}`);
  uses.set(`table ${name}`, table.hash);
  return table;
}
