import { z } from 'zod';
import type { ComponentBasics } from './component.ts';
import type { ConnectorDefinition, DestinationSpec } from './destination.ts';
import { HubError } from './errors.ts';
import type { Format } from './format.ts';
import { merged } from './merged.ts';
import type { AckPoint } from './outcome.ts';
import type { AdapterDefinition, SourceSpec } from './source.ts';
import type { FilterDefinition, FilterSpec, TransformDefinition, TransformSpec } from './transform.ts';

/** Called with its configuration, an adapter is what `.from()` takes; its other properties are its definition. */
export type Adapter<C extends z.ZodType, T> = AdapterDefinition<C, T> & ((config: z.input<C>) => SourceSpec<T>);
export type Connector<C extends z.ZodType, T> = ConnectorDefinition<C, T> &
  ((config: z.input<C>) => DestinationSpec<T>);
export type Transform<C extends z.ZodType, I, O> = TransformDefinition<C, I, O> &
  ((config: z.input<C>) => TransformSpec<I, O>);
export type Filter<C extends z.ZodType, T> = FilterDefinition<C, T> & ((config: z.input<C>) => FilterSpec<T>);

const allAckPoints: readonly AckPoint[] = ['stored', 'transformed', 'settled'];

/** A component's configuration read by its schema. Throws HubError `config-invalid` that names the first wrong field. */
export function configured<C extends z.ZodType>(
  component: Pick<ComponentBasics<C>, 'type' | 'config'>,
  input: unknown,
): z.output<C> {
  const read = component.config.safeParse(input);
  if (read.success) return read.data;
  throw new HubError('config-invalid', 'permanent', `configuring ${component.type}: ${describeIssues(read.error)}`);
}

/** Every issue of a failed schema on one line: `endpoint: Required; port: too big`. */
export function describeIssues(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || '(top level)'}: ${issue.message}`).join('; ');
}

export function defineAdapter<C extends z.ZodType, T>(
  definition: Omit<AdapterDefinition<C, T>, 'kind'>,
): Adapter<C, T> {
  const spec = (input: z.input<C>): SourceSpec<T> => {
    const config = configured(definition, input);
    return Object.freeze({
      kind: 'source' as const,
      type: definition.type,
      config,
      format: typeof definition.produces === 'function' ? definition.produces(config) : definition.produces,
      acknowledges: definition.acknowledges,
      ackPoints: definition.ackPoints ?? allAckPoints,
      resources: definition.resources?.(config) ?? [],
      ...(definition.deviceProfiles && { deviceProfiles: definition.deviceProfiles(config) }),
      withDefaults: (defaults) => spec(merged(defaults, input) as z.input<C>),
      create: (context) => definition.create(config, context),
    } satisfies SourceSpec<T>);
  };
  return Object.assign(spec, definition, { kind: 'adapter' as const });
}

export function defineConnector<C extends z.ZodType, T>(
  definition: Omit<ConnectorDefinition<C, T>, 'kind'>,
): Connector<C, T> {
  const { accepts, maxBatch, concurrency = 1 } = definition;
  const spec = (input: z.input<C>): DestinationSpec<T> => {
    const config = configured(definition, input);
    const format = typeof accepts === 'function' ? accepts(config) : accepts;
    return Object.freeze({
      kind: 'destination' as const,
      type: definition.type,
      config,
      accepts: format === 'any' ? undefined : (format as Format<never>),
      batching: definition.batching,
      effect: definition.effect,
      maxBatch: typeof maxBatch === 'function' ? maxBatch(config) : maxBatch,
      concurrency: typeof concurrency === 'function' ? concurrency(config) : concurrency,
      resources: definition.resources?.(config) ?? [],
      ...(definition.deviceProfiles && { deviceProfiles: definition.deviceProfiles(config) }),
      create: (context) => definition.create(config, context),
    } satisfies DestinationSpec<T>);
  };
  return Object.assign(spec, definition, { kind: 'connector' as const });
}

export function defineTransform<C extends z.ZodType, I, O>(
  definition: Omit<TransformDefinition<C, I, O>, 'kind'>,
): Transform<C, I, O> {
  const spec = (input: z.input<C>): TransformSpec<I, O> => {
    const config = configured(definition, input);
    return Object.freeze({
      kind: 'transform' as const,
      type: definition.type,
      config,
      accepts: definition.accepts,
      produces: definition.produces,
      create: () => definition.create(config),
    } satisfies TransformSpec<I, O>);
  };
  return Object.assign(spec, definition, { kind: 'transform' as const });
}

export function defineFilter<C extends z.ZodType, T>(definition: Omit<FilterDefinition<C, T>, 'kind'>): Filter<C, T> {
  const spec = (input: z.input<C>): FilterSpec<T> => {
    const config = configured(definition, input);
    return Object.freeze({
      kind: 'filter' as const,
      type: definition.type,
      config,
      accepts: definition.accepts,
      create: () => definition.create(config),
    } satisfies FilterSpec<T>);
  };
  return Object.assign(spec, definition, { kind: 'filter' as const });
}

/** A size in a configuration: a number of bytes, or `64MB`, `512KB`, `1GB` (powers of 1,024). */
export const byteSize = () =>
  z
    .union([z.int().positive(), z.string().regex(/^\d+(?:\.\d+)?\s*(?:B|KB|MB|GB)$/i, 'a size like 64MB')])
    .transform((value) => {
      if (typeof value === 'number') return value;
      const unit = /[KMG]?B$/i.exec(value)?.[0].toUpperCase() ?? 'B';
      const factor = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }[unit] ?? 1;
      return Math.round(Number.parseFloat(value) * factor);
    });
