import type { Meta } from '../../core/format.ts';
import { metaPlace, readableBy, templateParts } from '../../core/message-template.ts';

/** Text with places that a message's meta fills in. */
export type MetaTemplate = (meta: Meta) => string;

/**
 * Reads a template such as `Results of ${meta.hl7.controlId}`. What is filled in comes from meta alone, never from the payload;
 * what meta does not have is empty. Throws SyntaxError that says what is wrong with it.
 */
export function metaTemplate(template: string): MetaTemplate {
  const parts = templateParts<MetaTemplate>(
    template,
    (text) => () => text,
    (name) => {
      const place = metaPlace(name);
      if (!place) throw new SyntaxError(`there is no place called ${name}; meta.<name> is one`);
      return place;
    },
  );
  return (meta) => parts.map((part) => part(meta)).join('');
}

export const isMetaTemplate = readableBy(metaTemplate);
