import { HubError } from '../core/errors.ts';
import type { Format } from '../core/format.ts';
import { type AstmMessage, parse } from '../protocols/astm/message.ts';
import { ProtocolFault } from '../protocols/fault.ts';

/**
 * One LIS02-A2 message, H to L: what an analyzer sends and is sent. Encoding gives back the very bytes that were parsed or set. The
 * analyzer's character set, where it is not ISO 8859-1, travels as meta `astm.charset`.
 */
export const astm: Format<AstmMessage> = {
  id: 'astm',
  contentType: 'text/plain',
  decode: (raw, meta) => {
    const charset = meta['astm.charset'];
    try {
      return parse(raw, charset === undefined ? {} : { charset });
    } catch (fault) {
      if (!(fault instanceof ProtocolFault)) throw fault;
      throw new HubError('decode-failed', 'permanent', fault.message, { cause: fault });
    }
  },
  encode: (message) => message.raw,
};
