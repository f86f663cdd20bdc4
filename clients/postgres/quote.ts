import { storable } from './copy-rows.ts';

/** A name of the schema as an identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a literal, whatever standard_conforming_strings says. */
export function literal(text: string | null | undefined): string {
  if (text === null || text === undefined) return 'NULL';
  const quoted = storable(text).replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

export function bytesLiteral(bytes: Uint8Array): string {
  return `'\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}'::bytea`;
}

export function texts(values: readonly string[]): string {
  return values.length === 0 ? "'{}'::text[]" : `ARRAY[${values.map(literal).join(',')}]::text[]`;
}

/** Numbers as an array literal; nothing but digits gets in. */
export function numbers(values: readonly number[], type: 'int8' | 'int4' | 'int2'): string {
  return `'{${values.map(whole).join(',')}}'::${type}[]`;
}

function whole(value: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError('a number that is no safe integer');
  return String(value);
}
