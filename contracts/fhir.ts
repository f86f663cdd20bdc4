import type { Bundle, Resource } from '@medplum/fhirtypes';
import { HubError } from '../core/errors.ts';
import type { Format } from '../core/format.ts';
import { ProtocolFault } from '../protocols/fault.ts';
import { largeStrings } from '../protocols/fhir/large-strings.ts';
import { type FhirResource, readResource } from '../protocols/fhir/resource.ts';

export type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';

/** The type of JSON as FHIR has it (hl7.org/fhir/R4/http.html#mime-type). */
export const fhirContentType = 'application/fhir+json';

/** The bytes that a value was read from. Decoded values are frozen, so that they still are its bytes. */
const received = new WeakMap<object, Uint8Array>();

/**
 * Any resource of FHIR R4 in JSON, bundles among them. A decoded value is frozen, and encoded again it is the very bytes that it
 * was read from, so that decimals keep their precision (`1.50`); in a new value numbers are written as JavaScript does.
 */
export const fhirResource: Format<Resource> = formatOf<Resource>('fhir.r4', () => true);

/** A bundle of FHIR R4 in JSON, of any type; otherwise like `fhirResource`. */
export const fhirBundle: Format<Bundle> = formatOf<Bundle>(
  'fhir.r4.Bundle',
  ({ resourceType }) => resourceType === 'Bundle',
);

function formatOf<T extends Resource>(id: string, isOne: (resource: FhirResource) => boolean): Format<T> {
  return {
    id,
    contentType: fhirContentType,
    decode: (raw) => {
      const value = read(raw, id);
      if (!isOne(value)) throw new HubError('decode-failed', 'permanent', `decoding ${id}: it is no bundle`);
      received.set(value, raw);
      return value as unknown as T;
    },
    encode: (value) => (received.get(value) && withoutMark(received.get(value)!)) ?? Buffer.from(written(value, id)),
    largeValues: largeStrings,
  };
}

function read(raw: Uint8Array, id: string): FhirResource {
  try {
    return readResource(raw);
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    throw new HubError('decode-failed', 'permanent', `decoding ${id}: ${fault.message}`, { cause: fault });
  }
}

function written(value: Resource, id: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // A cycle, or a nesting deeper than the stack.
  }
  if (text === undefined) throw new HubError('encode-failed', 'permanent', `encoding ${id}: not a JSON value`);
  return text;
}

/** RFC 8259 §8.1: a byte order mark is not to be sent. */
function withoutMark(raw: Uint8Array): Uint8Array {
  return raw[0] === 0xef && raw[1] === 0xbb && raw[2] === 0xbf ? raw.subarray(3) : raw;
}
