import type { z } from 'zod';

/** The keys that a schema knows at a place inside it, for suggestions; none where it takes any. */
export function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const found = partsAt(schema, path).flatMap((each) => {
    const { def } = each._zod as z.core.$ZodTypes['_zod'];
    return def.type === 'object' ? Object.keys(def.shape) : [];
  });
  return [...new Set(found)];
}

/** The words of an enumeration at a place inside a schema; none where it is no enumeration. */
export function wordsAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const found = partsAt(schema, path).flatMap((each) => {
    const { def } = each._zod as z.core.$ZodTypes['_zod'];
    return def.type === 'enum' ? Object.values(def.entries).map(String) : [];
  });
  return [...new Set(found)];
}

/** What a schema takes at a place inside it; several where it takes one of several. */
function partsAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly z.core.$ZodType[] {
  const { def } = schema._zod as z.core.$ZodTypes['_zod'];
  const [first, ...rest] = path;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return partsAt(def.innerType, path);
    case 'pipe':
      return partsAt(def.in, path);
    case 'union':
      return def.options.flatMap((each) => partsAt(each, path));
    case 'object': {
      if (first === undefined) return [schema];
      const inner = Object.hasOwn(def.shape, first) ? def.shape[String(first)] : def.catchall;
      return inner ? partsAt(inner, rest) : [];
    }
    case 'record':
      return first === undefined ? [] : partsAt(def.valueType, rest);
    case 'array':
      return first === undefined ? [] : partsAt(def.element, rest);
    default:
      return first === undefined ? [schema] : [];
  }
}
