import type { Meta } from './format.ts';
import type { Outgoing } from './message.ts';

/** What stands at a place of a template. */
export type Place = (message: Outgoing<unknown>) => string;

const places: Readonly<Record<string, Place>> = {
  messageId: (message) => message.id,
  n: (message) => message.effectId.slice(message.effectId.lastIndexOf('/') + 1),
  destination: (message) => message.effectId.split('/')[1] ?? '',
  effectId: (message) => message.effectId,
  channel: (message) => message.channel,
  seq: (message) => String(message.seq),
  key: (message) => message.keys[0],
};

/**
 * The parts of a text with places, `${…}`, in order. Throws SyntaxError where one is not closed, and what `place` throws.
 * @param plain makes a part of the text between places
 */
export function templateParts<P>(text: string, plain: (text: string) => P, place: (name: string) => P): readonly P[] {
  if (withoutPlaces(text).includes('${')) throw new SyntaxError('a ${ is not closed');
  return text.split(/\$\{([^}]*)\}/).map((part, at) => (at % 2 === 0 ? plain(part) : place(part)));
}

/** What of a template stands in every text that it gives. */
export function withoutPlaces(text: string): string {
  return text.replaceAll(/\$\{[^}]*\}/g, '');
}

/** `messageId`, `n`, `destination`, `effectId`, `channel`, `seq`, `key`, `meta.<name>`, or one of `more`. Throws SyntaxError for others. */
export function placeCalled(name: string, more: Readonly<Record<string, Place>> = {}): Place {
  const inMeta = metaPlace(name);
  if (inMeta) return ({ meta }) => inMeta(meta);
  const known = Object.hasOwn(more, name) ? more[name] : Object.hasOwn(places, name) ? places[name] : undefined;
  if (!known) throw new SyntaxError(`there is no place called ${name}`);
  return known;
}

/** `meta.<name>`; empty where the message has none of that name. Undefined for another place. */
export function metaPlace(place: string): ((meta: Meta) => string) | undefined {
  if (!/^meta\../s.test(place)) return undefined;
  const name = place.slice('meta.'.length);
  return (meta) => (Object.hasOwn(meta, name) ? (meta[name] ?? '') : '');
}

/**
 * A text with places that are filled in from a message as they are, such as `adt.${meta.hl7.type}`: from its identity and meta, never
 * from its payload; what meta does not have is empty. Throws SyntaxError that says what is wrong with it.
 */
export function messageTemplate(text: string): Place {
  const parts = templateParts<Place>(text, (plain) => () => plain, placeCalled);
  return (message) => parts.map((part) => part(message)).join('');
}

/** Whether a text can be read so. */
export function readableBy(read: (text: string) => unknown): (text: string) => boolean {
  return (text) => {
    try {
      read(text);
      return true;
    } catch {
      return false;
    }
  };
}

export const isMessageTemplate = readableBy(messageTemplate);

/** Whether it gives the same text for every message. */
export function isFixed(text: string): boolean {
  return withoutPlaces(text) === text;
}
