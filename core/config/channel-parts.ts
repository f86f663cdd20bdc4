import { basename } from 'node:path';
import type { z } from 'zod';
import type { Erased } from '../channel.ts';
import type { DestinationSpec } from '../destination.ts';
import type { Format } from '../format.ts';
import type { SourceSpec } from '../source.ts';
import type { FilterSpec, Predicate, Step, TransformSpec } from '../transform.ts';
import { compileFilter } from './filter.ts';
import type { FormatLanguage } from './format-language.ts';
import { choices, type Registry, unknownName } from './registry.ts';
import { readSplit } from './split-yaml.ts';
import { addProblems, changed, type FileStep, isFileStep, type StepFiles } from './step-files.ts';
import { dotted, isMapping, onlyEntry, type Place, type YamlFile } from './yaml-file.ts';

/** What the parts of one YAML channel are read with. */
export interface PartsContext {
  readonly file: YamlFile;
  readonly registry: Registry;
  /** The names of the environment's endpoints; unchecked when not given. */
  readonly endpoints?: ReadonlySet<string>;
  /** What stands beside the channel file: scripts, and files that say what a step does. */
  readonly files: StepFiles;
}

/** A step of a YAML channel, read and checked by itself; the builder checks how it fits. */
export type YamlStep =
  | { readonly kind: 'filter'; readonly place: Place; readonly filter: FilterSpec<Erased> | Predicate<Erased> }
  | {
      readonly kind: 'transform';
      readonly place: Place;
      readonly transform: TransformSpec<Erased, Erased> | Step<Erased, Erased>;
      readonly produces?: Format<Erased>;
    };

type Component<S> = ((config: Erased) => S) & { readonly type: string; readonly config: z.ZodType };

/** `source: { mllp: { … } }` */
export function readSource(context: PartsContext, place: Place, value: unknown): SourceSpec<Erased> | undefined {
  return readComponent(context, 'source', context.registry.adapters, place, value);
}

/** `to: { mllp: { … } }`; `more` are keys of its configuration that stand beside `to`. */
export function readDestination(
  context: Omit<PartsContext, 'files'>,
  place: Place,
  value: unknown,
  more: Readonly<Record<string, unknown>>,
): DestinationSpec<Erased> | undefined {
  return readComponent(context, 'destination', context.registry.connectors, place, value, more);
}

/** A component of a kind by its type, with its configuration: `{ mllp: { … } }`. */
export function readComponent<S>(
  context: Omit<PartsContext, 'files'>,
  what: string,
  components: ReadonlyMap<string, Component<S>>,
  place: Place,
  value: unknown,
  more: Readonly<Record<string, unknown>> = {},
): S | undefined {
  const { file } = context;
  const entry = onlyEntry(value);
  if (!entry) {
    file.problem(
      place,
      'value-invalid',
      `${dotted(place)}: one ${what} with its configuration is needed${choices(components.keys())}`,
    );
    return undefined;
  }
  const [type, given] = entry;
  const at = [...place, type];
  const component = components.get(type);
  if (!component) {
    file.keyProblem(at, 'component-unknown', `${dotted(at)}: no such ${what}${unknownName(type, components.keys())}`);
    return undefined;
  }
  const elsewhere = Object.fromEntries(Object.keys(more).map((key) => [key, [...place.slice(0, -1), key]]));
  const config = isMapping(given) ? { ...given, ...more } : (given ?? more);
  checkEndpoint(context, at, config);
  return file.read(component.config, at, config, elsewhere) === undefined ? undefined : component(config);
}

function checkEndpoint({ file, endpoints }: Omit<PartsContext, 'files'>, place: Place, config: unknown): void {
  const name = isMapping(config) ? config.endpoint : undefined;
  if (typeof name !== 'string' || !endpoints || endpoints.has(name)) return;
  const at = [...place, 'endpoint'];
  file.problem(
    at,
    'endpoint-unknown',
    `${dotted(at)}: the environment has no endpoint ${name}${unknownName(name, endpoints)}`,
  );
}

/** Steps that are no components. */
const ownSteps = ['filter', 'script', 'split'];

/** `steps:` of a channel or a destination. `format` is what the first of them gets. */
export async function readSteps(
  context: PartsContext,
  place: Place,
  value: unknown,
  format: Format<Erased> | undefined,
): Promise<readonly YamlStep[]> {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    context.file.problem(place, 'value-invalid', `${dotted(place)}: a list of steps is needed`);
    return [];
  }
  const steps: YamlStep[] = [];
  let current = format;
  let now = context;
  for (const [index, each] of value.entries()) {
    const step = await readStep(now, [...place, index], each, current);
    steps.push(step);
    if (step.kind === 'transform') now = { ...context, files: changed(context.files) };
    current = formatAfter(step, current);
  }
  return steps;
}

// What comes after a step that could not be read: nobody knows its format, so no path can be said to be wrong.
export const unread: Format<Erased> = {
  id: '',
  contentType: '',
  decode: () => undefined,
  encode: () => new Uint8Array(),
};
const unreadStep = (place: Place): YamlStep => ({ kind: 'transform', place, transform: () => null, produces: unread });

/** How paths into a payload of a format are read; undefined where it has none. */
export function languageOf(
  { registry, files }: PartsContext,
  format: Format<Erased> | undefined,
): FormatLanguage<Erased> | undefined {
  if (format === unread)
    return { format: '', path: () => ({ values: () => [], exists: () => false }), key: () => () => [] };
  const language = format && (registry.languages.get(format.id) ?? registry.languageFor?.(format));
  const checkPath = files.checkPath?.bind(files);
  if (!language || !checkPath) return language;
  return {
    ...language,
    path: (text) => language.path(text, checkPath),
    key: (paths) => language.key(paths, checkPath),
  };
}

/** The format that stands after a step. */
export function formatAfter(step: YamlStep, before: Format<Erased> | undefined): Format<Erased> | undefined {
  if (step.kind === 'filter') return before;
  return typeof step.transform === 'function' ? (step.produces ?? before) : step.transform.produces;
}

async function readStep(
  context: PartsContext,
  place: Place,
  value: unknown,
  format: Format<Erased> | undefined,
): Promise<YamlStep> {
  const { file, registry } = context;
  const entry = onlyEntry(value);
  const [type, config] = entry ?? [];
  if (type === 'filter') {
    const at = [...place, type];
    return {
      kind: 'filter',
      place: at,
      filter: compileFilter(file, at, config, languageOf(context, format), context.files),
    };
  }
  if (type === 'split') {
    const transform = readSplit(file, [...place, type], config, format, languageOf(context, format));
    return transform ? { kind: 'transform', place, transform } : unreadStep(place);
  }
  if (type === 'script') return (await readScript(context, [...place, type], config)) ?? unreadStep(place);
  if (type !== undefined && registry.filters.has(type)) {
    const filter = readComponent(context, 'filter', registry.filters, place, value);
    return { kind: 'filter', place, filter: filter ?? (() => false) };
  }
  if (type !== undefined && !registry.transforms.has(type)) {
    const at = [...place, type];
    const names = [...ownSteps, ...registry.transforms.keys(), ...registry.filters.keys()];
    file.keyProblem(at, 'component-unknown', `${dotted(at)}: no such step${unknownName(type, names)}`);
    return unreadStep(place);
  }
  const step = readComponent(context, 'step', registry.transforms, place, value);
  const transform = step && isFileStep(step) ? await loadFileStep(context, [...place, step.type], step) : step;
  return transform ? { kind: 'transform', place, transform } : unreadStep(place);
}

/** What is wrong with the file is told at its own lines; that it cannot be read, where the channel names it. */
async function loadFileStep(
  { file, files }: PartsContext,
  place: Place,
  step: FileStep<Erased, Erased>,
): Promise<TransformSpec<Erased, Erased> | undefined> {
  const read = await step.load(files);
  if (read.ok) return read.value;
  for (const problem of read.problems) {
    if (problem.code !== 'file-unreadable') addProblems(file.problems, [problem]);
    else file.problem(place, problem.code, `${dotted(place)}: ${problem.file}: ${problem.message}`);
  }
  return undefined;
}

/** `script: ./x.ts`: its default export is a step; `accepts` and `produces` are the formats it takes and gives (rule 32). */
async function readScript(context: PartsContext, place: Place, path: unknown): Promise<YamlStep | undefined> {
  const { file } = context;
  if (typeof path !== 'string' || !path.endsWith('.ts')) {
    file.problem(
      place,
      'value-invalid',
      `${dotted(place)}: the path of a TypeScript file is needed, from the folder of this one`,
    );
    return undefined;
  }
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await context.files.script(path);
  } catch (thrown) {
    const isMissing = (thrown as NodeJS.ErrnoException).code === 'ENOENT';
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    file.problem(place, 'code-failed', `${path}: ${isMissing ? 'there is no such file' : why}`);
    return undefined;
  }
  const { default: step, accepts, produces } = module;
  if (typeof step !== 'function') {
    file.problem(place, 'value-invalid', `${path}: its default export is no function`);
    return undefined;
  }
  const type = basename(path);
  const run = step as Step<Erased, Erased>;
  if (isFormat(accepts) && isFormat(produces)) {
    return {
      kind: 'transform',
      place,
      transform: { kind: 'transform', type, config: {}, accepts, produces, create: () => run },
    };
  }
  const named: Step<Erased, Erased> = (payload, message) => run(payload, message);
  Object.defineProperty(named, 'name', { value: type });
  return { kind: 'transform', place, transform: named, ...(isFormat(produces) && { produces }) };
}

function isFormat(value: unknown): value is Format<Erased> {
  return isMapping(value) && typeof value.id === 'string' && typeof value.decode === 'function';
}
