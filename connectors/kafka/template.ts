import { type Place, placeCalled, templateParts } from '../../core/message-template.ts';

/** A text with places that are filled in from a message as they are. */
export type Template = Place;

/**
 * Reads a template such as `adt.${meta.hl7.type}`. What is filled in comes from the message's identity and meta, never from its
 * payload; what meta does not have is empty. Throws SyntaxError that says what is wrong with it.
 */
export function template(text: string): Template {
  const parts = templateParts<Place>(text, (plain) => () => plain, placeCalled);
  return (message) => parts.map((part) => part(message)).join('');
}

export function isTemplate(text: string): boolean {
  try {
    template(text);
    return true;
  } catch {
    return false;
  }
}
