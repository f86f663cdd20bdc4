import type { Outgoing } from '../message.ts';
import { type Place, placeCalled, readableBy, templateParts } from '../message-template.ts';

/** The name that a message's file gets. Never empty, never hidden, never with a separator: it cannot leave its directory. */
export type NameTemplate = (message: Outgoing<unknown>) => string;

const inFiles: Readonly<Record<string, Place>> = { seq: (message) => String(message.seq).padStart(12, '0') };

/**
 * Reads a template such as `${receivedAt:yyyyMMdd}-${messageId}-${n}.hl7`. Places: `messageId`, `n` (which of the outputs of one
 * message), `destination`, `effectId`, `channel`, `seq` (12 digits), `key`, `receivedAt:yyyyMMddHHmmssSSS` or any part of it (UTC),
 * and `meta.<name>`. In what is filled in, every character but letters, digits, `.`, `_` and `-` becomes `_`.
 * Throws SyntaxError that says what is wrong with it.
 */
export function nameTemplate(template: string): NameTemplate {
  if (/[\\/\0]/.test(template)) throw new SyntaxError('a file name holds no separators');
  const parts = templateParts<Place>(template, (text) => () => text, placeOf);
  return (message) => {
    let name = '';
    for (const part of parts) name += part(message);
    return name.startsWith('.') || name === '' ? `_${name}` : name;
  };
}

export const isNameTemplate = readableBy(nameTemplate);

function placeOf(name: string): Place {
  if (name.startsWith('receivedAt:')) return timeIn(name.slice('receivedAt:'.length));
  const place = placeCalled(name, inFiles);
  return (message) => safe(place(message));
}

function timeIn(pattern: string): Place {
  if (!/^(?:yyyy|MM|dd|HH|mm|ss|SSS|[-_.T])+$/.test(pattern))
    throw new SyntaxError(`${pattern} is not made of yyyy MM dd HH mm ss SSS`);
  return (message) => {
    const iso = new Date(message.receivedAt).toISOString();
    const digits: Readonly<Record<string, string>> = {
      yyyy: iso.slice(0, 4),
      MM: iso.slice(5, 7),
      dd: iso.slice(8, 10),
      HH: iso.slice(11, 13),
      mm: iso.slice(14, 16),
      ss: iso.slice(17, 19),
      SSS: iso.slice(20, 23),
    };
    return pattern.replaceAll(/yyyy|MM|dd|HH|mm|ss|SSS/g, (unit) => digits[unit] ?? unit);
  };
}

function safe(value: string): string {
  return value.replaceAll(/[^\p{L}\p{N}._-]/gu, '_');
}
