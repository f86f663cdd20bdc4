import { HubError } from '../core/errors.ts';
import type { Format } from '../core/format.ts';

/** What JSON can hold. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** JSON in UTF-8 of any shape; where the shape is agreed on, a contract made by `jsonFormat` checks it. */
export const json: Format<JsonValue> = {
  id: 'json',
  contentType: 'application/json',
  decode: (raw) => {
    try {
      return JSON.parse(utf8.decode(raw)) as JsonValue;
    } catch {
      // The parser's own text quotes the payload, so it is not passed on.
      throw new HubError('decode-failed', 'permanent', 'decoding json: not JSON in UTF-8');
    }
  },
  encode: (value) => {
    const text = written(value);
    if (text === undefined) throw new HubError('encode-failed', 'permanent', 'encoding json: not a JSON value');
    return Buffer.from(text, 'utf8');
  },
};

/** Undefined for what JSON cannot hold: functions, cycles, a nesting deeper than the stack. */
function written(value: JsonValue): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
