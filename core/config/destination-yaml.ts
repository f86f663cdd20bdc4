import type { z } from 'zod';
import { type Route, via, when } from '../builder.ts';
import { destinationOptions, type Erased } from '../channel.ts';
import type { Format } from '../format.ts';
import { destinationKeys } from './channel-keys.ts';
import {
  formatAfter,
  languageOf,
  type PartsContext,
  readDestination,
  readSteps,
  type YamlStep,
} from './channel-parts.ts';
import { readCollect } from './collect-yaml.ts';
import { compileFilter } from './filter.ts';
import { readSplit } from './split-yaml.ts';
import { changed } from './step-files.ts';
import { isMapping, type Place } from './yaml-file.ts';

/** A destination of a YAML channel, read and checked by itself; the builder checks how it fits. */
export interface DestinationParts {
  readonly name: string;
  readonly place: Place;
  readonly route: Route<Erased>;
  readonly fromSource: boolean;
  readonly options: z.input<typeof destinationOptions>;
}

/** `destinations:` of a channel file. `after` is the context behind the steps of the channel. */
export async function readDestinations(
  context: PartsContext,
  after: PartsContext,
  value: unknown,
  source: Format<Erased> | undefined,
  transformed: Format<Erased> | undefined,
): Promise<readonly DestinationParts[]> {
  if (!isMapping(value)) return [];
  if (Object.keys(value).length === 0)
    context.file.problem(['destinations'], 'value-invalid', 'destinations: at least one is needed');
  const destinations: DestinationParts[] = [];
  for (const [name, each] of Object.entries(value)) {
    const fromSource = isMapping(each) && each.input === 'source';
    const parts = fromSource
      ? await readOne(context, name, each, source)
      : await readOne(after, name, each, transformed);
    if (parts) destinations.push(parts);
  }
  return destinations;
}

async function readOne(
  context: PartsContext,
  name: string,
  value: unknown,
  format: Format<Erased> | undefined,
): Promise<DestinationParts | undefined> {
  const { file, files } = context;
  const place = ['destinations', name];
  const read = file.read(destinationKeys, place, value);
  if (!isMapping(value)) return undefined;
  const filter =
    value.filter === undefined
      ? undefined
      : compileFilter(file, [...place, 'filter'], value.filter, languageOf(context, format), files);
  const split = splitStep(context, [...place, 'split'], value.split, format);
  const after = split ? formatAfter(split, format) : format;
  const behind = split ? { ...context, files: changed(files) } : context;
  const more = await readSteps(behind, [...place, 'steps'], value.steps, after);
  const steps = split ? [split, ...more] : more;
  const response = value.response === undefined ? {} : { response: value.response };
  const plain = value.to === undefined ? undefined : readDestination(context, [...place, 'to'], value.to, response);
  const to = value.collect === undefined ? plain : readCollect(context, [...place, 'collect'], value.collect, plain);
  if (!read || !to) return undefined;
  const route = steps.reduceRight<Route<Erased>>(routeVia, { kind: 'route', input: 'transformed', steps: [], to });
  return {
    name,
    place,
    route: filter ? when<Erased>(filter, route) : route,
    fromSource: read.input === 'source',
    options: among(destinationOptions, read),
  };
}

function splitStep(
  context: PartsContext,
  place: Place,
  value: unknown,
  format: Format<Erased> | undefined,
): YamlStep | undefined {
  if (value === undefined) return undefined;
  const transform = readSplit(context.file, place, value, format, languageOf(context, format));
  return transform && { kind: 'transform', place, transform };
}

/** The keys of `value` that belong to `schema`. */
export function among<S extends z.ZodObject>(schema: S, value: Readonly<Record<string, unknown>>): z.input<S> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => Object.hasOwn(schema.shape, key))) as z.input<S>;
}

function routeVia(target: Route<Erased>, step: YamlStep): Route<Erased> {
  if (step.kind === 'filter') return when<Erased>(step.filter, target);
  if (typeof step.transform !== 'function') return via(step.transform, target);
  return step.produces ? via(step.transform, step.produces, target) : via(step.transform, target);
}
