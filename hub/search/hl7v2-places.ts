import { readHl7Path } from '../../contracts/hl7v2-path.ts';
import { HubError } from '../../core/errors.ts';
import { normalised } from '../../core/search/normalise.ts';
import { unescapeText } from '../../protocols/hl7v2/escape.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Path } from '../../protocols/hl7v2/path.ts';

/** More than nearly every message has; of a longer one the first are found. */
const mostPlaces = 5_000;
/** In these field 1 is the delimiter behind the name itself, so that what stands first is field 2. */
const declaring = new Set(['MSH', 'FHS', 'BHS']);

/** How values are taken apart: delimiters as texts, empty where there is none, and what makes a value of what stands there. */
interface Reading {
  readonly repetition: string;
  readonly component: string;
  readonly subcomponent: string;
  readonly read: (text: string) => string;
}

/** A value as somebody gives it: without escapes, and with the usual delimiters between its parts. */
const asGiven: Reading = { repetition: '', component: '^', subcomponent: '&', read: (text) => text };

/**
 * Every value of a message with its place, once each: `PID-5.1=berger`, of a subcomponent beyond the first `PID-3.4.2=1.2.3`. Values
 * are decoded and normalised as identifiers are; which segment or repetition of several it was is left out.
 */
export function placesIn(message: Hl7Message | undefined): readonly string[] {
  if (!message) return [];
  const { delimiters } = message;
  const field = asText(delimiters.field);
  const mark = asText(delimiters.escape);
  const text = message.text();
  const escaped = mark !== '' && text.includes(mark);
  const decoded = (value: string) => (value.includes(mark) ? unescapeText(value, delimiters) : value);
  const reading: Reading = {
    repetition: asText(delimiters.repetition),
    component: asText(delimiters.component),
    subcomponent: asText(delimiters.subcomponent),
    read: escaped ? decoded : asGiven.read,
  };
  const isUsual = reading.component === '^' && reading.subcomponent === '&';
  const found = new Set<string>();
  for (const segment of text.split(/[\r\n]+/)) {
    const fields = segment.split(field);
    const name = (fields[0] ?? '').trim();
    const shift = declaring.has(name) ? 1 : 0;
    for (let at = 1 + shift; at < fields.length; at++) {
      if (found.size >= mostPlaces) return [...found];
      const value = fields[at]!;
      if (value === '') continue;
      const place = `${name}-${at + shift}`;
      for (const repetition of parts(value, reading.repetition)) addRepetition(found, place, repetition, reading);
      if (!isUsual || (escaped && value.includes(mark))) addAsGiven(found, place, value, reading);
    }
  }
  return [...found];
}

/** What `placesIn` has of every message that has `value` at `path`. Of a value that holds delimiters each part is looked for. */
export function placesOf(path: Path, value: string): readonly string[] {
  const { segment, field, component, subcomponent } = path;
  const found = new Set<string>();
  const name = `${segment}-${field}`;
  if (segment === 'MSH' && field < 3) return [];
  if (component === 0) addRepetition(found, name, value, asGiven);
  else if (subcomponent === 0) addComponent(found, name, component, value, asGiven);
  else addValue(found, place(name, component, subcomponent), value);
  return [...found];
}

/** The path of a search. Throws HubError `not-allowed` for one that HL7 does not have. */
export function searchPath(text: string): Path {
  let path: Path;
  try {
    path = readHl7Path(text.trim());
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    throw new HubError('not-allowed', 'permanent', `finding by path: ${thrown.message}`);
  }
  if (path.field > 0) return path;
  throw new HubError('not-allowed', 'permanent', 'finding by path: it names no field');
}

/** The same place, whichever segments and repetitions it is looked for in; a field stands for its component 1. */
export function plainPlace({ segment, field, component }: Path): string {
  return `${segment}-${field}.${Math.max(1, component)}`;
}

/** The parts of a field as they are when its repetitions, and their components, are decoded first: so a question is taken apart. */
function addAsGiven(found: Set<string>, name: string, text: string, { repetition, component, read }: Reading): void {
  for (const each of parts(text, repetition)) {
    addRepetition(found, name, read(each), asGiven);
    parts(each, component).forEach((part, at) => {
      addComponent(found, name, at + 1, read(part), asGiven);
    });
  }
}

function addRepetition(found: Set<string>, name: string, text: string, reading: Reading): void {
  const components = parts(text, reading.component);
  for (let at = 0; at < components.length; at++) addComponent(found, name, at + 1, components[at]!, reading);
}

function addComponent(found: Set<string>, name: string, number: number, text: string, reading: Reading): void {
  if (text === '') return;
  const values = parts(text, reading.subcomponent);
  for (let at = 0; at < values.length; at++) addValue(found, place(name, number, at + 1), reading.read(values[at]!));
}

function addValue(found: Set<string>, at: string, text: string): void {
  const value = text === '' || text === '""' ? undefined : normalised(text);
  if (value !== undefined) found.add(`${at}=${value}`);
}

function place(name: string, component: number, subcomponent: number): string {
  return subcomponent === 1 ? `${name}.${component}` : `${name}.${component}.${subcomponent}`;
}

function parts(text: string, delimiter: string): readonly string[] {
  return delimiter !== '' && text.includes(delimiter) ? text.split(delimiter) : [text];
}

function asText(delimiter: number): string {
  return delimiter < 0 ? '' : String.fromCharCode(delimiter);
}
