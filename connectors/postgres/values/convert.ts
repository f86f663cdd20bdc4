import type { ValueType } from '../../../clients/postgres/catalog.ts';
import { floating, integer, numeric } from './numbers.ts';
import { dates, instants, type TimeRules, wallTimes } from './times.ts';
import { type Convert, type GivenValue, textOf, Unfit } from './unfit.ts';

/**
 * How values become those of a type. What can be known here is checked here, so that a value is refused rather than cut short, rounded
 * or read in another zone; the rest (`inet`, ranges, `interval`, domains' constraints …) is checked by the database.
 */
export function converterFor(type: ValueType, rules: TimeRules): Convert {
  if (type.element) return lists(converterFor(type.element, rules));
  if (type.labels) return labelled(new Set(type.labels));
  switch (type.name) {
    case 'int2':
    case 'int4':
    case 'int8':
      return integer(type.name);
    case 'numeric':
      return numeric(type.modifier);
    case 'float4':
    case 'float8':
      return floating;
    case 'bool':
      return truth;
    case 'timestamptz':
      return instants(rules);
    case 'timestamp':
      return wallTimes(rules);
    case 'date':
      return dates;
    case 'json':
    case 'jsonb':
      return document;
    case 'bytea':
      return bytes;
    case 'uuid':
      return uuid;
    case 'varchar':
    case 'bpchar':
      return type.modifier < 4 ? textOf : limited(type.modifier - 4);
    default:
      return textOf;
  }
}

/** Types whose value may be the empty text; for others it says nothing. */
export function takesEmptyText(type: ValueType): boolean {
  return ['text', 'varchar', 'bpchar', 'citext', 'name', 'char', 'json', 'jsonb', 'bytea', 'tsvector', 'xml'].includes(
    type.name,
  );
}

function limited(length: number): Convert {
  return (value) => {
    const text = textOf(value);
    // Blanks at the end do not count (SQL's rule), and a character outside the basic plane counts once.
    if (text.length > length && [...text.replace(/ +$/, '')].length > length)
      throw new Unfit(`is longer than ${length} characters`);
    return text;
  };
}

function labelled(labels: ReadonlySet<string>): Convert {
  return (value) => {
    const text = textOf(value);
    if (!labels.has(text)) throw new Unfit(`is none of ${labels.size} values of its enum`);
    return text;
  };
}

const truths = new Set(['true', 't', 'yes', 'y', 'on', '1']);
const untruths = new Set(['false', 'f', 'no', 'n', 'off', '0']);

function truth(value: NonNullable<GivenValue>): string {
  const text = textOf(value).toLowerCase();
  if (truths.has(text)) return 'true';
  if (untruths.has(text)) return 'false';
  throw new Unfit('is neither true nor false');
}

function document(value: NonNullable<GivenValue>): string {
  if (!(value instanceof Uint8Array)) return JSON.stringify(value);
  const text = textOf(value);
  try {
    JSON.parse(text);
  } catch {
    throw new Unfit('is no JSON');
  }
  return text;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

function bytes(value: NonNullable<GivenValue>): string {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === 'string' && /^\\x(?:[0-9a-fA-F]{2})*$/.test(value)) return value;
  if (typeof value === 'string' && base64.test(value)) return hex(Buffer.from(value, 'base64'));
  throw new Unfit('is neither base64 nor hex digits after \\x');
}

function hex(value: Uint8Array): string {
  return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
}

function uuid(value: NonNullable<GivenValue>): string {
  const text = textOf(value).trim();
  if (!/^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text)) throw new Unfit('is no UUID');
  return text;
}

function lists(each: Convert): Convert {
  const literalOf = (value: NonNullable<GivenValue>): string => {
    if (!Array.isArray(value)) throw new Unfit('is no list');
    const items = (value as readonly GivenValue[]).map((item) => {
      if (item === null || item === undefined) return 'NULL';
      return Array.isArray(item) ? literalOf(item as NonNullable<GivenValue>) : quotedItem(each(item));
    });
    return `{${items.join(',')}}`;
  };
  return literalOf;
}

/** An item of an array literal. */
export function quotedItem(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
