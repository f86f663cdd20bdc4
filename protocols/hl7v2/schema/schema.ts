import { atLeast } from '../version.ts';
import { decodeDataType, decodeSegment, decodeTable, decodeTree } from './decode.ts';
import type { CodeTable, DataType, SegmentDefinition } from './definition.ts';
import dataTypes from './generated/data-types.json' with { type: 'json' };
import events from './generated/events.json' with { type: 'json' };
import segments from './generated/segments.json' with { type: 'json' };
import structures from './generated/structures.json' with { type: 'json' };
import tables from './generated/tables.json' with { type: 'json' };
import { Structure } from './structure.ts';
import { VERSIONS, type Version } from './versions.ts';

/** What is taken where a message names no version, or something that is none: the one that most messages are in. */
const USUAL: Version = '2.5.1';

const opened = new Map<Version, Schema>();

/**
 * The definitions of a version of HL7 v2 (MSH-12.1). One that there are none for is taken as the newest before it (2.8.2
 * and 2.9 as 2.8, 2.0 as 2.1); an empty or unreadable one as 2.5.1. A version is opened when it is first asked for, and each
 * of its definitions is read when that is; both are kept.
 */
export function schemaOf(version: string): Schema {
  const exact = opened.get(version as Version);
  if (exact) return exact;
  const nearest = nearestVersion(version);
  let schema = opened.get(nearest);
  if (!schema) opened.set(nearest, (schema = new Schema(nearest)));
  return schema;
}

/** Which version's definitions `schemaOf` takes. */
export function nearestVersion(version: string): Version {
  if (!/^\d/.test(version)) return USUAL;
  const known = VERSIONS.findLast((candidate) => {
    const [major = 0, minor = 0, patch = 0] = candidate.split('.').map(Number);
    return atLeast(version, major, minor, patch);
  });
  return known ?? VERSIONS[0];
}

/** The definitions of one version: facts, the same object at every call. */
export class Schema {
  readonly version: Version;
  readonly #segments: Kept<SegmentDefinition>;
  readonly #dataTypes: Kept<DataType>;
  readonly #tables: Kept<CodeTable>;
  readonly #structures: Kept<Structure>;
  readonly #events: ReadonlyMap<string, string>;

  constructor(version: Version) {
    const bit = VERSIONS.indexOf(version);
    this.version = version;
    this.#segments = new Kept(linesOf(segments, bit), decodeSegment);
    this.#dataTypes = new Kept(linesOf(dataTypes, bit), decodeDataType);
    this.#tables = new Kept(linesOf(tables, bit), decodeTable);
    this.#structures = new Kept(
      linesOf(structures, bit),
      (name, body) => new Structure(version, decodeTree(name, body)),
    );
    this.#events = linesOf(events, bit);
  }

  segment(name: string): SegmentDefinition | undefined {
    return this.#segments.get(name);
  }

  dataType(name: string): DataType | undefined {
    return this.#dataTypes.get(name);
  }

  /** @param id four digits, `0001` */
  table(id: string): CodeTable | undefined {
    return this.#tables.get(id);
  }

  /** @param name as in MSH-9.3, `ADT_A01` */
  structure(name: string): Structure | undefined {
    return this.#structures.get(name);
  }

  /** The name of the structure that a message code and trigger event use: `ADT`, `A04` → `ADT_A01`. */
  structureNameFor(code: string, event: string): string | undefined {
    return code === 'ACK' ? 'ACK' : this.#events.get(`${code}^${event}`);
  }

  get segmentNames(): string[] {
    return this.#segments.names();
  }
  get dataTypeNames(): string[] {
    return this.#dataTypes.names();
  }
  get tableIds(): string[] {
    return this.#tables.names();
  }
  get structureNames(): string[] {
    return this.#structures.names();
  }
  /** `ADT^A01` and so on: every message code with a trigger event that there is a structure for. */
  get events(): string[] {
    return [...this.#events.keys()];
  }
}

/** Definitions by name, read from their bodies when first asked for. */
class Kept<T> {
  readonly #bodies: ReadonlyMap<string, string>;
  readonly #read: (name: string, body: string) => T;
  readonly #kept = new Map<string, T>();

  constructor(bodies: ReadonlyMap<string, string>, read: (name: string, body: string) => T) {
    this.#bodies = bodies;
    this.#read = read;
  }

  get(name: string): T | undefined {
    const kept = this.#kept.get(name);
    if (kept !== undefined) return kept;
    const body = this.#bodies.get(name);
    if (body === undefined) return undefined;
    const value = this.#read(name, body);
    this.#kept.set(name, value);
    return value;
  }

  names(): string[] {
    return [...this.#bodies.keys()];
  }
}

/** The bodies by name of those lines, `<versions> <name> <body>`, whose versions have this bit. */
function linesOf(lines: readonly string[], bit: number): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const first = line.indexOf(' ');
    if (((Number.parseInt(line, 16) >> bit) & 1) === 0) continue;
    const second = line.indexOf(' ', first + 1);
    found.set(line.slice(first + 1, second), line.slice(second + 1));
  }
  return found;
}
