import type { Bundle, BundleEntry, Device, Identifier, Location, Patient, Resource } from '@medplum/fhirtypes';
import { namedUuid } from '../../contracts/named-uuid.ts';
import type { VitalReadings } from '../../contracts/vitals.ts';
import { observationOf } from './observation.ts';
import { type Group, grouped } from './panels.ts';

export interface Options {
  readonly bundle: 'transaction' | 'collection';
  readonly status: 'preliminary' | 'final';
  readonly maxSkewMs: number;
  readonly systems: Readonly<Record<string, string>>;
}

/** The same event, the same bundle, its ids included. */
export function bundleOf(event: VitalReadings, options: Options): Bundle {
  const { device, profile, patient, receivedAt } = event;
  const [subject, location, specimen] = [event.subject, event.location, event.specimen].map(said);
  const isTransaction = options.bundle === 'transaction';
  const entry: BundleEntry[] = [];
  /** Whoever keeps patients, places and devices knows more of them than a device does: they are made only where there is none. */
  const known = <R extends Device | Location | Patient>(resource: R & { id: string; identifier: Identifier[] }) => {
    const [{ system, value } = {}] = resource.identifier;
    const ifNoneExist = `identifier=${encodeURIComponent(system!)}|${encodeURIComponent(value!)}`;
    const request = { method: 'POST' as const, url: resource.resourceType, ifNoneExist };
    entry.push({ fullUrl: `urn:uuid:${resource.id}`, resource, ...(isTransaction && { request }) });
    return { reference: `urn:uuid:${resource.id}` };
  };

  const deviceIs = known(deviceNamed(device));
  const subjectIs = patient
    ? known(patientOf(patient.identifiers, options.systems))
    : subject !== undefined
      ? known(locationNamed(subject, location))
      : deviceIs;
  const frame = {
    ...{ profile, receivedAt, subject: subjectIs, device: deviceIs, ofPatient: patient !== undefined },
    ...{ status: options.status, maxSkewMs: options.maxSkewMs },
    ...(specimen !== undefined && { specimen }),
  };
  const names = new Map<string, number>();
  for (const group of grouped(event.readings)) {
    const name = nameOf(event, group);
    const times = names.get(name) ?? 0;
    names.set(name, times + 1);
    const id = namedUuid(times === 0 ? name : `${name}\n${times}`);
    const resource: Resource = observationOf(id, group, frame);
    const request = { method: 'PUT' as const, url: `Observation/${id}` };
    entry.push({ fullUrl: `urn:uuid:${id}`, resource, ...(isTransaction && { request }) });
  }
  return { resourceType: 'Bundle', type: options.bundle, timestamp: receivedAt, entry };
}

/** What an Observation is known by: who measured what, and when by its own clock and count, or when it came in. */
function nameOf({ device, specimen, receivedAt }: VitalReadings, { readings: [first], panel }: Group): string {
  const { point, deviceTime, sequence } = first!;
  return ['observation', device, specimen, panel ?? point, deviceTime, sequence, receivedAt].join('\n');
}

/** FHIR has no text of nothing but blanks. */
const said = (text: string | undefined) => (text?.trim() ? text : undefined);

function deviceNamed(value: string) {
  return {
    resourceType: 'Device' as const,
    id: namedUuid(`device\n${value}`),
    identifier: [{ system: 'urn:weir:device', value }],
    deviceName: [{ name: value, type: 'user-friendly-name' as const }],
  };
}

function locationNamed(value: string, name: string | undefined) {
  return {
    resourceType: 'Location' as const,
    id: namedUuid(`location\n${value}`),
    identifier: [{ system: 'urn:weir:location', value }],
    name: name ?? value,
  };
}

function patientOf(
  identifiers: NonNullable<VitalReadings['patient']>['identifiers'],
  systems: Readonly<Record<string, string>>,
) {
  const identifier = identifiers.map(({ value, authority }) => ({ system: systemOf(authority, systems), value }));
  const [{ system, value } = { system: '', value: '' }] = identifier;
  return { resourceType: 'Patient' as const, id: namedUuid(`patient\n${system}|${value}`), identifier };
}

function systemOf(authority: string | undefined, systems: Readonly<Record<string, string>>): string {
  if (authority === undefined) return 'urn:weir:patient';
  if (Object.hasOwn(systems, authority)) return systems[authority]!;
  return /^[0-2](\.\d+)+$/.test(authority)
    ? `urn:oid:${authority}`
    : `urn:weir:hl7v2:namespace:${encodeURIComponent(authority)}`;
}
