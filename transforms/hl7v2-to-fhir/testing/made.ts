import type { Resource } from '@medplum/fhirtypes';
import { type Hl7Message, parse } from '../../../protocols/hl7v2/message.ts';
import { type ConvertOptions, convert } from '../convert.ts';

export const MSH = 'MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500+0100||ADT^A01^ADT_A01|C1|P|2.5.1';
export const PID = 'PID|1||4711001^^^HOSP^MR||Berger^Anna^Maria^^^^L||19580417|F';

function hl7(...segments: readonly string[]): Hl7Message {
  return parse(Buffer.from(segments.map((segment) => `${segment}\r`).join('')));
}

/** A message converted: its resources by type, what they refer to, and what was told. */
export function made(segments: readonly string[], options: ConvertOptions = {}) {
  const { bundle, issues } = convert(hl7(...segments), options);
  const resources = (bundle.entry ?? []).map(({ resource }) => resource!);
  const byUrl = new Map((bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl, resource]));
  const all = <T extends Resource['resourceType']>(type: T) =>
    resources.filter(({ resourceType }) => resourceType === type) as Extract<Resource, { resourceType: T }>[];
  const follow = (reference: { reference?: string | undefined } | undefined) => byUrl.get(reference?.reference);
  return { bundle, issues, all, follow, codes: issues.map(({ code }) => code) };
}

/** A result message of one order with these segments. */
export function order(...segments: readonly string[]): string[] {
  return [
    MSH.replace('ADT^A01^ADT_A01', 'ORU^R01^ORU_R01'),
    PID,
    'OBR|1|P1|F1|24323-8^Panel^LN|||||||||||||||||||||F',
    ...segments,
  ];
}
