import { z } from 'zod';
import type { EndpointKind } from './endpoint.ts';

const kinds = z.registry<{ readonly kinds: readonly EndpointKind[] }>();

/**
 * A key of a component's configuration that names an endpoint of the environment, of one of these kinds: by it `weir check` knows
 * what a channel uses.
 */
export function endpointName(...of: readonly [EndpointKind, ...EndpointKind[]]): z.ZodString {
  const name = z.string();
  kinds.add(name, { kinds: of });
  return name;
}

/** An endpoint that a component names. */
export interface NamedEndpoint {
  /** Where in the configuration: `['auth', 'basic']`. */
  readonly path: readonly (string | number)[];
  readonly name: string;
  /** What it may be; any kind where the component does not say. */
  readonly kinds: readonly EndpointKind[];
}

/**
 * The endpoints that a configuration names, by what its schema says of its keys; `schema` undefined for components of channel code, of
 * which only `endpoint` is known.
 */
export function endpointsIn(schema: z.ZodType | undefined, config: unknown): readonly NamedEndpoint[] {
  const found: NamedEndpoint[] = [];
  if (schema) gather(schema, config, [], found);
  else if (isObject(config) && typeof config.endpoint === 'string')
    found.push({ path: ['endpoint'], name: config.endpoint, kinds: [] });
  return found;
}

function gather(schema: z.core.$ZodType, value: unknown, path: NamedEndpoint['path'], found: NamedEndpoint[]): void {
  if (value === undefined) return;
  const named = kinds.get(schema);
  if (named) {
    if (typeof value === 'string') found.push({ path, name: value, kinds: named.kinds });
    return;
  }
  if (schema instanceof z.ZodObject && isObject(value)) {
    for (const [key, inner] of Object.entries(schema.shape))
      gather(inner as z.ZodType, value[key], [...path, key], found);
  } else if (schema instanceof z.ZodArray && Array.isArray(value)) {
    for (const [index, each] of value.entries()) gather(schema.element, each, [...path, index], found);
  } else if (schema instanceof z.ZodUnion) {
    const option = schema.options.find((each) => z.safeParse(each, value).success);
    if (option) gather(option, value, path, found);
  } else if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    gather(schema.unwrap(), value, path, found);
  } else if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    gather(schema.unwrap(), value, path, found);
  } else if (schema instanceof z.ZodPipe) gather(schema.in, value, path, found);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
