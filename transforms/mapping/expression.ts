import { compileFilter } from '../../core/config/filter.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { dotted, isMapping, onlyEntry, type Place } from '../../core/config/yaml-file.ts';
import { attempt, filterTables, type MapContext, tableNamed, withKnownKeys, writtenAt } from './context.ts';
import { type Apply, invalid } from './function.ts';
import { functions } from './functions.ts';
import { choiceSchema, expressionSchema } from './map-schema.ts';
import type { Read, Run, Scopes } from './run.ts';
import { scriptNamed } from './script.ts';
import { languageAt, sourcePath } from './source-path.ts';
import { compileTemplate } from './template.ts';
import { asText, type Value } from './value.ts';

type Constant = string | number | boolean | null;

/** A value of a map, compiled. */
export interface Expression {
  readonly read: Read;
  /** Set where it is the same for every message. */
  readonly constant?: Constant;
  readonly whenEmpty: 'clear' | 'keep' | 'error';
}

const nothing: Expression = { read: () => undefined, whenEmpty: 'clear' };
const sources = ['from', 'value', 'join', 'choose'] as const;

/**
 * Compiles a value: a text (with paths in it), null, or a mapping with `from`, `value`, `join` or `choose`. What is wrong is noted in
 * the file; the result is then of no use.
 * @param depth how deep the place goes that it is for (`TargetPath.depth`): a value of HL7 that goes as deep or deeper is taken as it
 * stands, with its components and escapes; 0 takes it as text
 */
export function compileExpression(
  context: MapContext,
  place: Place,
  value: unknown,
  scopes: Scopes,
  depth: number,
): Expression {
  if (!isMapping(value)) {
    const scalar = compileScalar(context, place, value, scopes);
    return typeof scalar === 'function'
      ? { ...nothing, read: scalar }
      : { ...nothing, read: () => scalar, constant: scalar };
  }
  const { file } = context;
  const keys = withKnownKeys(file, place, value, Object.keys(expressionSchema.shape)) as Record<string, unknown>;
  const given = sources.filter((key) => Object.hasOwn(keys, key));
  if (given.length !== 1) {
    file.problem(place, 'key-missing', `${dotted(place)}: one of from, value, join and choose is needed`);
    return nothing;
  }
  const read = file.read(expressionSchema, place, keys);
  if (!read) return nothing;
  const applied = compileFunctions(context, place, keys);
  const changed = applied.length > 0 && !(applied.length === 1 && Object.hasOwn(keys, 'default'));
  const first = compileSource(context, place, keys, scopes, changed ? 0 : depth);
  return { read: chained(first, applied), whenEmpty: read.whenEmpty };
}

function chained(first: Read, applied: readonly Apply[]): Read {
  const [only, ...more] = applied;
  if (!only) return first;
  if (more.length === 0) return (run) => only(first(run), run);
  return (run) => {
    let value = first(run);
    for (let at = 0; at < applied.length; at++) value = applied[at]!(value, run);
    return value;
  };
}

function compileScalar(context: MapContext, place: Place, value: unknown, scopes: Scopes): Read | Constant {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) {
    const what = 'a value, or a mapping with from, value, join or choose is needed';
    context.file.problem(place, 'value-invalid', `${dotted(place)}: ${what}`);
    return null;
  }
  if (typeof value === 'string')
    return attempt(context, place, 'path-invalid', () => compileTemplate(context, place, value, scopes)) ?? null;
  // JSON has numbers and booleans; elsewhere they are what the file says.
  return context.target.kind === 'json' ? (value as number | boolean) : writtenAt(context.file, place, value);
}

function compileSource(
  context: MapContext,
  place: Place,
  keys: Readonly<Record<string, unknown>>,
  scopes: Scopes,
  depth: number,
): Read {
  if (Object.hasOwn(keys, 'from')) return compileFrom(context, [...place, 'from'], keys.from, scopes, depth);
  if (Object.hasOwn(keys, 'value')) {
    const scalar = compileScalar(context, [...place, 'value'], keys.value, scopes);
    return typeof scalar === 'function' ? scalar : () => scalar;
  }
  if (Array.isArray(keys.join)) {
    const parts = keys.join.map(
      (each, index) => compileExpression(context, [...place, 'join', index], each, scopes, 0).read,
    );
    return joined(parts, keys.with === undefined ? '' : writtenAt(context.file, [...place, 'with'], keys.with));
  }
  return compileChoices(context, [...place, 'choose'], keys.choose as readonly unknown[], scopes, depth);
}

function compileChoices(
  context: MapContext,
  place: Place,
  given: readonly unknown[],
  scopes: Scopes,
  depth: number,
): Read {
  const { file } = context;
  const choices = given.flatMap((each, index) => {
    const at = [...place, index];
    const keys = withKnownKeys(file, at, each, Object.keys(choiceSchema.shape));
    const read = file.read(choiceSchema, at, keys);
    if (!read) return [];
    const test =
      read.when === undefined
        ? undefined
        : compileFilter(file, [...at, 'when'], read.when, languageAt(context, scopes), filterTables(context));
    return [{ test, read: compileExpression(context, [...at, 'use'], read.use, scopes, depth).read }];
  });
  return (run) => {
    for (const { test, read } of choices) if (!test || test(run, run.message)) return read(run);
    return undefined;
  };
}

function compileFrom(context: MapContext, place: Place, from: unknown, scopes: Scopes, depth: number): Read {
  const list = Array.isArray(from);
  const reads = (list ? from : [from]).map((text: string, index) =>
    attempt(context, list ? [...place, index] : place, 'path-invalid', () => {
      const path = sourcePath(context, text, scopes);
      if (path.depth === 0 && context.source.kind === 'hl7v2' && !text.startsWith('$'))
        throw invalid('a value stands in a field, and the path names none');
      return depth > 0 && path.raw && path.depth >= depth ? path.raw : path.first;
    }),
  );
  const [first = nothing.read, ...others] = reads.filter((read) => read !== undefined);
  if (others.length === 0) return first;
  return (run) => {
    for (const read of reads) {
      const value = read!(run);
      if (value !== undefined && value !== '') return value;
    }
    return undefined;
  };
}

function joined(parts: readonly Read[], between: string): Read {
  return (run: Run): Value => {
    let made: string | null | undefined;
    for (const part of parts) {
      const text = asText(part(run));
      if (text === null) made ??= null;
      else if (text !== undefined) made = made === undefined || made === null ? text : made + between + text;
    }
    return made;
  };
}

/** `do`, then what has keys of its own: table, date, default. */
function compileFunctions(
  context: MapContext,
  place: Place,
  keys: Readonly<Record<string, unknown>>,
): readonly Apply[] {
  const applied: (Apply | undefined)[] = [];
  if (Array.isArray(keys.do)) {
    for (const [index, each] of keys.do.entries()) {
      const at = [...place, 'do', index];
      const entry = typeof each === 'string' ? ([each, true] as const) : onlyEntry(each);
      if (!entry) context.file.problem(at, 'value-invalid', `${dotted(at)}: one function is needed`);
      else
        applied.push(
          compileFunction(
            context,
            typeof each === 'string' ? at : [...at, entry[0]],
            entry[0],
            entry[1],
            typeof each === 'string',
          ),
        );
    }
  }
  if (keys.unknown !== undefined && typeof keys.table !== 'string')
    context.file.keyProblem(
      [...place, 'unknown'],
      'key-unknown',
      `${dotted([...place, 'unknown'])}: it stands beside the name of a table`,
    );
  for (const name of ['table', 'date', 'default'] as const) {
    if (keys[name] === undefined) continue;
    const beside = name === 'table' && typeof keys.table === 'string' && keys.unknown !== undefined;
    const given = beside ? { table: keys.table, unknown: keys.unknown } : keys[name];
    applied.push(compileFunction(context, [...place, name], name, given, false, beside ? place : undefined));
  }
  return applied.filter((apply) => apply !== undefined);
}

/** @param around where the arguments stand when they are keys beside others */
function compileFunction(
  context: MapContext,
  place: Place,
  name: string,
  given: unknown,
  bare: boolean,
  around: Place = place,
): Apply | undefined {
  const { file, source, target } = context;
  const definition = functions.get(name);
  if (!definition) {
    const message = `${dotted(place)}: there is no function ${name}${didYouMean(name, functions.keys())}`;
    if (bare) file.problem(place, 'key-unknown', message);
    else file.keyProblem(place, 'key-unknown', message);
    return undefined;
  }
  if (bare && !definition.bare) {
    file.problem(place, 'value-invalid', `${dotted(place)}: ${name} needs arguments: { ${name}: … }`);
    return undefined;
  }
  const read = file.read(definition.arguments, around, given);
  if (read === undefined) return undefined;
  return attempt(context, place, 'value-invalid', () =>
    definition.compile(read, {
      table: (wanted) => tableNamed(context, wanted),
      unknown: context.unknown,
      twice: context.twice,
      never: context.never,
      dates: { from: source.kind === 'hl7v2' ? 'hl7' : 'iso', to: target.kind === 'hl7v2' ? 'hl7' : 'iso' },
      written: (...keys) => file.textAt([...around, ...keys]) ?? file.textAt([...around, ...keys.map(asIndex)]),
      script: (reference) => scriptNamed(reference, context.scripts),
    }),
  );
}

/** A number in the file where the key is one: a place in a list, or a code that is not quoted. */
function asIndex(key: string): string | number {
  return /^\d{1,9}$/.test(key) ? Number(key) : key;
}
