import { type ReferenceSources, resolveReferences } from '../../core/config/references.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import type { Place } from '../../core/config/yaml-file.ts';
import { isMapping, type YamlFile } from '../../core/config/yaml-file.ts';
import { checkAlarms } from './check-alarms.ts';
import { checkModbus } from './check-modbus.ts';
import { checkBinary } from './check-serial.ts';
import { type Condition, readCondition } from './condition.ts';
import { ProfileFindings, type Report } from './findings.ts';
import {
  type AlarmKeys,
  type Content,
  type ContentKind,
  contentKeys,
  type Head,
  headKeys,
  type Transport,
} from './keys.ts';
import { DEVICE, type Scalar, variablesIn, withVariables } from './variables.ts';

/** An alarm of a profile, its conditions read. */
export interface DeviceAlarm extends Required<Pick<AlarmKeys, 'id' | 'title' | 'priority' | 'kind' | 'latching'>> {
  readonly when?: Condition;
  readonly clearWhen?: Condition;
  readonly noDataMs?: number;
  readonly raiseAfterMs: number;
  readonly clearAfterMs: number;
}

/** One device of a profile: what the profile says, with this device’s variables in it. */
export interface ProfiledDevice {
  readonly id: string;
  readonly location?: string;
  readonly content: Content;
  readonly alarms: readonly DeviceAlarm[];
  readonly route: { readonly topic: string; readonly key: string; readonly subject?: string };
}

/** What a `*.profile.yaml` in `devices/` says. Plain data. */
export interface DeviceProfile {
  readonly name: string;
  readonly title?: string;
  readonly transport: Transport;
  readonly devices: readonly ProfiledDevice[];
}

/**
 * Reads a device profile; undefined where it is wrong, with its problems in `file`.
 * @param references where `${…}` in variables lead
 */
export function readDeviceProfile(file: YamlFile, references: ReferenceSources): DeviceProfile | undefined {
  if (file.problems.length > 0) return undefined;
  const value = isMapping(file.value) ? file.value : {};
  const headNames = Object.keys(headKeys.shape);
  const head = file.read(
    headKeys,
    [],
    Object.fromEntries(Object.entries(value).filter(([key]) => headNames.includes(key))),
  );
  const kind = kindOf(value);
  const known = kind ? Object.keys(contentKeys[kind].shape) : undefined;
  const written = Object.fromEntries(Object.entries(value).filter(([key]) => known?.includes(key)));
  for (const key of Object.keys(value))
    if (known && !known.includes(key) && !headNames.includes(key))
      file.keyProblem([key], 'key-unknown', `${key}: no such key${didYouMean(key, [...headNames, ...known])}`);
  if (!head || !kind) return undefined;
  checkIds(head, file);
  const devices = new ProfileReader(file, head, kind, written, references).devices();
  if (file.problems.length > 0) return undefined;
  const { profile: name, title, transport } = head;
  return { name, ...(title !== undefined && { title }), transport, devices };
}

function kindOf({ transport, serial }: Readonly<Record<string, unknown>>): ContentKind | undefined {
  switch (transport as Transport | undefined) {
    case 'modbus-tcp':
    case 'modbus-rtu':
    case 'mqtt':
    case 'astm':
      return transport as ContentKind;
    case 'serial': {
      const framing = isMapping(serial) && isMapping(serial.framing) ? serial.framing.type : undefined;
      if (framing === 'nonin-2') return 'nonin';
      return framing === 'fixed' || framing === 'length-prefixed' ? 'binary' : 'text';
    }
    default:
      return undefined;
  }
}

function checkIds({ devices }: Head, file: YamlFile): void {
  const seen = new Set<string>();
  for (const [index, { id }] of devices.entries()) {
    if (seen.has(id))
      file.problem(['devices', index, 'id'], 'name-taken', `devices.${index}.id: another device is called ${id}`);
    seen.add(id);
  }
}

/** Reads what a profile says for each of its devices. */
class ProfileReader {
  readonly #file: YamlFile;
  readonly #head: Head;
  readonly #kind: ContentKind;
  readonly #written: unknown;
  readonly #references: ReferenceSources;
  readonly #findings: ProfileFindings;

  constructor(file: YamlFile, head: Head, kind: ContentKind, written: unknown, references: ReferenceSources) {
    this.#file = file;
    this.#head = head;
    this.#kind = kind;
    this.#written = written;
    this.#references = references;
    this.#findings = new ProfileFindings(file);
  }

  devices(): readonly ProfiledDevice[] {
    this.#checkUnused();
    const addresses = new Map<string, string>();
    return this.#head.devices.flatMap((device, index) => {
      const content = this.#contentOf(index);
      if (!content) return [];
      const report = this.#findings.reportFor(index);
      checkContent(content, report);
      const { address, place } = addressOf(content) ?? { address: `analyzer ${device.id}`, place: [] };
      const other = addresses.get(address);
      if (other !== undefined) report(place, 'value-invalid', `${device.id} would be read where ${other} is`);
      else addresses.set(address, device.id);
      return deviceOf(device, content);
    });
  }

  #contentOf(index: number): Content | undefined {
    const device = this.#head.devices[index]!;
    const scope = new Map<string, Scalar>([
      ...this.#resolved(this.#head.variables, ['variables']),
      ...this.#resolved(device.variables, ['devices', index, 'variables']),
      [DEVICE, device.id],
    ]);
    let isMissing = false;
    const value = withVariables(this.#written, scope, (name, place) => {
      isMissing = true;
      const declared = Object.keys({ ...this.#head.variables, ...device.variables });
      this.#file.problem(
        ['devices', index],
        'key-missing',
        `devices.${index}.variables.${name} is missing: ${place.join('.')} needs it${didYouMean(name, declared)}`,
      );
    });
    if (isMissing) return undefined;
    const schema = contentKeys[this.#kind];
    const before = this.#file.problems.length;
    const read = this.#file.read(schema, [], value, {}, ({ path, message }) =>
      this.#findings.isOwn(path, message, index),
    );
    return read && this.#file.problems.length === before ? ({ kind: this.#kind, ...read } as Content) : undefined;
  }

  /** A number that comes from a reference is one: references are texts. */
  #resolved(variables: Readonly<Record<string, Scalar>> | undefined, place: Place): [string, Scalar][] {
    return Object.entries(variables ?? {}).map(([name, given]) => {
      const value = resolveReferences(this.#file, [...place, name], given, this.#references) as Scalar;
      return [
        name,
        typeof value === 'string' && value !== given && /^-?\d{1,15}(?:\.\d+)?$/.test(value) ? Number(value) : value,
      ];
    });
  }

  #checkUnused(): void {
    const used = new Set(textsIn(this.#written).flatMap(variablesIn));
    const { variables = {}, devices } = this.#head;
    const unused = (names: readonly string[], place: Place) => {
      for (const name of names)
        if (name === DEVICE || !used.has(name))
          this.#file.keyProblem(
            [...place, name],
            'key-unknown',
            name === DEVICE
              ? `${name} is the device’s id`
              : `${[...place, name].join('.')}: nothing uses it${didYouMean(name, used)}`,
          );
    };
    unused(Object.keys(variables), ['variables']);
    for (const [index, device] of devices.entries())
      unused(Object.keys(device.variables ?? {}), ['devices', index, 'variables']);
  }
}

function checkContent(content: Content, report: Report): void {
  const ids = content.points.map(({ id }) => id);
  for (const [index, id] of ids.entries())
    if (ids.indexOf(id) < index) report(['points', index, 'id'], 'value-invalid', `another point is called ${id}`);
  checkAlarms(content, report);
  if (content.kind !== 'astm' && content.route.topic === 'lab.result.v1')
    report(['route', 'topic'], 'value-invalid', 'only an analyzer (transport astm) has laboratory results');
  switch (content.kind) {
    case 'modbus-tcp':
    case 'modbus-rtu':
      checkModbus(content.modbus, content.points, report);
      return;
    case 'binary':
      checkBinary(content.serial, content.points, report);
      return;
    case 'nonin':
    case 'text':
    case 'mqtt':
    case 'astm':
      return;
    default:
      content satisfies never;
  }
}

/** What no two devices of a profile can have, and where the profile says it. An analyzer is known by its connection. */
function addressOf(content: Content): { readonly address: string; readonly place: Place } | undefined {
  switch (content.kind) {
    case 'modbus-tcp': {
      const { host, port, unit } = content.modbus;
      return { address: `${host}:${port}/${unit}`, place: ['modbus', 'host'] };
    }
    case 'modbus-rtu':
      return { address: `${content.modbus.path}/${content.modbus.unit}`, place: ['modbus', 'unit'] };
    case 'nonin':
    case 'text':
    case 'binary':
      return { address: content.serial.path, place: ['serial', 'path'] };
    case 'mqtt':
      return { address: content.mqtt.topic, place: ['mqtt', 'topic'] };
    case 'astm':
      return undefined;
    default:
      return content satisfies never;
  }
}

function deviceOf({ id, location }: Head['devices'][number], content: Content): ProfiledDevice {
  const { topic = 'vitals.numeric.v1', key = id, subject } = content.route;
  return {
    id,
    ...(location !== undefined && { location }),
    content,
    alarms: content.alarms.map(alarmOf),
    route: { topic, key, ...(subject !== undefined && { subject }) },
  };
}

function alarmOf({ id, title, when, clearWhen, noDataMs, kind, ...rest }: AlarmKeys): DeviceAlarm {
  const silence = noDataMs !== undefined;
  return {
    ...rest,
    id,
    title: title ?? (silence ? `no data for ${noDataMs} ms` : when!),
    kind: kind ?? (silence ? 'technical' : 'physiological'),
    ...(when !== undefined && { when: readCondition(when) }),
    ...(clearWhen !== undefined && { clearWhen: readCondition(clearWhen) }),
    ...(silence && { noDataMs }),
  };
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
