import type { Format } from '../../../core/format.ts';
import { ProtocolFault } from '../../../protocols/fault.ts';
import { parse } from '../../../protocols/hl7v2/message.ts';
import { aligned } from './alignment.ts';
import type { Difference } from './found-difference.ts';
import { hl7Differences } from './hl7-difference.ts';

/**
 * What differs: of HL7 by segment and field, of JSON by key, else by line. Line ends, and empty fields at the end of a segment, make no
 * difference in HL7.
 */
export function differences(
  expected: Uint8Array,
  actual: Uint8Array,
  format?: Pick<Format<unknown>, 'id' | 'contentType'>,
): readonly Difference[] {
  if (Buffer.from(expected).equals(actual)) return [];
  if (isHl7(expected) && isHl7(actual)) {
    try {
      return hl7Differences(parse(expected), parse(actual));
    } catch (fault) {
      if (!(fault instanceof ProtocolFault)) throw fault;
    }
  }
  const [a, b] = [textOf(expected), textOf(actual)];
  if (a === undefined || b === undefined) return byteDifference(expected, actual);
  const isJson = format === undefined || /json/.test(`${format.id} ${format.contentType}`) || /^\s*[[{]/.test(b);
  const [before, after] = isJson ? [jsonOf(a), jsonOf(b)] : [];
  if (before && after) return jsonDifferences('', before.value, after.value);
  return lineDifferences(a, b);
}

/** `PID-5.1: expected "Berger", actual "BERGER"` */
export function describeDifference(
  { at, expected, actual }: Difference,
  [before, after] = ['expected', 'actual'],
): string {
  return `${at}: ${before} ${shown(expected)}, ${after} ${shown(actual)}`;
}

export function shown(value: string | undefined): string {
  if (value === undefined) return 'nothing';
  const text = value.length > 120 ? `${value.slice(0, 117)}…` : value;
  return text === '""' ? '"" (delete)' : JSON.stringify(text);
}

/** The text of bytes as a person reads it, each segment on a line; controls are shown, not obeyed. */
export function readable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8');
  return text
    .replace(/\r\n?/g, '\n')
    .replace(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g,
      (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
    .trimEnd();
}

/** The same with JSON on several lines. */
export function laidOut(bytes: Uint8Array): string {
  return laidOutJson(bytes) ?? readable(bytes);
}

/** JSON on several lines; undefined for what is no object and no list of JSON. */
export function laidOutJson(bytes: Uint8Array): string | undefined {
  const text = textOf(bytes);
  const json = text !== undefined && /^\s*[[{]/.test(text) ? jsonOf(text) : undefined;
  return json && JSON.stringify(json.value, undefined, 2);
}

export function isHl7(bytes: Uint8Array): boolean {
  return /^(?:\uFEFF)?\s*MSH/.test(Buffer.from(bytes.subarray(0, 64)).toString('utf8'));
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function byteDifference(expected: Uint8Array, actual: Uint8Array): readonly Difference[] {
  let at = 0;
  while (at < expected.length && expected[at] === actual[at]) at++;
  const hex = (bytes: Uint8Array) =>
    at < bytes.length ? Buffer.from(bytes.subarray(at, at + 8)).toString('hex') : undefined;
  return [{ at: `byte ${at}`, expected: hex(expected), actual: hex(actual) }];
}

function jsonDifferences(at: string, expected: unknown, actual: unknown): readonly Difference[] {
  const name = at || 'the value';
  if (isObject(expected) && isObject(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) => jsonDifferences(at ? `${at}.${key}` : key, expected[key], actual[key]));
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length);
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      jsonDifferences(`${at}[${index}]`, expected[index], actual[index]),
    );
  }
  if (JSON.stringify(expected) === JSON.stringify(actual)) return [];
  const written = (value: unknown) =>
    typeof value === 'string' ? value : value === undefined ? undefined : JSON.stringify(value);
  return [{ at: name, expected: written(expected), actual: written(actual) }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lineDifferences(expected: string, actual: string): readonly Difference[] {
  const lines = (text: string) => text.split(/\r\n|\r|\n/);
  const found = aligned(lines(expected), lines(actual), (line) => line, true).flatMap(([a, b], index) =>
    a?.item === b?.item
      ? []
      : [
          {
            at: `line ${(a ?? b)?.index === undefined ? index + 1 : (a ?? b)!.index + 1}`,
            expected: a?.item,
            actual: b?.item,
          },
        ],
  );
  return found.length > 0 ? found : [{ at: 'line ends', expected: ends(expected), actual: ends(actual) }];
}

function ends(text: string): string {
  return [...new Set(text.match(/\r\n|\r|\n/g) ?? [])].map((each) => JSON.stringify(each)).join(' ');
}
