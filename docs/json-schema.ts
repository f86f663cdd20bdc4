import { z } from 'zod';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The schema of what may be written: defaults are filled in, so that what has one may be left out. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...written } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: plain });
  return written as JsonSchema;
}

/** Zod leaves the default of a value out that it also converts, and says of every integer that a double holds it exactly. */
function plain({
  zodSchema,
  jsonSchema,
}: {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: JsonSchema;
}): void {
  const { def } = zodSchema._zod;
  if (def.type === 'default' && jsonSchema.default === undefined)
    jsonSchema.default = def.defaultValue as NonNullable<JsonSchema['default']>;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}

/** One key whose name chooses a component, with its configuration: `{ mllp: { … } }`. A component that needs none may be left empty. */
export function oneOf(
  components: readonly { readonly type: string; readonly summary: string; readonly config: z.ZodType }[],
): JsonSchema {
  const properties = components.map(({ type, summary, config }) => [
    type,
    { ...inputSchema(config), description: summary },
  ]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties) as Record<string, JsonSchema>,
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
  };
}

const lineWidth = 120;

/** JSON as the formatter of this repository writes it: a list of plain values on one line where it fits. */
export function formatJson(value: unknown): string {
  return `${formatted(value, '', 0)}\n`;
}

/** @param taken what stands before the value and after it on its line */
function formatted(value: unknown, indent: string, taken: number): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each !== 'object' || each === null)) {
      const line = `[${value.map((each) => JSON.stringify(each)).join(', ')}]`;
      if (indent.length + taken + line.length <= lineWidth) return line;
    }
    return `[\n${value.map((each, index) => inner + formatted(each, inner, index < value.length - 1 ? 1 : 0)).join(',\n')}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, each], index) => {
    const name = `${JSON.stringify(key)}: `;
    return inner + name + formatted(each, inner, name.length + (index < entries.length - 1 ? 1 : 0));
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}
