import type { JsonSchema } from './json-schema.ts';

/** A key of a configuration, as reference pages and the terminal show it. */
export interface KeyRow {
  readonly key: string;
  readonly takes: string;
  readonly fallback: string;
  readonly text: string;
}

/** The keys of a configuration as a Markdown table; those of nested objects with their path: `acknowledgement.mode`. */
export function keyTable(schema: JsonSchema): string {
  const rows = keyRows(schema);
  if (rows.length === 0) return 'It has no configuration.';
  const lines = rows.map(
    ({ key, takes, fallback, text }) => `| \`${key}\` | ${cell(takes)} | ${cell(fallback)} | ${cell(text)} |`,
  );
  return ['| Key | Takes | Default | Meaning |', '|---|---|---|---|', ...lines].join('\n');
}

export function keyRows(schema: JsonSchema): readonly KeyRow[] {
  return rowsOf(schema, '');
}

function rowsOf(schema: JsonSchema, path: string): readonly KeyRow[] {
  const required = new Set(schema.required ?? []);
  const either = (schema.anyOf ?? []).flatMap((each) => (typeof each === 'object' ? rowsOf(each, path) : []));
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    if (typeof property === 'boolean') return [];
    const key = `${path}${name}`;
    const nested = rowsOf(property, `${key}.`);
    const fallback = required.has(name) ? 'needed' : nested.length > 0 ? '' : defaultOf(property);
    return [{ key, takes: takes(property), fallback, text: property.description ?? '' }, ...nested];
  });
  return [...own, ...either];
}

function defaultOf(schema: JsonSchema): string {
  const { default: value } = schema;
  if (value === undefined) return '';
  if (isTimeSpan(schema) && typeof value === 'number') return `\`${timeText(value)}\``;
  return isSize(schema) && typeof value === 'number' ? `\`${sizeText(value)}\`` : `\`${JSON.stringify(value)}\``;
}

/** What may be written there, in words. */
export function takes(schema: JsonSchema): string {
  if (isSize(schema)) return 'a size: bytes, or `64MB`';
  if (isTimeSpan(schema)) return 'a time span: milliseconds, or `15min`';
  if (schema.enum) return schema.enum.map((each) => `\`${each}\``).join(', ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  const either = schema.anyOf ?? schema.oneOf;
  if (either)
    return [...new Set(either.map((each) => (typeof each === 'object' ? takes(each) : 'anything')))].join(', or ');
  if (Array.isArray(schema.type))
    return schema.type.map((type: JsonSchema['type']) => takes({ ...schema, type } as JsonSchema)).join(', or ');
  switch (schema.type) {
    case 'integer':
    case 'number':
      return `${schema.type === 'integer' ? 'a whole number' : 'a number'}${range(schema)}`;
    case 'string':
      return schema.pattern ? `text like \`${schema.pattern}\`` : 'text';
    case 'null':
      return '`null`';
    case 'boolean':
      return '`true`, `false`';
    case 'array':
      return `a list of ${typeof schema.items === 'object' && !Array.isArray(schema.items) ? takes(schema.items) : 'anything'}`;
    case 'object':
      return typeof schema.additionalProperties === 'object'
        ? `names, each with ${takes(schema.additionalProperties)}`
        : 'keys as below';
    default:
      return schema.title ?? 'see its meaning';
  }
}

function range({ minimum, exclusiveMinimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  return minimum === undefined ? '' : `, ${minimum} or more`;
}

/** What `byteSize()` accepts: a number of bytes, or a text with a unit. */
function isSize({ anyOf }: JsonSchema): boolean {
  const [number, text] = anyOf ?? [];
  return (
    typeof number === 'object' &&
    number.type === 'integer' &&
    typeof text === 'object' &&
    (text.pattern ?? '').includes('KB|MB|GB')
  );
}

/** What `duration()` of the alerts accepts: milliseconds, or a text with a unit. */
function isTimeSpan({ anyOf }: JsonSchema): boolean {
  const [, text] = anyOf ?? [];
  return typeof text === 'object' && (text.pattern ?? '').includes('ms|s|min|h|d');
}

function timeText(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const;
  const [unit, length] = units.find(([, each]) => ms >= each && ms % each === 0) ?? ['', 1];
  return `${ms / length}${unit}`;
}

function sizeText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && Number.isInteger(value / 1024) && unit < units.length - 1)
    [value, unit] = [value / 1024, unit + 1];
  return `${value}${units[unit]}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
