import type { Conversion } from '../conversion.ts';

/** A number as FHIR has it; undefined, with an issue, for what is none. Signs, blanks and leading zeros are understood. */
export function decimalOf(text: string, conversion: Conversion): number | undefined {
  const plain = text.trim();
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(plain) || plain.length > 18) {
    conversion.issue('bad-number', 'it is no number as HL7 writes them');
    return undefined;
  }
  return Number(plain);
}

/** Whether a number is written as FHIR would write it: what is not keeps its text beside it (`1.50`). */
export function isExact(text: string, value: number): boolean {
  return isShort(text) || String(value) === text;
}

const ZERO = 0x30;

/**
 * Whether digits, with a point among them or without, are certainly how a number is written: no more of them than a number is
 * exact to, and none at the ends that it would be without. To write the number takes ten times as long.
 */
function isShort(text: string): boolean {
  const { length } = text;
  if (length > 14) return false;
  let point = -1;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x2e && point < 0 && at > 0) point = at;
    else if (code < ZERO || code > 0x39) return false;
  }
  const whole = point < 0 ? length : point;
  // Of `0.0000001` another form is usual.
  if (text.charCodeAt(0) === ZERO && (whole > 1 || text.startsWith('0.000000'))) return false;
  return length > 0 && (point < 0 || (point < length - 1 && text.charCodeAt(length - 1) !== ZERO));
}

export function integerOf(text: string, least: number, conversion: Conversion): number | undefined {
  const value = decimalOf(text, conversion);
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && value >= least && value <= 2_147_483_647) return value;
  conversion.issue('bad-number', 'it is no whole number of the range that is needed here');
  return undefined;
}

/** A code: no blanks at its ends, and one at a time inside it. */
export function codeOf(text: string): string {
  if (isPlain(text)) return text;
  return /\s\s|[^\S ]/.test(text) ? text.replace(/\s+/g, ' ') : text;
}

/** Whether it is of printable ASCII without blanks, as most codes are. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return true;
}

const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/;

/** An absolute URI, or undefined. */
export function uriOf(text: string): string | undefined {
  return URI.test(text) ? text : undefined;
}

/** As validators have it: one that ends after two or three short arcs is none. */
export function isOid(text: string): boolean {
  return text.lastIndexOf('.') >= 5 && /^[0-2](\.(0|[1-9]\d*))+$/.test(text);
}

export function isUuid(text: string): boolean {
  return text.length === 36 && /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}

/** The URI of a universal identifier (HL7 table 0301); undefined where it is not one of a kind that has one. */
export function universalUri(id: string, kind: string | undefined): string | undefined {
  if (kind === undefined) {
    if (isOid(id)) return `urn:oid:${id}`;
    return isUuid(id) ? `urn:uuid:${id.toLowerCase()}` : uriOf(id);
  }
  switch (kind.toUpperCase()) {
    case 'ISO':
      return isOid(id) ? `urn:oid:${id}` : undefined;
    case 'UUID':
    case 'GUID':
      return isUuid(id) ? `urn:uuid:${id.toLowerCase()}` : undefined;
    case 'URI':
    case 'URL':
      return uriOf(id);
    case 'DNS':
      return /^[A-Za-z0-9.-]+$/.test(id) ? `urn:dns:${id}` : undefined;
    default:
      return undefined;
  }
}
