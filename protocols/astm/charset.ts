import { ProtocolFault } from '../fault.ts';
import { type Charset, charsetNamed, latin1 } from '../hl7v2/charset.ts';

/**
 * The character set of that name. ISO 8859-1 unless something else is asked for: records do not say which it is, and it
 * has a character for each byte (LIS02-A2 §5.1).
 * @throws ProtocolFault astm.unknown-charset
 */
export function charsetOf(name: string | undefined): Charset {
  const charset = name === undefined ? latin1 : charsetNamed(name);
  if (!charset) throw new ProtocolFault('astm.unknown-charset', 'reading a message: the character set is not known');
  return charset;
}

/** @throws ProtocolFault astm.unencodable */
export function encode(charset: Charset, text: string, substitute: string | undefined): Buffer {
  try {
    return charset.encode(text, substitute);
  } catch (cause) {
    if (!(cause instanceof ProtocolFault)) throw cause;
    throw new ProtocolFault('astm.unencodable', cause.message, cause.offset);
  }
}
