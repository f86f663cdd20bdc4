import type { DataType, FieldDefinition, SegmentDefinition } from './definition.ts';
import type { IssueCode } from './issue.ts';
import type { Schema } from './schema.ts';

/** What a site has agreed on beyond the standard. `checkProfile` says whether one is right. */
export interface SiteProfile {
  /** Segments of its own (Z) with their fields, and what differs in the standard's. */
  readonly segments?: Readonly<Record<string, SegmentProfile>>;
  /** The codes of a table instead of the standard's, by its four digits: fewer, or others. What is not listed is an error. */
  readonly tables?: Readonly<Record<string, readonly string[]>>;
  /** Segments that must be there, by message structure (`ADT_A01`), or for `*` in every message. */
  readonly required?: Readonly<Record<string, readonly string[]>>;
  /** What is not to be reported. */
  readonly ignore?: readonly IgnoredIssue[];
}

export interface SegmentProfile {
  readonly title?: string;
  /** By number, from 1. */
  readonly fields?: Readonly<Record<number, FieldProfile>>;
}

/** What is not given stays as the standard has it; in a segment of the site's own: ST, optional, once. */
export interface FieldProfile {
  readonly name?: string;
  readonly type?: string;
  readonly required?: boolean;
  /** How often it may repeat; 0 for any number. */
  readonly max?: number;
  readonly length?: number;
  readonly table?: string;
}

/** Both have to match, as far as given. */
export interface IgnoredIssue {
  readonly code?: IssueCode;
  /** `PID`, `PID-8` or `PID-3.4`: that place and all that is in it, in every segment and repetition. */
  readonly path?: string;
}

/** The definitions of a version as a site's profile changes them; without a profile as they are. */
export class Definitions {
  readonly schema: Schema;
  readonly profile: SiteProfile;
  readonly #segments = new Map<string, SegmentDefinition | undefined>();
  readonly #tables = new Map<string, AllowedCodes | undefined>();

  constructor(schema: Schema, profile: SiteProfile) {
    this.schema = schema;
    this.profile = profile;
  }

  segment(name: string): SegmentDefinition | undefined {
    const changes = own(this.profile.segments, name);
    if (!changes) return this.schema.segment(name);
    let segment = this.#segments.get(name);
    if (!segment) this.#segments.set(name, (segment = changed(name, this.schema.segment(name), changes)));
    return segment;
  }

  dataType(name: string): DataType | undefined {
    return this.schema.dataType(name);
  }

  /** The codes of a table; undefined where it is open, or not known. */
  codes(table: string): AllowedCodes | undefined {
    if (!this.#tables.has(table)) this.#tables.set(table, this.#codes(table));
    return this.#tables.get(table);
  }

  #codes(table: string): AllowedCodes | undefined {
    const codes = own(this.profile.tables, table);
    if (codes) return { codes: new Set(codes), from: 'site' };
    const standard = this.schema.table(table);
    return standard?.complete ? { codes: standard.codes, from: standard.kind } : undefined;
  }
}

export interface AllowedCodes {
  readonly codes: { has(code: string): boolean };
  readonly from: 'hl7' | 'user' | 'site';
}

const NO_PROFILE: SiteProfile = Object.freeze({});
const known = new WeakMap<SiteProfile, Map<Schema, Definitions>>();

/** The same object for the same schema and profile. */
export function definitionsOf(schema: Schema, profile: SiteProfile = NO_PROFILE): Definitions {
  let bySchema = known.get(profile);
  if (!bySchema) known.set(profile, (bySchema = new Map()));
  let definitions = bySchema.get(schema);
  if (!definitions) bySchema.set(schema, (definitions = new Definitions(schema, profile)));
  return definitions;
}

function changed(name: string, standard: SegmentDefinition | undefined, changes: SegmentProfile): SegmentDefinition {
  const fields = [...(standard?.fields ?? [])];
  for (const [key, change] of Object.entries(changes.fields ?? {})) {
    const n = Number(key);
    while (fields.length < n) fields.push(plainField(fields.length + 1));
    fields[n - 1] = changedField(fields[n - 1]!, change);
  }
  return { name, title: changes.title ?? standard?.title ?? '', withdrawn: false, fields };
}

function plainField(n: number): FieldDefinition {
  return { n, name: '', type: 'ST', required: false, max: 1, withdrawn: false };
}

function changedField(field: FieldDefinition, { max, ...change }: FieldProfile): FieldDefinition {
  const repeats = max === undefined ? field.max : max === 0 ? Number.POSITIVE_INFINITY : max;
  return { ...field, ...change, max: repeats, withdrawn: false };
}

/** What a record has of its own: names come from messages, `constructor` could be one. */
function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}
