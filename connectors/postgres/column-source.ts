import type { JsonValue } from '../../contracts/json.ts';
import type { Outgoing } from '../../core/message.ts';
import { type Place, placeCalled, templateParts } from '../../core/message-template.ts';
import { payloadPath } from './payload-path.ts';
import type { GivenValue } from './values/unfit.ts';

/** Where a value comes from, as a configuration says it. */
export type ColumnSource =
  | string
  | number
  | boolean
  | null
  | { readonly constant: string | number | boolean | null }
  | { readonly bytes: true };

/** Takes a value out of a message; its payload is only decoded where a value comes from it. */
export type TakeValue = (message: Outgoing<unknown>, payload: () => JsonValue) => GivenValue;

const more: Readonly<Record<string, Place>> = { receivedAt: (message) => new Date(message.receivedAt).toISOString() };

/** Throws SyntaxError for a path or template that cannot be read. */
export function valueFrom(source: ColumnSource): TakeValue {
  if (typeof source === 'string') return source.includes('${') ? template(source) : path(source);
  if (source === null || typeof source !== 'object') return () => source;
  if ('bytes' in source) return (message) => message.bytes;
  const { constant } = source;
  return () => constant;
}

/** The value that every message has there; undefined where they differ. */
export function constantOf(source: ColumnSource): { readonly value: GivenValue } | undefined {
  if (typeof source === 'string') return undefined;
  if (source === null || typeof source !== 'object') return { value: source };
  return 'constant' in source ? { value: source.constant } : undefined;
}

export function isSource(source: string): boolean {
  try {
    valueFrom(source);
    return true;
  } catch {
    return false;
  }
}

function path(text: string): TakeValue {
  const at = payloadPath(text);
  return (_, payload) => at(payload());
}

/** A template that is one place has no value where the message has none there. */
function template(text: string): TakeValue {
  const parts = templateParts<Place>(
    text,
    (plain) => () => plain,
    (name) => placeCalled(name, more),
  );
  const only = /^\$\{[^}]*\}$/.test(text);
  return (message) => {
    let filled = '';
    for (const part of parts) filled += part(message);
    return only && filled === '' ? undefined : filled;
  };
}
