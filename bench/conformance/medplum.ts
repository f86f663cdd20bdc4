import type { Resource } from '@medplum/fhirtypes';
import { validateResource } from '../../clients/fhir/validate.ts';
import type { Issue } from './issue.ts';

/** What @medplum/core finds wrong with a bundle by the definitions of R4: what a channel's `validation` would find. */
export function judgedByMedplum(text: string): Issue[] {
  const bundle = JSON.parse(text) as Resource & { readonly entry?: readonly { readonly resource?: Resource }[] };
  return validateResource(bundle)
    .filter(({ severity }) => severity === 'error')
    .map(({ code, path, message }) => ({ judge: 'medplum' as const, code, path: placeOf(path, bundle), message }));
}

/** `Bundle.entry[3].resource.code` as `Observation.code`. */
function placeOf(
  path: string,
  { entry = [] }: { readonly entry?: readonly { readonly resource?: Resource }[] },
): string {
  const [, at, rest = ''] = /^Bundle\.entry\[(\d+)\]\.resource(.*)$/.exec(path) ?? [];
  const place = at === undefined ? path : `${entry[Number(at)]?.resource?.resourceType}${rest}`;
  return place.replace(/\[\d+\]/g, '');
}
