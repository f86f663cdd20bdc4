import type { Meta } from '../format.ts';

// A control character that HL7 text, topics and addresses do not hold; a value that does is stored as JSON.
const separator = '\x1f';

/** Meta as it is stored: the field names as one recurring word, and the values; `fields` is undefined where `values` is JSON. */
export interface MetaColumns {
  readonly fields: string | undefined;
  readonly values: string;
}

/** Undefined where there is no meta. */
export function metaToColumns(meta: Meta): MetaColumns | undefined {
  let fields = '';
  let values = '';
  let count = 0;
  for (const field in meta) {
    const value = meta[field] ?? '';
    if (field.includes(separator) || value.includes(separator))
      return { fields: undefined, values: JSON.stringify(meta) };
    fields = count === 0 ? field : fields + separator + field;
    values = count === 0 ? value : values + separator + value;
    count++;
  }
  return count === 0 ? undefined : { fields, values };
}

export function metaFromColumns(fields: string | undefined, values: string): Meta {
  if (fields === undefined) return JSON.parse(values) as Meta;
  const meta: Record<string, string> = {};
  const texts = values.split(separator);
  fields.split(separator).forEach((field, index) => {
    meta[field] = texts[index] ?? '';
  });
  return meta;
}
