import { delimitedFormat, delimitedOptions } from '../../contracts/delimited.ts';
import { fixedWidthFormat, fixedWidthOptions } from '../../contracts/fixed-width.ts';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import type { KnownMessages } from '../../contracts/hl7v2-path.ts';
import { json } from '../../contracts/json.ts';
import type { RecordFormat } from '../../contracts/record-file.ts';
import type { Erased } from '../../core/channel.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { dotted, isMapping, onlyEntry, type Place, type YamlFile } from '../../core/config/yaml-file.ts';
import { bytes, type Format, noMeta } from '../../core/format.ts';
import { structureNames, unknownStructures } from './hl7-definitions.ts';
import { hl7v2Options } from './hl7v2-options.ts';

/** What a map reads, or writes. */
export interface Side {
  readonly kind: 'hl7v2' | 'json' | 'records';
  readonly format: Format<Erased>;
  /** Records only. */
  readonly types: RecordFormat['recordTypes'] | undefined;
  /** HL7 only, where the map says what is known of its messages. */
  readonly known: KnownMessages | undefined;
  /** For files whose layout the map itself says: they come as bytes. */
  readonly decode: ((payload: Uint8Array) => unknown) | undefined;
}

const kinds = ['hl7v2', 'delimited', 'fixedWidth'];

/** Reads `from:` or `to:`. What is wrong is noted in the file; that there is none is for the reader of the whole file to note. */
export function readSide(
  file: YamlFile,
  key: 'from' | 'to',
  value: unknown,
  name: string,
  formats: ReadonlyMap<string, Format<Erased>>,
): Side | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return contract(file, key, value, formats);
  const [kind, given] = onlyEntry(value) ?? [];
  const place = [key, kind ?? ''];
  switch (kind) {
    case 'hl7v2': {
      const known = readKnown(file, place, given);
      return known && { kind: 'hl7v2', format: hl7v2, types: undefined, known, decode: undefined };
    }
    case 'delimited': {
      const read = file.read(delimitedOptions, place, given);
      return read && recordSide(key, delimitedFormat(`${name}.delimited`, read));
    }
    case 'fixedWidth': {
      const read = file.read(fixedWidthOptions, place, given);
      return read && recordSide(key, fixedWidthFormat(`${name}.fixed-width`, read));
    }
    default:
      file.problem([key], 'value-invalid', `${key}: a format, or one of ${kinds.join(', ')} with its keys, is needed`);
      return undefined;
  }
}

function recordSide(key: 'from' | 'to', format: RecordFormat): Side {
  const { recordTypes: types } = format;
  if (key === 'to') return { kind: 'records', format, types, known: undefined, decode: undefined };
  const decode = (payload: Uint8Array) => format.decode(payload, noMeta);
  return { kind: 'records', format: bytes, types, known: undefined, decode };
}

function readKnown(file: YamlFile, place: Place, given: unknown): KnownMessages | undefined {
  const read = file.read(hl7v2Options, place, given ?? {});
  if (!read) return undefined;
  const { version, structures } = read;
  const known = { ...(version !== undefined && { version }), ...(structures && { structures }) };
  for (const name of unknownStructures(known)) {
    const at = [...place, 'structures', structures!.indexOf(name)];
    const hint = didYouMean(name, structureNames(version));
    file.problem(
      at,
      'value-invalid',
      `${dotted(at)}: HL7${version === undefined ? '' : ` ${version}`} has no structure ${name}${hint}`,
    );
  }
  return known;
}

function contract(
  file: YamlFile,
  key: 'from' | 'to',
  id: string,
  formats: ReadonlyMap<string, Format<Erased>>,
): Side | undefined {
  const known = new Map<string, Format<Erased>>([...formats, [hl7v2.id, hl7v2], [json.id, json]]);
  const format = known.get(id);
  if (!format) {
    file.problem([key], 'component-unknown', `${key}: there is no format ${id}${didYouMean(id, known.keys())}`);
    return undefined;
  }
  if (format.id === hl7v2.id) return { kind: 'hl7v2', format, types: undefined, known: undefined, decode: undefined };
  if (isRecordFormat(format))
    return { kind: 'records', format, types: format.recordTypes, known: undefined, decode: undefined };
  if (format.contentType === 'application/json')
    return { kind: 'json', format, types: undefined, known: undefined, decode: undefined };
  file.problem([key], 'value-invalid', `${key}: ${id} has no places that a map could name`);
  return undefined;
}

function isRecordFormat(format: Format<Erased>): format is RecordFormat {
  return isMapping(format) && 'recordTypes' in format && format.recordTypes instanceof Map;
}
