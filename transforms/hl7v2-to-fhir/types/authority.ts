import type { CodeableConcept } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { kept, namespaceSystem } from '../urls.ts';
import { mapped } from '../vocabulary.ts';
import { codingOf } from './coded.ts';
import { codeOf, universalUri } from './primitive.ts';

/** The type of an identifier, a code of table 0203; another one is its own text. */
export function typeOf(code: string): CodeableConcept {
  const target = mapped('IdentifierType', code);
  if (target) return { coding: [codingOf(target)] };
  return { coding: [{ code: codeOf(code) }], text: code };
}

/** The system of an authority: what the site configures for its name, its universal identifier, else one made of its name. */
export function systemOf(authority: View, row: string, { systems }: Conversion): string | undefined {
  const name = authority.peek(1);
  const configured = name === undefined ? undefined : systems.get(name);
  if (configured !== undefined) return configured;
  const id = authority.peek(2);
  const uri = id === undefined ? undefined : universalUri(id, authority.peek(3));
  if (uri !== undefined) {
    authority.mark(2, row);
    authority.mark(3, row);
    return uri;
  }
  if (name === undefined) return id === undefined ? undefined : namespaceSystem(id);
  return systemOfName(name);
}

/** The system of an authority by its name: that is an identifier, or one is made of it. */
export const systemOfName = kept((name) => universalUri(name, undefined) ?? namespaceSystem(name));
