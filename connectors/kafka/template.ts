import type { Outgoing } from '../../core/message.ts';

/** A text with places that are filled in from a message as they are. */
export type Template = (message: Outgoing<unknown>) => string;

const fields: Readonly<Record<string, Template>> = {
  messageId: (message) => message.id,
  effectId: (message) => message.effectId,
  channel: (message) => message.channel,
  seq: (message) => String(message.seq),
  key: (message) => message.keys[0],
};

/**
 * Reads a template such as `adt.${meta.hl7.type}`. What is filled in comes from the message's identity and meta, never from its
 * payload; what meta does not have is empty. Throws SyntaxError that says what is wrong with it.
 */
export function template(text: string): Template {
  if (text.replaceAll(/\$\{[^}]*\}/g, '').includes('${')) throw new SyntaxError('a ${ is not closed');
  const parts = text
    .split(/\$\{([^}]*)\}/)
    .map((part, at): Template => (at % 2 === 0 ? () => part : placeCalled(part)));
  const [only] = parts;
  if (only && parts.length === 1) return only;
  return (message) => parts.map((part) => part(message)).join('');
}

function placeCalled(name: string): Template {
  if (name.startsWith('meta.') && name.length > 'meta.'.length) {
    const key = name.slice('meta.'.length);
    return (message) => (Object.hasOwn(message.meta, key) ? (message.meta[key] ?? '') : '');
  }
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (!field) throw new SyntaxError(`there is no place called ${name}`);
  return field;
}

export function isTemplate(text: string): boolean {
  try {
    template(text);
    return true;
  } catch {
    return false;
  }
}
