// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates are written so
import type { Meta } from '../../core/format.ts';

/** Text with places that a message's meta fills in. */
export type MetaTemplate = (meta: Meta) => string;

/**
 * Reads a template such as `Results of ${meta.hl7.controlId}`. What is filled in comes from meta alone, never from the payload;
 * what meta does not have is empty. Throws SyntaxError that says what is wrong with it.
 */
export function metaTemplate(template: string): MetaTemplate {
  const parts = template.split(/\$\{([^}]*)\}/).map((text, at): MetaTemplate => {
    if (at % 2 === 0) return () => text;
    if (!/^meta\..+$/.test(text)) throw new SyntaxError(`there is no place called ${text}; meta.<name> is one`);
    const name = text.slice('meta.'.length);
    return (meta) => (Object.hasOwn(meta, name) ? (meta[name] ?? '') : '');
  });
  if (template.replaceAll(/\$\{[^}]*\}/g, '').includes('${')) throw new SyntaxError('a ${ is not closed');
  return (meta) => parts.map((part) => part(meta)).join('');
}

export function isMetaTemplate(template: string): boolean {
  try {
    metaTemplate(template);
    return true;
  } catch {
    return false;
  }
}
