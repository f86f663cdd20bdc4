/** What Weir names itself: extensions for v2 values that FHIR has no element for, and systems for codes and authorities that say none. */
export const V2 = 'urn:weir:hl7v2:';

/** `urn:weir:hl7v2:PID-39`. */
export const v2Extension = kept((path) => `${V2}${path}`);

/** A note for the way back: the components that the parts of an element came from, where they are not the first ones. */
export function cameFrom(...components: readonly string[]): { readonly url: string; readonly valueString: string } {
  return { url: `${V2}at`, valueString: components.join(' ') };
}

/** A note for the way back: the field, or the segment, that an element came from. */
export function cameOf(place: string): { readonly url: string; readonly valueCode: string } {
  return { url: `${V2}from`, valueCode: place };
}

/** A note in a value that was kept: which one of its name the segment was there, and which repetition of the field it is, from 1. */
export function placed(
  segment: number,
  repetition: number | undefined,
): { readonly url: string; readonly valueString: string } {
  const parts = [
    ...(segment === 1 ? [] : [`segment=${segment}`]),
    ...(repetition === undefined ? [] : [`repetition=${repetition}`]),
  ];
  return { url: `${V2}place`, valueString: parts.join(' ') };
}

/** The system of identifiers of an authority that has a name and no universal identifier. */
export const namespaceSystem = kept((name) => `${V2}namespace:${encodeURIComponent(name)}`);

/** The system of codes whose coding system v2 names, and nobody else. */
export const codingSystem = kept((name) => `${V2}coding-system:${encodeURIComponent(name)}`);

/** A table of HL7 v2, `0203`. */
export const table = kept((id) => `http://terminology.hl7.org/CodeSystem/v2-${id}`);

const DATA_ABSENT = 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';

/** An element that has to be there and was not said. */
export const absent = { extension: [{ url: DATA_ABSENT, valueCode: 'unknown' }] } as const;

/** The same text for the same name: making it anew is most of what a short lookup costs. Names come from senders, so that they are not kept for ever. */
export function kept(make: (name: string) => string): (name: string) => string {
  const made = new Map<string, string>();
  return (name) => {
    let text = made.get(name);
    if (text === undefined) {
      if (made.size >= 2000) made.clear();
      made.set(name, (text = make(name)));
    }
    return text;
  };
}
