import type { Problem } from '../../../core/config/problem.ts';
import { dotted, isMapping, type Place, type YamlFile } from '../../../core/config/yaml-file.ts';

const secretKey = /(?:pass(?:word|wd|phrase)|secret|token|api-?key|private-?key|^authorization)$/i;
const reference = /^\$\{(?:env|file):[^}]+\}$/;
const credentials = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/@:]+:[^\s/@]+@/i;

/** Whether it is worth looking: a text without any of this holds no secret. */
export const mayHoldSecrets = /pass(?:word|wd|phrase)|secret|token|api-?key|private-?key|authorization|:\/\/[^\s/]*@/i;

/** Values that look like a secret and are written out, in keys named like one or as credentials of an address. Never tells the value. */
export function literalSecrets(yaml: YamlFile): readonly Problem[] {
  const found: Problem[] = [];
  const add = (place: Place, message: string) =>
    found.push({
      file: yaml.file,
      ...yaml.position(place),
      code: 'value-invalid',
      message: `${dotted(place)}: ${message}`,
    });
  const look = (value: unknown, place: Place): void => {
    if (Array.isArray(value)) for (const [index, each] of value.entries()) look(each, [...place, index]);
    if (isMapping(value)) for (const [key, each] of Object.entries(value)) look(each, [...place, key]);
    if (typeof value !== 'string') return;
    const key = place.findLast((step) => typeof step === 'string') ?? '';
    if (credentials.test(value))
      add(place, 'an address with a password in it: the password belongs into an endpoint, as a reference');
    else if (secretKey.test(String(key)) && value !== '' && !reference.test(value))
      add(place, 'a secret is a reference, ${env:NAME} or ${file:path}');
  };
  look(yaml.value, []);
  return found;
}
