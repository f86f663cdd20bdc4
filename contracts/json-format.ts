import type { z } from 'zod';
import { HubError } from '../core/errors.ts';
import type { Format } from '../core/format.ts';

/**
 * JSON in UTF-8 whose shape a schema checks both ways. Errors name the place that is wrong (`patient.identifiers.0`) and what the
 * schema wants there, never what stands there.
 * @param id of the contract, with its version: `clinical.patient.v1`
 */
export function jsonFormat<S extends z.ZodType>(id: string, schema: S): Format<z.output<S>> {
  return {
    id,
    contentType: 'application/json',
    decode: (raw) => {
      const read = schema.safeParse(parsed(raw, id));
      if (read.success) return read.data;
      throw new HubError('decode-failed', 'permanent', `decoding ${id}: ${places(read.error)}`);
    },
    encode: (value) => {
      const read = schema.safeParse(value);
      if (read.success) return Buffer.from(JSON.stringify(read.data), 'utf8');
      throw new HubError('encode-failed', 'permanent', `encoding ${id}: ${places(read.error)}`);
    },
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parsed(raw: Uint8Array, id: string): unknown {
  try {
    return JSON.parse(utf8.decode(raw));
  } catch {
    // The parser's own text quotes the payload, so it is not passed on.
    throw new HubError('decode-failed', 'permanent', `decoding ${id}: not JSON in UTF-8`);
  }
}

/** Where a value is wrong and how, for at most five places: `visit.class: invalid_type`. */
function places(error: z.ZodError): string {
  const shown = error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || '(top level)'}: ${issue.code}`);
  const more = error.issues.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
