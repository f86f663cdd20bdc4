import { z } from 'zod';
import { defineEnvelope } from '../../core/collect.ts';

const config = z.strictObject({});

/** The messages, which are JSON each, as the elements of one array. Their bytes are not changed. */
export const jsonArray = defineEnvelope({
  type: 'json-array',
  summary: 'The messages, which have to be JSON, as the elements of one array.',
  contentType: 'application/json',
  config,
  examples: [{ title: 'Records for a bulk interface', config: {} }],
  wrap: (_config, parts) => {
    const pieces: Uint8Array[] = [Buffer.from('[')];
    for (const [index, part] of parts.entries()) pieces.push(Buffer.from(index === 0 ? '\n' : ',\n'), part);
    pieces.push(Buffer.from('\n]\n'));
    return Buffer.concat(pieces);
  },
});
