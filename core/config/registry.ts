import type { z } from 'zod';
import type { Erased } from '../channel.ts';
import type { defineEnvelope } from '../collect.ts';
import type { Schedule } from '../collection.ts';
import type { Adapter, Connector, Filter, Transform } from '../define.ts';
import type { Format } from '../format.ts';
import type { DeviceProfileReader } from './device-profile-reader.ts';
import type { FormatLanguage } from './format-language.ts';
import type { ProfileFormat } from './profile-format.ts';
import { didYouMean } from './suggestion.ts';

type AnyAdapter = Adapter<z.ZodType, Erased>;
type AnyConnector = Connector<z.ZodType, Erased>;
type AnyTransform = Transform<z.ZodType, Erased, Erased>;
type AnyFilter = Filter<z.ZodType, Erased>;
type AnyEnvelope = ReturnType<typeof defineEnvelope<z.ZodType>>;

/** Everything that a YAML file can name, by its name. The hub builds it from the rooms' lists: nothing registers itself. */
export interface Registry {
  readonly adapters: ReadonlyMap<string, AnyAdapter>;
  readonly connectors: ReadonlyMap<string, AnyConnector>;
  readonly transforms: ReadonlyMap<string, AnyTransform>;
  readonly filters: ReadonlyMap<string, AnyFilter>;
  readonly formats: ReadonlyMap<string, Format<Erased>>;
  readonly languages: ReadonlyMap<string, FormatLanguage<Erased>>;
  /** The language of a format that is not among those: one that a map or a script makes. */
  readonly languageFor?: (format: Format<Erased>) => FormatLanguage<Erased> | undefined;
  readonly envelopes: ReadonlyMap<string, AnyEnvelope>;
  /** How sender profiles are read; where there is nothing, channels have none. */
  readonly profiles?: ProfileFormat;
  /** How device profiles are read; where there is nothing, they are not looked at. */
  readonly deviceProfile?: DeviceProfileReader;
  /** Reads when something is due; where there is nothing, channels have no schedules. */
  readonly schedule?: ScheduleReader;
}

/**
 * Reads a cron expression and an IANA zone as a schedule. Throws HubError `config-invalid` for one that is none, or that is never
 * due.
 */
export type ScheduleReader = (cron: string, zone: string) => Schedule;

export interface RegistryLists {
  readonly adapters: readonly Erased[];
  readonly connectors: readonly Erased[];
  readonly transforms?: readonly Erased[];
  readonly filters?: readonly Erased[];
  readonly formats: readonly Format<Erased>[];
  readonly languages: readonly FormatLanguage<Erased>[];
  readonly languageFor?: (format: Format<Erased>) => FormatLanguage<Erased> | undefined;
  readonly envelopes?: readonly Erased[];
  readonly profiles?: ProfileFormat;
  readonly deviceProfile?: DeviceProfileReader;
  readonly schedule?: ScheduleReader;
}

/** Throws where two things of one kind have one name: that is a mistake in Weir, not in a configuration. */
export function createRegistry(lists: RegistryLists): Registry {
  return Object.freeze({
    adapters: byName('adapter', lists.adapters as readonly AnyAdapter[], ({ type }) => type),
    connectors: byName('connector', lists.connectors as readonly AnyConnector[], ({ type }) => type),
    transforms: byName('transform', (lists.transforms ?? []) as readonly AnyTransform[], ({ type }) => type),
    filters: byName('filter', (lists.filters ?? []) as readonly AnyFilter[], ({ type }) => type),
    formats: byName('format', lists.formats, ({ id }) => id),
    languages: byName('format language', lists.languages, ({ format }) => format),
    envelopes: byName('envelope', (lists.envelopes ?? []) as readonly AnyEnvelope[], ({ type }) => type),
    ...(lists.languageFor && { languageFor: lists.languageFor }),
    ...(lists.profiles && { profiles: lists.profiles }),
    ...(lists.deviceProfile && { deviceProfile: lists.deviceProfile }),
    ...(lists.schedule && { schedule: lists.schedule }),
  });
}

function byName<T>(kind: string, list: readonly T[], nameOf: (each: T) => string): ReadonlyMap<string, T> {
  const map = new Map<string, T>();
  for (const each of list) {
    const name = nameOf(each);
    if (map.has(name)) throw new Error(`two ${kind}s are called ${name}`);
    map.set(name, each);
  }
  return map;
}

/** ` – did you mean mllp?`, or where no name is near `; known: file, mllp`, for the end of a sentence about an unknown name. */
export function unknownName(name: string, names: Iterable<string>): string {
  const all = [...names];
  return didYouMean(name, all) || choices(all);
}

/** `; known: file, mllp` for the end of a sentence about a name that is not among them. */
export function choices(names: Iterable<string>): string {
  const all = [...names].sort();
  return all.length === 0 ? '; none is known' : `; known: ${all.join(', ')}`;
}
