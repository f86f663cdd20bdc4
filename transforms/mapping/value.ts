import type { JsonValue } from '../../contracts/json.ts';
import { HubError } from '../../core/errors.ts';
import type { Layout } from '../../protocols/hl7v2/layout.ts';

/** A piece of an HL7 message as its bytes stand, each byte one character: components, escapes and all. */
export class RawText {
  readonly text: string;
  readonly layout: Layout;

  constructor(text: string, layout: Layout) {
    this.text = text;
    this.layout = layout;
  }
}

/** A list or an object of a JSON payload. */
export type JsonTree = Extract<JsonValue, object>;

/** What an expression gives: undefined where there is nothing, null for `""` in HL7 and null in JSON (delete). */
export type Value = string | number | boolean | null | undefined | RawText | JsonTree;

/** A mistake of one message, or of the map with it. The message of the error says neither content nor place; the step adds the place. */
export function faultyValue(reason: string): HubError {
  return new HubError('step-failed', 'permanent', reason);
}

/** As text: numbers and booleans as they are written; nothing and null stay what they are. */
export function asText(value: Value): string | null | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (value === undefined || value === null) return value;
  if (typeof value !== 'object') return String(value);
  if (value instanceof RawText)
    return value.layout.charset.decode(Buffer.from(value.text, 'latin1'), 0, value.text.length);
  throw faultyValue('a list or an object stands where a text is needed');
}
