import { ProtocolFault } from '../../fault.ts';
import { compilePath, type Path, type Predicate } from '../path.ts';
import { ANY, type FieldDefinition, type Place, type SegmentDefinition } from './definition.ts';
import { type Definitions, definitionsOf, type SiteProfile } from './profile.ts';
import { type Schema, schemaOf } from './schema.ts';
import type { Structure } from './structure.ts';
import { nearest } from './suggest.ts';
import { VERSIONS } from './versions.ts';

/** What a path names, by the definitions of a version. */
export interface PathMeaning {
  readonly ok: true;
  /** `PID-5.1 Patient Name, Family Name`: the place, and what each level of it is called. */
  readonly title: string;
  /** The names from the segment inwards, as many as the path has levels; empty ones where there is no name. */
  readonly names: readonly string[];
  /** The data type; undefined for a segment, and where nothing is known of it (a site's own segment, OBX-5.1). */
  readonly type?: string;
  /** The table of its codes. */
  readonly table?: string;
  /** Whether it can occur more than once in a message: its field repeats. */
  readonly repeats: boolean;
  readonly withdrawn: boolean;
}

export interface PathProblem {
  readonly ok: false;
  /** What is wrong, for people: "PID has 39 fields in HL7 2.5.1". */
  readonly message: string;
  /** Paths that may have been meant, the likeliest first; may be empty. */
  readonly suggestions: readonly string[];
}

export interface CheckPathOptions {
  /** Paths into segments that this structure has no place for are problems. */
  readonly structure?: Structure;
  /** What its site's profile adds is known; other segments of a site's own (Z) are let through. */
  readonly profile?: SiteProfile;
}

/**
 * What a path names in messages of a version, or why it names nothing there: no such segment, field, component or
 * subcomponent, also in its selectors. Never throws.
 */
export function checkPath(
  schema: Schema,
  path: string | Path,
  options: CheckPathOptions = {},
): PathMeaning | PathProblem {
  const compiled = typeof path === 'string' ? compiledOrProblem(path) : path;
  if ('ok' in compiled) return compiled;
  return new PathCheck(definitionsOf(schema, options.profile), compiled, options.structure).run();
}

/** The title of what a path names (`PID-5.1 Patient Name, Family Name`); undefined where it names nothing. */
export function describePath(schema: Schema, path: string | Path, options: CheckPathOptions = {}): string | undefined {
  const checked = checkPath(schema, path, options);
  return checked.ok ? checked.title : undefined;
}

function compiledOrProblem(text: string): Path | PathProblem {
  try {
    return compilePath(text);
  } catch (fault) {
    if (fault instanceof ProtocolFault) return problem(fault.message);
    throw fault;
  }
}

class PathCheck {
  readonly #definitions: Definitions;
  readonly #path: Path;
  readonly #structure: Structure | undefined;
  readonly #version: string;

  constructor(definitions: Definitions, path: Path, structure: Structure | undefined) {
    this.#definitions = definitions;
    this.#path = path;
    this.#structure = structure;
    this.#version = `HL7 ${definitions.schema.version}`;
  }

  run(): PathMeaning | PathProblem {
    const { segment: name, segments, field: n } = this.#path;
    const segment = this.#definitions.segment(name);
    if (!segment) return name.startsWith('Z') ? meaning(name, []) : this.#noSegment();
    if (!this.#hasPlaceFor(name)) return this.#notInStructure();
    for (const predicate of segments.where) {
      const selected = this.#inSegment(segment, predicate.field, predicate);
      if (!selected.ok) return selected;
    }
    return n === 0
      ? meaning(name, [segment.title], { withdrawn: segment.withdrawn })
      : this.#inSegment(segment, n, this.#path);
  }

  #inSegment(segment: SegmentDefinition, n: number, place: Pick<Path | Predicate, 'component' | 'subcomponent'>) {
    const field = segment.fields[n - 1];
    if (!field) return this.#noField(segment, n);
    if (n === this.#path.field) {
      for (const predicate of this.#path.repetitions.where) {
        const selected = this.#inField(segment, field, predicate);
        if (!selected.ok) return selected;
      }
    }
    return this.#inField(segment, field, place);
  }

  #inField(segment: SegmentDefinition, field: FieldDefinition, place: Pick<Path, 'component' | 'subcomponent'>) {
    const text = `${segment.name}-${field.n}`;
    const names = [segment.title, field.name];
    const repeats = field.max > 1;
    const { type, table, withdrawn } = field;
    if (place.component === 0) return meaning(text, names, { type, table, repeats, withdrawn });
    // What varies has the components of whatever type another field names.
    if (type === 'varies') return meaning(placeText(text, place), names, { repeats, withdrawn });
    const component = this.#part(type, place.component);
    if (!component) return this.#noPart(text, type, place.component, 'component');
    const componentText = `${text}.${place.component}`;
    const componentNames = component === WHOLE ? names : [...names, component.name];
    const inner = component === WHOLE ? { type, table } : component;
    if (place.subcomponent === 0) return meaning(componentText, componentNames, { ...inner, repeats, withdrawn });
    const part = this.#part(inner.type, place.subcomponent);
    if (!part) return this.#noPart(componentText, inner.type, place.subcomponent, 'subcomponent');
    const partNames = part === WHOLE ? componentNames : [...componentNames, part.name];
    const deepest = part === WHOLE ? inner : part;
    return meaning(`${componentText}.${place.subcomponent}`, partNames, { ...deepest, repeats, withdrawn });
  }

  /** Part `n` of a type: a primitive is its own first part. */
  #part(type: string, n: number): Place | typeof WHOLE | undefined {
    const parts = this.#definitions.dataType(type)?.components ?? [];
    return parts.length === 0 && n === 1 ? WHOLE : parts[n - 1];
  }

  #hasPlaceFor(name: string): boolean {
    const names = this.#structure?.segmentNames;
    return !names || names.has(name) || names.has(ANY) || name.startsWith('Z') || isEnvelope(name);
  }

  #noSegment(): PathProblem {
    const { segment } = this.#path;
    const names = this.#structure ? this.#structure.segmentNames : this.#definitions.schema.segmentNames;
    const profiled = Object.keys(this.#definitions.profile.segments ?? {});
    return problem(`${this.#version} has no segment ${segment}`, this.#with(nearest(segment, [...names, ...profiled])));
  }

  #notInStructure(): PathProblem {
    const { segment } = this.#path;
    const { name, segmentNames } = this.#structure!;
    return problem(`${name} has no ${segment} in ${this.#version}`, this.#with(nearest(segment, segmentNames)));
  }

  #noField({ name, fields }: SegmentDefinition, n: number): PathProblem {
    const later = VERSIONS.slice(VERSIONS.indexOf(this.#definitions.schema.version) + 1);
    const since = later.find((version) => schemaOf(version).segment(name)?.fields[n - 1]);
    const note = since === undefined ? '' : `; ${name}-${n} came with HL7 ${since}`;
    const few = fields.length === 1 ? 'one field' : `${fields.length} fields`;
    return problem(`${name} has ${few} in ${this.#version}${note}`);
  }

  #noPart(place: string, type: string, n: number, level: 'component' | 'subcomponent'): PathProblem {
    const count = this.#definitions.dataType(type)?.components.length ?? 0;
    if (count === 0) return problem(`${place} is ${type} in ${this.#version}, which has no ${level} ${n}`, [place]);
    return problem(`${place} is ${type} in ${this.#version}, which has ${count} components`);
  }

  /** The path with another segment's name, where what follows it exists there. */
  #with(names: readonly string[]): string[] {
    const rest = this.#path.text.slice(3);
    return names.map((name) => name + rest).filter((text) => checkPath(this.#definitions.schema, text).ok);
  }
}

/** Says of a primitive that the part asked for is all of it. */
const WHOLE = Symbol('whole');

/** Batch headers and trailers, and MSH's continuation: in no structure, but at home around any. */
function isEnvelope(name: string): boolean {
  return name === 'FHS' || name === 'BHS' || name === 'BTS' || name === 'FTS' || name === 'ADD' || name === 'DSC';
}

function placeText(field: string, { component, subcomponent }: Pick<Path, 'component' | 'subcomponent'>): string {
  return subcomponent === 0 ? `${field}.${component}` : `${field}.${component}.${subcomponent}`;
}

interface Facts {
  readonly type?: string;
  readonly table?: string | undefined;
  readonly repeats?: boolean;
  readonly withdrawn?: boolean;
}

function meaning(text: string, names: readonly string[], facts: Facts = {}): PathMeaning {
  const { type, table, repeats = false, withdrawn = false } = facts;
  // The segment's own name would only lengthen the title of what is in it.
  const told = (names.length > 1 ? names.slice(1) : names).filter((name) => name !== '').join(', ');
  const title = told === '' ? text : `${text} ${told}`;
  return {
    ok: true,
    title,
    names,
    ...(type === undefined ? {} : { type }),
    ...(table === undefined ? {} : { table }),
    repeats,
    withdrawn,
  };
}

function problem(message: string, suggestions: readonly string[] = []): PathProblem {
  return { ok: false, message, suggestions };
}
