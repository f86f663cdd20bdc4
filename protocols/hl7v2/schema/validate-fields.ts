import type { Delimiters } from '../delimiters.ts';
import { unescapeText } from '../escape.ts';
import type { Hl7Message } from '../message.ts';
import type { Segment } from '../segment.ts';
import type { DataType, FieldDefinition, Place, SegmentDefinition } from './definition.ts';
import type { Findings } from './findings.ts';
import { isSegmentName } from './grouped.ts';
import type { IssueCode, Severity } from './issue.ts';
import { isWritten, wayOfWriting } from './primitive.ts';

const DELETE = '""';
/** Types whose first component is a code of the field's table, unless their third says that it is of another system. */
const CODED = new Set(['CE', 'CF', 'CNE', 'CWE']);
/** The data types of OBX-2: any that the version has, the list is behind (CWE is not in that of 2.5.1). */
const VALUE_TYPES = '0125';
/** Where the type of a field that varies is told: OBX-5 in OBX-2, MFE-4 in MFE-5. */
const TYPE_FIELDS: Readonly<Record<string, number>> = { OBX: 2, MFE: 5 };

/** Reports what is wrong in the segments of a message, each by itself. */
export function validateFields(findings: Findings, message: Hl7Message): void {
  const counts = new Map<string, number>();
  for (const segment of message.segments()) {
    if (findings.full) return;
    const { name } = segment;
    if (!isSegmentName(name)) {
      findings.add('error', 'unknown-segment', '', segment.index, `line ${segment.index + 1} is no segment`);
      continue;
    }
    const occurrence = (counts.get(name) ?? 0) + 1;
    counts.set(name, occurrence);
    const definition = findings.definitions.segment(name);
    const path = `${name}[${occurrence}]`;
    if (definition) new SegmentCheck(findings, message.delimiters, segment, definition, path).run();
    else if (!name.startsWith('Z')) {
      const { version } = findings.definitions.schema;
      findings.add('warning', 'unknown-segment', path, segment.index, `HL7 ${version} has no segment ${name}`);
    }
  }
}

/** Looks at the fields of one segment, as they stand in its text. */
class SegmentCheck {
  readonly #findings: Findings;
  readonly #delimiters: Delimiters;
  readonly #index: number;
  readonly #definition: SegmentDefinition;
  readonly #path: string;
  readonly #fields: readonly string[];
  readonly #repetitionMark: string;
  readonly #componentMark: string;
  readonly #subcomponentMark: string;

  constructor(
    findings: Findings,
    delimiters: Delimiters,
    segment: Segment,
    definition: SegmentDefinition,
    path: string,
  ) {
    this.#findings = findings;
    this.#delimiters = delimiters;
    this.#index = segment.index;
    this.#definition = definition;
    this.#path = path;
    this.#repetitionMark = character(delimiters.repetition);
    this.#componentMark = character(delimiters.component);
    this.#subcomponentMark = character(delimiters.subcomponent);
    const fields = segment.text.split(character(delimiters.field));
    // Field n is at n: before the first stands the name; where a segment declares the delimiters, its first field is one.
    this.#fields = isHeader(definition.name)
      ? [definition.name, character(delimiters.field), ...fields.slice(1)]
      : fields;
  }

  run(): void {
    const { fields, name } = this.#definition;
    const verbatim = isHeader(name) ? 2 : 0;
    for (const field of fields) {
      const text = this.#fields[field.n];
      if (text !== undefined && text !== '') {
        if (field.n > verbatim) this.#field(field, text, `${this.#path}-${field.n}`);
      } else if (field.required) {
        this.#add('error', 'missing-field', `${this.#path}-${field.n}`, `missing ${described(name, field)}`);
      }
    }
    for (let n = fields.length + 1; n < this.#fields.length; n++) {
      if (this.#fields[n] === '') continue;
      this.#add('warning', 'extra-field', `${this.#path}-${n}`, `${name} has no field ${n}`);
      return;
    }
  }

  #field(field: FieldDefinition, text: string, path: string): void {
    const { name } = this.#definition;
    const repetitions = split(text, this.#repetitionMark);
    if (field.withdrawn) {
      this.#add('warning', 'withdrawn-field', path, `${described(name, field)} is no longer used`);
    }
    if (repetitions.length > field.max) {
      const limit = field.max === 1 ? 'does not repeat' : `repeats at most ${field.max} times`;
      this.#add('error', 'repeated-field', path, `${described(name, field)} ${limit}`);
    }
    const type = field.type === 'varies' ? this.#toldType() : field.type;
    repetitions.forEach((repetition, at) => {
      if (repetition === '' || repetition === DELETE) return;
      const place = repetitions.length > 1 || field.max > 1 ? `${path}[${at + 1}]` : path;
      // The length of a code is that of its table: OBX-2 of 2.5.1 is 2 long and holds TX as well as XPN.
      if (field.length !== undefined && type !== 'ID' && repetition.length > field.length) {
        this.#add('warning', 'too-long', place, `${described(name, field)} is longer than ${field.length}`);
      }
      if (type !== undefined) this.#repetition(type, field, repetition, place);
    });
  }

  #repetition(type: string, field: FieldDefinition, text: string, path: string): void {
    const definition = this.#findings.definitions.dataType(type);
    const components = split(text, this.#componentMark);
    if (!definition || definition.components.length === 0) {
      if (isFilledBeyond(components, 1)) this.#extra(type, 1, path);
      this.#leaf(type, field.table, components[0]!, path, true);
      return;
    }
    if (isFilledBeyond(components, definition.components.length)) this.#extra(type, definition.components.length, path);
    definition.components.forEach((component, at) => {
      const value = components[at];
      if (value === undefined || value === '' || value === DELETE) return;
      const table = at === 0 ? firstTable(type, field, component, components) : component.table;
      this.#component(type, component, table, value, `${path}.${at + 1}`);
    });
  }

  #component(around: string, component: Place, table: string | undefined, text: string, path: string): void {
    const definition = this.#findings.definitions.dataType(component.type);
    const parts = split(text, this.#subcomponentMark);
    if (!definition || definition.components.length === 0) {
      if (isFilledBeyond(parts, 1)) this.#extra(component.type, 1, path);
      this.#leaf(primitiveOf(around, component), table, parts[0]!, path);
      return;
    }
    if (isFilledBeyond(parts, definition.components.length))
      this.#extra(component.type, definition.components.length, path);
    definition.components.forEach((part, at) => {
      const value = parts[at];
      if (value === undefined || value === '' || value === DELETE) return;
      const own = at === 0 ? (part.table ?? (isCode(part.type) ? table : undefined)) : part.table;
      this.#leaf(this.#deepest(component.type, part), own, value, `${path}.${at + 1}`);
    });
  }

  /** A composite below the last level that can be written has only its first component there. */
  #deepest(around: string, part: Place): string {
    const definition: DataType | undefined = this.#findings.definitions.dataType(part.type);
    const first = definition?.components[0];
    return first ? primitiveOf(part.type, first) : primitiveOf(around, part);
  }

  /** @param whole it is all of its field: only then do the standard's codes bind, those inside data types grow between versions */
  #leaf(type: string, table: string | undefined, text: string, path: string, whole = false): void {
    if (text === '' || text === DELETE) return;
    if (!isWritten(type, text)) {
      this.#add('error', 'bad-value', path, `not ${wayOfWriting(type)} (${type})`);
      return;
    }
    const allowed = table === undefined ? undefined : this.#findings.definitions.codes(table);
    if (!allowed || allowed.codes.has(text) || allowed.codes.has(unescapeText(text, this.#delimiters))) return;
    if (table === VALUE_TYPES && allowed.from !== 'site' && this.#findings.definitions.dataType(text)) return;
    const binding = allowed.from === 'site' || (allowed.from === 'hl7' && whole && type === 'ID');
    this.#add(
      binding ? 'error' : 'warning',
      'not-in-table',
      path,
      `not a code of table ${table}${ofSite(allowed.from)}`,
    );
  }

  /** The type of a field that varies, where it is one that the version has. */
  #toldType(): string | undefined {
    const field = TYPE_FIELDS[this.#definition.name];
    const type = field === undefined ? undefined : this.#fields[field];
    return type !== undefined && this.#findings.definitions.dataType(type) ? type : undefined;
  }

  #extra(type: string, count: number, path: string): void {
    this.#add(
      'warning',
      'extra-component',
      path,
      `${type} has ${count === 1 ? 'one component' : `${count} components`}`,
    );
  }

  #add(severity: Severity, code: IssueCode, path: string, message: string): void {
    this.#findings.add(severity, code, path, this.#index, message);
  }
}

/** The table of the first component: its own, else the field's where that is what holds the code. */
function firstTable(
  type: string,
  field: FieldDefinition,
  first: Place,
  components: readonly string[],
): string | undefined {
  if (first.table !== undefined || field.table === undefined) return first.table;
  if (!CODED.has(type)) return isCode(first.type) ? field.table : undefined;
  const system = components[2] ?? '';
  return system === '' || system === `HL7${field.table}` ? field.table : undefined;
}

/** Whether a segment declares the delimiters, which stand verbatim in its fields 1 and 2. */
function isHeader(name: string): boolean {
  return name === 'MSH' || name === 'FHS' || name === 'BHS';
}

function isCode(type: string): boolean {
  return type === 'ID' || type === 'IS';
}

/** The type of a part; before 2.5 the time in TS is called ST. */
function primitiveOf(around: string, part: Place): string {
  return around === 'TS' && part.n === 1 ? 'TS' : part.type;
}

function isFilledBeyond(parts: readonly string[], count: number): boolean {
  for (let at = count; at < parts.length; at++) if (parts[at] !== '') return true;
  return false;
}

/** Most values have no delimiter of their level, and looking for it costs less than splitting. */
function split(text: string, delimiter: string): readonly string[] {
  return delimiter === '' || !text.includes(delimiter) ? [text] : text.split(delimiter);
}

function character(code: number): string {
  return code < 0 ? '' : String.fromCharCode(code);
}

function described(segment: string, { n, name }: FieldDefinition): string {
  return name === '' ? `${segment}-${n}` : `${segment}-${n} ${name}`;
}

function ofSite(from: 'hl7' | 'user' | 'site'): string {
  return from === 'site' ? " of the site's profile" : '';
}
