import { z } from 'zod';
import { type Channel, defineChannel, original, type Route, type Transforming, via, when } from '../builder.ts';
import { type ChannelDefinition, channelOptions, destinationOptions, type Erased } from '../channel.ts';
import { HubError } from '../errors.ts';
import type { Format } from '../format.ts';
import {
  formatAfter,
  type PartsContext,
  readDestination,
  readSource,
  readSteps,
  type YamlStep,
} from './channel-parts.ts';
import { compileFilter } from './filter.ts';
import { type Loaded, loaded } from './problem.ts';
import { choices } from './registry.ts';
import { dotted, isMapping, type Place } from './yaml-file.ts';

/** The keys of a channel file: those of the options, and what the builder's calls say in TypeScript. */
export const channelKeys = channelOptions.extend({
  channel: z.string().describe('The channel’s name.'),
  source: z.unknown().describe('Where messages come from: one adapter with its configuration.'),
  format: z.string().optional().describe('What the bytes of a source without a format of its own are read as.'),
  key: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe('Paths of the identifiers whose messages stay in order; the whole channel if absent.'),
  filter: z.unknown().optional().describe('Messages that it does not let through are filtered.'),
  steps: z.unknown().optional().describe('What every message goes through, in order.'),
  destinations: z.record(z.string(), z.unknown()).describe('Where messages go, by name.'),
});

export const destinationKeys = destinationOptions.extend({
  filter: z.unknown().optional().describe('Messages that it does not let through are filtered for this destination.'),
  steps: z.unknown().optional().describe('What a message goes through for this destination alone.'),
  input: z
    .enum(['transformed', 'source'])
    .default('transformed')
    .describe('`source` starts from the message as it was received, before the channel’s steps.'),
  to: z.unknown().describe('One connector with its configuration.'),
  response: z
    .unknown()
    .optional()
    .describe('What follows from each answer of the far end; belongs to the connector’s configuration.'),
});

interface DestinationParts {
  readonly name: string;
  readonly place: Place;
  readonly route: Route<Erased>;
  readonly fromSource: boolean;
  readonly options: z.input<typeof destinationOptions>;
}

/** Reads a `*.channel.yaml`; every problem of the file comes in one go, save that wiring is only checked once the parts are right. */
export async function readChannelYaml(context: PartsContext): Promise<Loaded<ChannelDefinition>> {
  const { file } = context;
  const definition = file.problems.length > 0 ? undefined : await readChannel(context);
  const [first, ...others] = file.problems;
  if (first) return { ok: false, problems: [first, ...others] };
  return loaded(definition!);
}

async function readChannel(context: PartsContext): Promise<ChannelDefinition | undefined> {
  const { file, registry } = context;
  const raw = isMapping(file.value) ? file.value : {};
  const read = file.read(channelKeys, [], file.value);
  if (!isMapping(file.value)) return undefined;
  const source = readSource(context, ['source'], raw.source);
  const language = (format: Format<Erased> | undefined) => (format ? registry.languages.get(format.id) : undefined);
  const format = readFormat(context, raw.format) ?? source?.format;
  const filter = raw.filter === undefined ? undefined : compileFilter(file, ['filter'], raw.filter, language(format));
  const key = readKey(context, raw.key, format);
  const steps = await readSteps(context, ['steps'], raw.steps, format);
  const transformed = steps.reduce((current, step) => formatAfter(step, current), format);
  const destinations = await readDestinations(context, raw.destinations, format, transformed);
  checkNames(context, raw);
  if (!read || !source || file.problems.length > 0) return undefined;

  return wired(context, ['channel'], () => {
    const start = defineChannel(read.channel, among(channelOptions, read));
    let routing = typeof read.format === 'string' && format ? start.from(source, format) : start.from(source);
    if (filter) routing = routing.filter(filter);
    if (key) routing = routing.keyBy(key);
    let stage: Transforming<Erased, Erased> = routing;
    for (const step of steps) {
      const before = stage;
      const after = wired(context, step.place, () => withStep(before, step));
      if (!after) return undefined;
      stage = after;
    }
    return withDestinations(context, stage, destinations)?.definition;
  });
}

/** Runs a call of the builder; what it objects to becomes a problem at `place`. */
function wired<T>({ file }: PartsContext, place: Place, build: () => T): T | undefined {
  try {
    return build();
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    file.problem(place, 'wiring-invalid', thrown.message);
    return undefined;
  }
}

function withStep(stage: Transforming<Erased, Erased>, step: YamlStep): Transforming<Erased, Erased> {
  if (step.kind === 'filter') return stage.filter(step.filter);
  if (typeof step.transform !== 'function') return stage.through(step.transform);
  return step.produces ? stage.through(step.transform, step.produces) : stage.through(step.transform);
}

function withDestinations(
  context: PartsContext,
  stage: Transforming<Erased, Erased>,
  destinations: readonly DestinationParts[],
): Channel<Erased, Erased> | undefined {
  let channel: Channel<Erased, Erased> | undefined;
  for (const { name, place, route, fromSource, options } of destinations) {
    const before: Pick<Channel<Erased, Erased>, 'to'> = channel ?? stage;
    const after = wired(context, place, () =>
      fromSource ? before.to(name, original<Erased>(route), options) : before.to(name, route, options),
    );
    if (after) channel = after;
  }
  return channel;
}

function readFormat({ file, registry }: PartsContext, id: unknown): Format<Erased> | undefined {
  if (typeof id !== 'string') return undefined;
  const format = registry.formats.get(id);
  if (!format)
    file.problem(['format'], 'component-unknown', `format: no format ${id}${choices(registry.formats.keys())}`);
  return format;
}

function readKey({ file, registry }: PartsContext, value: unknown, format: Format<Erased> | undefined) {
  const paths = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(paths) || !paths.every((each) => typeof each === 'string') || !format) return undefined;
  const language = registry.languages.get(format.id);
  if (!language) {
    file.problem(['key'], 'path-invalid', `key: ${format.id} has no paths`);
    return undefined;
  }
  for (const [index, path] of paths.entries()) {
    try {
      language.path(path);
    } catch (thrown) {
      if (!(thrown instanceof HubError)) throw thrown;
      file.problem(typeof value === 'string' ? ['key'] : ['key', index], 'path-invalid', `${path}: ${thrown.message}`);
      return undefined;
    }
  }
  return language.key(paths);
}

async function readDestinations(
  context: PartsContext,
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
    const parts = await readOne(context, name, each, fromSource ? source : transformed);
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
  const { file, registry } = context;
  const place = ['destinations', name];
  const read = file.read(destinationKeys, place, value);
  if (!isMapping(value)) return undefined;
  const filter =
    value.filter === undefined
      ? undefined
      : compileFilter(file, [...place, 'filter'], value.filter, format && registry.languages.get(format.id));
  const steps = await readSteps(context, [...place, 'steps'], value.steps, format);
  const more = value.response === undefined ? {} : { response: value.response };
  const to = readDestination(context, [...place, 'to'], value.to, more);
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

/** The keys of `value` that belong to `schema`. */
function among<S extends z.ZodObject>(schema: S, value: Readonly<Record<string, unknown>>): z.input<S> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => Object.hasOwn(schema.shape, key))) as z.input<S>;
}

function routeVia(target: Route<Erased>, step: YamlStep): Route<Erased> {
  if (step.kind === 'filter') return when<Erased>(step.filter, target);
  if (typeof step.transform !== 'function') return via(step.transform, target);
  return step.produces ? via(step.transform, step.produces, target) : via(step.transform, target);
}

/** `ackOn` and `replyFrom` name destinations of this channel. */
function checkNames({ file }: PartsContext, raw: Readonly<Record<string, unknown>>): void {
  if (!isMapping(raw.destinations)) return;
  const names = new Set(Object.keys(raw.destinations));
  const check = (place: Place, name: unknown) => {
    if (typeof name !== 'string' || names.has(name)) return;
    file.problem(place, 'destination-unknown', `${dotted(place)}: no destination ${name}${choices(names)}`);
  };
  check(['replyFrom'], raw.replyFrom);
  if (Array.isArray(raw.ackOn)) for (const [index, name] of raw.ackOn.entries()) check(['ackOn', index], name);
}
