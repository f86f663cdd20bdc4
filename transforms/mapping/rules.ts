import { compileFilter } from '../../core/config/filter.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { dotted, isMapping, type Place } from '../../core/config/yaml-file.ts';
import { attempt, filterTables, type MapContext, spotOf, withKnownKeys } from './context.ts';
import { compileExpression, type Expression } from './expression.ts';
import { invalid } from './function.ts';
import { ruleSchemas, type Verb } from './map-schema.ts';
import type { Act, Run, Scopes, Spot, TargetPath } from './run.ts';
import { scriptNamed } from './script.ts';
import { languageAt } from './source-path.ts';
import { faultyValue } from './value.ts';

/** A function that a `script` rule names: the result so far in, the new one out. It is pure, and not asynchronous. */
export type ResultScript<R, S = unknown> = (
  result: R,
  context: { readonly source: S; readonly receivedAt: number },
) => R;

/** In the order in which they are looked for: `rules` is also a key of `each`, and `copy` has a `to`. */
const verbs = [
  'set',
  'copy',
  'delete',
  'insert',
  'each',
  'let',
  'script',
  'fail',
  'rules',
] as const satisfies readonly Verb[];

type Given = Readonly<Record<string, unknown>>;

/** Compiles a list of rules. What is wrong is noted in the file; the result is then of no use. */
export function compileRules(context: MapContext, place: Place, value: unknown, scopes: Scopes): readonly Act[] {
  if (!Array.isArray(value)) {
    context.file.problem(place, 'value-invalid', `${dotted(place)}: a list of rules is needed`);
    return [];
  }
  return value.flatMap((each, index) => compileRule(context, [...place, index], each, scopes));
}

export function runAll(acts: readonly Act[], run: Run): void {
  for (let at = 0; at < acts.length; at++) acts[at]!(run);
}

function compileRule(context: MapContext, place: Place, value: unknown, scopes: Scopes): readonly Act[] {
  const { file } = context;
  const verb = isMapping(value) ? verbs.find((each) => Object.hasOwn(value, each)) : undefined;
  if (!verb || !isMapping(value)) {
    const [wrong] = isMapping(value) ? Object.keys(value).filter((key) => key !== 'when') : [];
    const hint = wrong === undefined ? '' : didYouMean(wrong, verbs);
    file.problem(place, 'key-missing', `${dotted(place)}: one of ${verbs.join(', ')} is needed${hint}`);
    return [];
  }
  const schema = ruleSchemas[verb];
  const keys = withKnownKeys(file, place, value, Object.keys(schema.shape)) as Given;
  if (!file.read(schema, place, keys)) return [];
  const acts = compileVerb(context, place, verb, keys, scopes);
  if (keys.when === undefined || verb === 'each') return acts;
  const test = compileFilter(file, [...place, 'when'], keys.when, languageAt(context, scopes), filterTables(context));
  const otherwise = keys.else === undefined ? [] : compileRules(context, [...place, 'else'], keys.else, scopes);
  const spot = spotOf(file, [...place, 'when'], 'when');
  return [
    (run) => {
      run.spot = spot;
      runAll(test(run, run.message) ? acts : otherwise, run);
    },
  ];
}

function compileVerb(context: MapContext, place: Place, verb: Verb, keys: Given, scopes: Scopes): readonly Act[] {
  const { file } = context;
  const at = [...place, verb];
  switch (verb) {
    case 'set':
      return Object.entries(keys.set as Given).flatMap(([text, value]) =>
        compileSet(context, [...at, text], text, value, scopes),
      );
    case 'copy':
      return compileCopy(context, place, keys, scopes);
    case 'delete':
      return listOf(keys.delete).flatMap((text, index) => {
        const spot = spotOf(file, at, `delete ${text}`);
        const act = attempt(context, Array.isArray(keys.delete) ? [...at, index] : at, 'path-invalid', () =>
          context.target.remove(text, inTarget(context, scopes)),
        );
        return act ? [spotted(spot, act)] : [];
      });
    case 'insert':
      return compileInsert(context, place, keys, scopes);
    case 'each':
      return compileEach(context, place, keys, scopes);
    case 'rules':
      if (keys.when === undefined)
        file.problem(place, 'key-missing', `${dotted(place)}.when is missing: rules: stands beside it`);
      return compileRules(context, at, keys.rules, scopes);
    case 'let':
      return Object.entries(keys.let as Given).flatMap(([name, value]) =>
        compileLet(context, [...at, name], name, value, scopes),
      );
    case 'script':
      return compileScript(context, place, keys, scopes);
    case 'fail': {
      const spot = spotOf(file, at, 'fail');
      const reason = keys.fail as string;
      return [
        (run) => {
          run.spot = spot;
          throw faultyValue(reason);
        },
      ];
    }
    default:
      return verb satisfies never;
  }
}

function compileSet(context: MapContext, place: Place, text: string, value: unknown, scopes: Scopes): readonly Act[] {
  const target = attempt(
    context,
    place,
    'path-invalid',
    () => context.target.path(text, inTarget(context, scopes)),
    'key',
  );
  const expression = compileExpression(context, place, value, scopes, target?.depth ?? 0);
  return target ? [writing(target, expression, spotOf(context.file, place, `set ${text}`))] : [];
}

function writing(target: TargetPath, { read, constant, whenEmpty }: Expression, spot: Spot): Act {
  if (constant !== undefined && target.writing) return spotted(spot, target.writing(constant));
  if (whenEmpty === 'clear')
    return (run) => {
      run.spot = spot;
      target.write(run, read(run));
    };
  return (run) => {
    run.spot = spot;
    const value = read(run);
    if (value !== undefined && value !== '') target.write(run, value);
    else if (whenEmpty === 'error') throw faultyValue('there is no value');
  };
}

function compileCopy(context: MapContext, place: Place, keys: Given, scopes: Scopes): readonly Act[] {
  const at = [...place, 'copy'];
  const texts = listOf(keys.copy);
  const to = keys.to as string | undefined;
  if (to !== undefined && texts.length > 1) {
    context.file.keyProblem(
      [...place, 'to'],
      'value-invalid',
      `${dotted([...place, 'to'])}: one path is copied to another place`,
    );
    return [];
  }
  return texts.flatMap((text, index) => {
    const spot = spotOf(context.file, at, `copy ${text}`);
    const where = Array.isArray(keys.copy) ? [...at, index] : at;
    const act = attempt(context, where, 'path-invalid', () => {
      if (context.source.kind !== context.target.kind) throw invalid('copy: is for HL7 to HL7 and JSON to JSON');
      return context.target.copy(text, to, scopes);
    });
    return act ? [spotted(spot, act)] : [];
  });
}

function compileInsert(context: MapContext, place: Place, keys: Given, scopes: Scopes): readonly Act[] {
  const at = [...place, 'insert'];
  const what = keys.insert as string;
  const where =
    keys.after !== undefined ? ('after' as const) : keys.before !== undefined ? ('before' as const) : undefined;
  if (keys.after !== undefined && keys.before !== undefined)
    context.file.keyProblem(
      [...place, 'before'],
      'value-invalid',
      `${dotted(place)}: it goes after something or before something`,
    );
  const spot = spotOf(context.file, at, `insert ${what}`);
  const beside = where && { where, paths: listOf(keys[where]) };
  const act = attempt(context, at, 'path-invalid', () =>
    context.target.insert(what, beside, inTarget(context, scopes)),
  );
  if (!act) return [];
  const fields = Object.entries((keys.fields ?? {}) as Given).flatMap(([text, value]) => {
    const here = [...place, 'fields', text];
    const target = attempt(context, here, 'path-invalid', () => context.target.fieldOf(what, text), 'key');
    const expression = compileExpression(context, here, value, scopes, target?.depth ?? 0);
    return target ? [writing(target, expression, spotOf(context.file, here, `insert ${what}, ${text}`))] : [];
  });
  return [spotted(spot, act), ...fields];
}

function compileEach(context: MapContext, place: Place, keys: Given, scopes: Scopes): readonly Act[] {
  const at = [...place, 'each'];
  const text = keys.each as string;
  const slot = context.slots.count++;
  const loop = attempt(context, at, 'path-invalid', () => {
    if (context.replaced.value && context.target.kind === 'hl7v2')
      throw invalid('loops come before scripts, which may move what they go over');
    return context.source.loop(
      text,
      (keys.with ?? []) as readonly string[],
      keys.as as string | undefined,
      slot,
      scopes,
    );
  });
  if (!loop) return [];
  const inner = [loop.scope, ...scopes];
  const firstOwn = context.lets.size;
  const acts = compileRules(context, [...place, 'rules'], keys.rules, inner);
  const spot = spotOf(context.file, at, `each ${text}`);
  const test =
    keys.when === undefined
      ? undefined
      : compileFilter(context.file, [...place, 'when'], keys.when, languageAt(context, inner), filterTables(context));
  const ofItem = withOwnLets(firstOwn, context.lets.size, acts);
  const body: Act = test
    ? (run) => {
        run.spot = spot;
        if (test(run, run.message)) ofItem(run);
      }
    : ofItem;
  return [spotted(spot, (run) => loop.each(run, body))];
}

/** What is named in a loop for the first time has nothing in the next item; after the loop it is what it was set to last. */
function withOwnLets(first: number, end: number, acts: readonly Act[]): Act {
  if (first === end) return (run) => runAll(acts, run);
  return (run) => {
    const before = run.lets.slice(first, end);
    const writes = run.letWrites.slice(first, end);
    run.lets.fill(undefined, first, end);
    runAll(acts, run);
    for (let slot = first; slot < end; slot++)
      if (run.letWrites[slot] === writes[slot - first]) run.lets[slot] = before[slot - first];
  };
}

function compileLet(context: MapContext, place: Place, name: string, value: unknown, scopes: Scopes): readonly Act[] {
  if (!/^[a-zA-Z]\w*$/.test(name)) {
    context.file.keyProblem(place, 'value-invalid', `${dotted(place)}: a name of letters and digits is needed`);
    return [];
  }
  const { read, whenEmpty } = compileExpression(context, place, value, scopes, 0);
  const slot = context.lets.get(name) ?? context.lets.size;
  context.lets.set(name, slot);
  const spot = spotOf(context.file, place, `let ${name}`);
  const keep = (run: Run, value: ReturnType<typeof read>) => {
    run.lets[slot] = value;
    run.letWrites[slot] = (run.letWrites[slot] ?? 0) + 1;
  };
  return [writing({ write: keep, depth: 0 }, { read, whenEmpty }, spot)];
}

function compileScript(context: MapContext, place: Place, keys: Given, scopes: Scopes): readonly Act[] {
  const { file, target, produces } = context;
  const at = [...place, 'script'];
  for (const key of ['accepts', 'produces'] as const) {
    if (keys[key] === produces) continue;
    file.problem([...place, key], 'wiring-invalid', `${dotted([...place, key])}: the result is ${produces}`);
  }
  const reference = keys.script as string;
  const found = attempt(context, at, 'value-invalid', () => {
    if (scopes.length > 0) throw invalid('a script gets the whole result, so it stands in no loop');
    return scriptNamed(reference, context.scripts);
  });
  context.replaced.value = true;
  const change = found as unknown as ResultScript<unknown> | undefined;
  if (!change) return [];
  return [
    spotted(spotOf(file, at, `script ${reference}`), (run) => {
      const { payload, receivedAt } = run.message;
      const made = change(target.finish(run), { source: payload, receivedAt });
      if (typeof made !== 'object' || made === null || made instanceof Promise)
        throw faultyValue('it gave no result, or promised one');
      run.draft = target.resume(run, made);
    }),
  ];
}

/** Loops over the source have a meaning in an HL7 result that edits it; after a script no longer. */
function inTarget({ replaced }: MapContext, scopes: Scopes): Scopes {
  return replaced.value ? [] : scopes;
}

function spotted(spot: Spot, act: Act): Act {
  return (run) => {
    run.spot = spot;
    act(run);
  };
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [value as string];
}
