import type { ProfileFormat } from '../../core/config/profile-format.ts';
import { dotted, isMapping, type Place, type YamlFile } from '../../core/config/yaml-file.ts';
import type { SenderProfile } from '../../core/profile.ts';
import { checkProfile } from '../../protocols/hl7v2/schema/check-profile.ts';
import { schemaOf } from '../../protocols/hl7v2/schema/schema.ts';
import { hl7v2 } from '../hl7v2.ts';
import { type ProfileContent, profileKeys, siteKeys } from './keys.ts';
import { profileFrom } from './sender-profile.ts';

/** Profiles of senders of HL7 v2 messages, as `profiles/<name>.profile.yaml` has them. */
export const hl7v2Profiles: ProfileFormat = {
  format: hl7v2.id,
  keys: profileKeys,
  read: (file, value) => {
    const texts = withTexts(file, value);
    const read = file.read(profileKeys, [], texts);
    checkConformance(file, ['conformance'], texts.conformance);
    for (const [site, each] of Object.entries(isMapping(texts.sites) ? texts.sites : {}))
      if (isMapping(each)) checkConformance(file, ['sites', site, 'conformance'], each.conformance);
    return read;
  },
  create: (name, content, source: SenderProfile['source']) => profileFrom(name, content as ProfileContent, source),
};

/** What the schema has found wrong in it has been told. */
function checkConformance(file: YamlFile, place: Place, value: unknown): void {
  const conformance = siteKeys.shape.conformance.safeParse(value).data;
  if (!conformance) return;
  const { version, ...agreed } = conformance;
  for (const { at, message } of checkProfile(agreed, schemaOf(version ?? ''))) {
    const where = [...place, ...at.split('.')];
    file.keyProblem(where, 'value-invalid', `${dotted(where)}: ${message}`);
  }
}

/** Versions, tables and codes as they are written: YAML reads `2.5`, `0001` and `07` as numbers. */
function withTexts(file: YamlFile, value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const sites = isMapping(value.sites)
    ? Object.fromEntries(
        Object.entries(value.sites).map(([site, each]) => [site, siteTexts(file, ['sites', site], each)]),
      )
    : value.sites;
  const all = siteTexts(file, [], value) as Readonly<Record<string, unknown>>;
  return sites === undefined ? all : { ...all, sites };
}

function siteTexts(file: YamlFile, place: Place, value: unknown): unknown {
  if (!isMapping(value) || !isMapping(value.conformance)) return value;
  const at = [...place, 'conformance'];
  const { version, tables, segments, ...rest } = value.conformance;
  return {
    ...value,
    conformance: {
      ...rest,
      ...(version !== undefined && { version: written(file, [...at, 'version'], version) }),
      ...(tables !== undefined && { tables: tableTexts(file, [...at, 'tables'], tables) }),
      ...(segments !== undefined && { segments: segmentTexts(file, [...at, 'segments'], segments) }),
    },
  };
}

function tableTexts(file: YamlFile, place: Place, tables: unknown): unknown {
  if (!isMapping(tables)) return tables;
  return Object.fromEntries(
    Object.entries(tables).map(([id, codes]) => [
      fourDigits(id),
      Array.isArray(codes) ? codes.map((code, index) => written(file, [...place, id, index], code)) : codes,
    ]),
  );
}

function segmentTexts(file: YamlFile, place: Place, segments: unknown): unknown {
  return inEach(segments, (segment, name) =>
    isMapping(segment) && isMapping(segment.fields)
      ? {
          ...segment,
          fields: inEach(segment.fields, (field, n) =>
            isMapping(field) && typeof field.table === 'number'
              ? {
                  ...field,
                  table: fourDigits(String(written(file, [...place, name, 'fields', n, 'table'], field.table))),
                }
              : field,
          ),
        }
      : segment,
  );
}

function inEach(value: unknown, change: (each: unknown, key: string) => unknown): unknown {
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each, key)]));
}

function written<T>(file: YamlFile, place: Place, value: T): T | string {
  return typeof value === 'number' ? (file.textAt(place) ?? String(value)) : value;
}

function fourDigits(id: string): string {
  return /^\d{1,3}$/.test(id) ? id.padStart(4, '0') : id;
}
