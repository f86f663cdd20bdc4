import type { FormatLanguage } from '../core/config/format-language.ts';
import { HubError } from '../core/errors.ts';
import type { AstmMessage } from '../protocols/astm/message.ts';
import { type Path, readPath } from '../protocols/astm/path.ts';
import { ProtocolFault } from '../protocols/fault.ts';

/**
 * LIS02-A2 paths in the keys and filters of YAML channels: `O-3` of every order, `R[2]-4` of the second result, `O-5.4`; `Q` alone for
 * whether there is such a record.
 */
export const astmLanguage: FormatLanguage<AstmMessage> = {
  format: 'astm',
  path: (text) => {
    if (/^[A-Z]$/.test(text)) return { values: () => [], exists: (message) => message.all(text).length > 0 };
    const path = read(text);
    return { values: (message) => message.every(path), exists: (message) => message.every(path).length > 0 };
  },
  key: (texts) => {
    const paths = texts.map(read);
    return (message) => paths.flatMap((path) => message.every(path));
  },
};

/** Throws HubError `config-invalid`. */
function read(text: string): Path {
  try {
    const path = readPath(text);
    // H-2 is the delimiters, which no two senders have for a reason.
    if (path.type !== 'H' || path.field !== 2) return path;
    throw wrong('H-2 is how the message is written, and no value');
  } catch (thrown) {
    if (!(thrown instanceof ProtocolFault)) throw thrown;
    throw wrong(`${thrown.message}: O-3, R[2]-4, O-5.4`, thrown);
  }
}

function wrong(what: string, cause?: unknown): HubError {
  return new HubError('config-invalid', 'permanent', what, { cause });
}
