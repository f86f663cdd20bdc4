import { HubError } from '../../core/errors.ts';
import type { Scripts } from './context.ts';

const form = /^(\.{1,2}\/[^#]+\.ts)#([A-Za-z_$][\w$]*)$/;

/** The file and the function of `./names.ts#tidy`; undefined for what is not written so. */
export function readReference(text: string): { readonly file: string; readonly name: string } | undefined {
  const [, file, name] = form.exec(text) ?? [];
  return file === undefined || name === undefined ? undefined : { file, name };
}

/** Throws HubError `config-invalid`. */
export function scriptNamed(text: string, scripts: Scripts): (...given: readonly never[]) => unknown {
  const reference = readReference(text);
  if (!reference)
    throw new HubError(
      'config-invalid',
      'permanent',
      'a file beside the map and a function are needed: ./names.ts#tidy',
    );
  const found = scripts(reference.file, reference.name);
  if (!found)
    throw new HubError('config-invalid', 'permanent', `${reference.file} exports no function ${reference.name}`);
  return found;
}
