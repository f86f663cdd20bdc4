import { HubError } from '../core/errors.ts';
import type { Format } from '../core/format.ts';
import { ProtocolFault } from '../protocols/fault.ts';
import { readHeader } from '../protocols/hl7v2/header.ts';
import { largeValues } from '../protocols/hl7v2/large-values.ts';
import { type Hl7Message, parse } from '../protocols/hl7v2/message.ts';
import { validate } from '../protocols/hl7v2/schema/validate.ts';

/**
 * HL7 v2 in its pipe-and-hat encoding: decoding is lazy, encoding gives back the very bytes that were parsed or set.
 * A sender's character set override travels as meta `hl7.charset`.
 */
export const hl7v2: Format<Hl7Message> = {
  id: 'hl7v2',
  contentType: 'application/hl7-v2+er7',
  decode: (raw, meta) => {
    const charset = meta['hl7.charset'];
    try {
      return charset === undefined ? parse(raw) : parse(raw, { charset });
    } catch (fault) {
      if (!(fault instanceof ProtocolFault)) throw fault;
      throw new HubError('decode-failed', 'permanent', fault.message, { cause: fault });
    }
  },
  encode: (message) => message.raw,
  validate: (message) => validate(message),
  processingId: (raw) =>
    readHeader(raw)
      ?.bytesOf(11)
      .split(/[^A-Za-z]/, 1)[0] || undefined,
  largeValues: (raw, minBytes) => largeValues(raw, minBytes).map(({ start, end }) => [start, end] as const),
};
