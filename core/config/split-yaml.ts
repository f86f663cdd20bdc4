import type { Erased } from '../channel.ts';
import { HubError } from '../errors.ts';
import type { Format } from '../format.ts';
import type { TransformSpec } from '../transform.ts';
import { splitKeys } from './channel-keys.ts';
import type { FormatLanguage } from './format-language.ts';
import { dotted, isMapping, type Place, type YamlFile } from './yaml-file.ts';

/** `split: OBR`, `split: { document: OBX-5 }`: a step that makes several messages of one. */
export function readSplit(
  file: YamlFile,
  place: Place,
  value: unknown,
  format: Format<Erased> | undefined,
  language: FormatLanguage<Erased> | undefined,
): TransformSpec<Erased, Erased> | undefined {
  if (typeof value === 'string')
    return made(file, place, value, language?.split && ((at) => language.split!(at)), format);
  if (!isMapping(value)) {
    const what = 'where to split is needed, as OBR, or what to split off, as { document: OBX-5 }';
    file.problem(place, 'value-invalid', `${dotted(place)}: ${what}`);
    return undefined;
  }
  const read = file.read(splitKeys, place, value);
  if (!read) return undefined;
  const documents = language?.documents && ((at: string) => language.documents!(at));
  return made(file, [...place, 'document'], read.document, documents, format);
}

function made(
  file: YamlFile,
  place: Place,
  at: string,
  make: ((at: string) => TransformSpec<Erased, Erased>) | undefined,
  format: Format<Erased> | undefined,
): TransformSpec<Erased, Erased> | undefined {
  if (!make) {
    // Of an unread format something has been said already.
    if (format && format.id !== '')
      file.problem(place, 'value-invalid', `${dotted(place)}: ${format.id} cannot be split in this way`);
    return undefined;
  }
  try {
    return make(at);
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    file.problem(place, 'path-invalid', `${dotted(place)}: ${thrown.message}`);
    return undefined;
  }
}
