import { ProtocolFault } from '../../fault.ts';
import { compilePath } from '../path.ts';
import { isSegmentName } from './grouped.ts';
import { ISSUE_CODES } from './issue.ts';
import type { SiteProfile } from './profile.ts';
import type { Schema } from './schema.ts';
import { nearest } from './suggest.ts';

/** What is wrong in a site's profile: where, as keys joined by dots (`segments.ZPI.fields.3.type`), and what. */
export interface ProfileProblem {
  readonly at: string;
  readonly message: string;
}

const FIELD_KEYS = ['name', 'type', 'required', 'max', 'length', 'table'];
/** As in paths: beyond it a number is taken for a mistake. */
const LAST_FIELD = 999;

/**
 * Whether something is a profile for messages of a version: shaped as `SiteProfile`, and its segments, fields, data types,
 * tables, structures and paths are such as there are. What has no problems is a `SiteProfile`.
 */
export function checkProfile(input: unknown, schema: Schema): ProfileProblem[] {
  const check = new ProfileCheck(schema);
  check.run(input);
  return check.problems;
}

/** The same question as a type guard. */
export function isSiteProfile(input: unknown, schema: Schema): input is SiteProfile {
  return checkProfile(input, schema).length === 0;
}

class ProfileCheck {
  readonly problems: ProfileProblem[] = [];
  readonly #schema: Schema;

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  run(input: unknown): void {
    if (!isRecord(input)) {
      this.#add('', 'a profile is a map');
      return;
    }
    this.#keys('', input, ['segments', 'tables', 'required', 'ignore']);
    for (const [name, segment] of this.#entries('segments', input.segments)) this.#segment(name, segment);
    for (const [id, codes] of this.#entries('tables', input.tables)) this.#table(id, codes);
    for (const [name, segments] of this.#entries('required', input.required)) this.#required(name, segments, input);
    if (input.ignore === undefined) return;
    if (!Array.isArray(input.ignore)) {
      this.#add('ignore', 'a list is expected');
      return;
    }
    for (const [index, ignored] of input.ignore.entries()) this.#ignored(`ignore.${index}`, ignored);
  }

  #segment(name: string, segment: unknown): void {
    const at = `segments.${name}`;
    if (!isSegmentName(name)) {
      this.#add(at, 'a segment has a name of three capitals or digits');
      return;
    }
    const standard = this.#schema.segment(name);
    if (!standard && !name.startsWith('Z')) {
      this.#add(
        at,
        `HL7 ${this.#schema.version} has no segment ${name}${asked(nearest(name, this.#schema.segmentNames))}`,
      );
    }
    if (!isRecord(segment)) {
      this.#add(at, 'a map is expected');
      return;
    }
    this.#keys(at, segment, ['title', 'fields']);
    this.#text(`${at}.title`, segment.title);
    for (const [key, field] of this.#entries(`${at}.fields`, segment.fields)) {
      const n = Number(key);
      if (Number.isInteger(n) && n >= 1 && n <= LAST_FIELD) this.#field(`${at}.fields.${key}`, field);
      else this.#add(`${at}.fields.${key}`, `a field has a number from 1 to ${LAST_FIELD}`);
    }
  }

  #field(at: string, field: unknown): void {
    if (!isRecord(field)) {
      this.#add(at, 'a map is expected');
      return;
    }
    this.#keys(at, field, FIELD_KEYS);
    this.#text(`${at}.name`, field.name);
    this.#text(`${at}.type`, field.type);
    this.#text(`${at}.table`, field.table);
    this.#whole(`${at}.max`, field.max);
    this.#whole(`${at}.length`, field.length);
    if (field.required !== undefined && typeof field.required !== 'boolean')
      this.#add(`${at}.required`, 'true or false is expected');
    const { type } = field;
    if (typeof type === 'string' && type !== 'varies' && !this.#schema.dataType(type)) {
      const near = asked(nearest(type, this.#schema.dataTypeNames));
      this.#add(`${at}.type`, `HL7 ${this.#schema.version} has no data type ${type}${near}`);
    }
  }

  #table(id: string, codes: unknown): void {
    const at = `tables.${id}`;
    if (!/^\d{4}$/.test(id)) this.#add(at, 'a table has a number of four digits');
    if (!isTexts(codes)) this.#add(at, 'a list of codes is expected');
    else if (codes.length === 0) this.#add(at, 'a table without codes would allow nothing');
  }

  #required(structure: string, segments: unknown, profile: Readonly<Record<string, unknown>>): void {
    const at = `required.${structure}`;
    if (structure !== '*' && !this.#schema.structure(structure)) {
      const near = asked(nearest(structure, this.#schema.structureNames));
      this.#add(at, `HL7 ${this.#schema.version} has no message structure ${structure}${near}`);
    }
    if (!isTexts(segments)) {
      this.#add(at, 'a list of segments is expected');
      return;
    }
    for (const name of segments) {
      const known = this.#schema.segment(name) || (isRecord(profile.segments) && Object.hasOwn(profile.segments, name));
      if (!known && !(isSegmentName(name) && name.startsWith('Z'))) {
        this.#add(at, `no segment ${name} is known${asked(nearest(name, this.#schema.segmentNames))}`);
      }
    }
  }

  #ignored(at: string, ignored: unknown): void {
    if (!isRecord(ignored)) {
      this.#add(at, 'a map is expected');
      return;
    }
    this.#keys(at, ignored, ['code', 'path']);
    const { code, path } = ignored;
    if (code === undefined && path === undefined)
      this.#add(at, 'a code, a path or both are expected: nothing is ignored as a whole');
    if (code !== undefined && !ISSUE_CODES.some((known) => known === code)) {
      this.#add(`${at}.code`, `no such issue${typeof code === 'string' ? asked(nearest(code, ISSUE_CODES)) : ''}`);
    }
    if (path !== undefined && !(typeof path === 'string' && isPlainPath(path))) {
      this.#add(`${at}.path`, 'a path without selectors is expected, as PID-8');
    }
  }

  #entries(at: string, value: unknown): [string, unknown][] {
    if (value === undefined) return [];
    if (isRecord(value)) return Object.entries(value);
    this.#add(at, 'a map is expected');
    return [];
  }

  #keys(at: string, record: object, allowed: readonly string[]): void {
    for (const key of Object.keys(record)) {
      if (!allowed.includes(key))
        this.#add(at === '' ? key : `${at}.${key}`, `not known here${asked(nearest(key, allowed))}`);
    }
  }

  #text(at: string, value: unknown): void {
    if (value !== undefined && typeof value !== 'string') this.#add(at, 'a text is expected');
  }

  #whole(at: string, value: unknown): void {
    if (value !== undefined && !(Number.isInteger(value) && Number(value) >= 0))
      this.#add(at, 'a whole number from 0 is expected');
  }

  #add(at: string, message: string): void {
    this.problems.push({ at, message });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isPlainPath(text: string): boolean {
  try {
    return compilePath(text).plain;
  } catch (fault) {
    if (fault instanceof ProtocolFault) return false;
    throw fault;
  }
}

function asked(suggestions: readonly string[]): string {
  return suggestions.length === 0 ? '' : `; did you mean ${suggestions.join(' or ')}?`;
}
