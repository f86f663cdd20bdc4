import { HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { type Place, placeCalled, templateParts, withoutPlaces } from '../../core/message-template.ts';

/** A text with places that are filled in from a message. */
export type Template = (message: Outgoing<unknown>) => string;

const more: Readonly<Record<string, Place>> = { receivedAt: (message) => new Date(message.receivedAt).toISOString() };

/**
 * A path and query such as `/patients/${meta.mrn}/results?source=${channel}`. What is filled in is percent-encoded, so that it
 * stays inside its segment or parameter. Throws SyntaxError that says what is wrong with it. The template throws HubError
 * `encode-failed`, permanent, where a place is empty, or would make a segment `.` or `..`.
 */
export function pathTemplate(text: string): Template {
  const literal = withoutPlaces(text);
  if (!/^(?:[/?].*)?$/.test(text)) throw new SyntaxError('a path begins with / or ?');
  if (!/^[!-~]*$/.test(literal) || /[#\\"<>^`{|}]/.test(literal))
    throw new SyntaxError('a path holds characters that have to be percent-encoded');
  const parts = partsOf(text, (name, value) => {
    if (value === '') throw failed(`the place ${name} of the path is empty`);
    return percentEncoded(value, name);
  });
  return (message) => {
    const path = filled(parts, message);
    if (path.split('?')[0]?.split('/').some(isDotSegment)) throw failed('a segment of the path would be . or ..');
    return path;
  };
}

/** The value of a header. What is filled in keeps its visible ASCII and blanks; everything else is percent-encoded. */
export function headerTemplate(text: string): Template {
  const literal = withoutPlaces(text);
  if (!/^[ -~]*$/.test(literal)) throw new SyntaxError('a header holds visible ASCII and blanks only');
  const parts = partsOf(text, (name, value) =>
    value.replaceAll(/[^ -~]+/g, (characters) => percentEncoded(characters, name)),
  );
  return (message) => filled(parts, message).trim();
}

/** The headers of each message, by their templates; one that comes out empty is left out. */
export function headerTemplates(
  headers: Readonly<Record<string, string>>,
): (message: Outgoing<unknown>) => Record<string, string> {
  const templates = Object.entries(headers).map(([name, text]) => [name.toLowerCase(), headerTemplate(text)] as const);
  return (message) => {
    const filled: Record<string, string> = {};
    for (const [name, template] of templates) {
      const value = template(message);
      if (value !== '') filled[name] = value;
    }
    return filled;
  };
}

function partsOf(text: string, written: (name: string, value: string) => string): readonly Place[] {
  return templateParts<Place>(
    text,
    (plain) => () => plain,
    (name) => {
      const place = placeCalled(name, more);
      return (message) => written(name, place(message));
    },
  );
}

function filled(parts: readonly Place[], message: Outgoing<unknown>): string {
  let text = '';
  for (const part of parts) text += part(message);
  return text;
}

function percentEncoded(value: string, name: string): string {
  if (!value.isWellFormed()) throw failed(`the place ${name} holds half a character`);
  return encodeURIComponent(value);
}

function isDotSegment(segment: string): boolean {
  return /^(?:\.|%2e){1,2}$/i.test(segment);
}

function failed(what: string): HubError {
  return new HubError('encode-failed', 'permanent', `writing the request: ${what}`);
}
