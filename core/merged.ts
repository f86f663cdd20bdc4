/** Mappings are merged, key by key; of anything else the second holds. */
export function merged(first: unknown, second: unknown): unknown {
  if (second === undefined) return first;
  if (!isRecord(first) || !isRecord(second)) return second;
  const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries([...keys].map((key) => [key, merged(first[key], second[key])]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
