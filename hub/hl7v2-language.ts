import type { FormatLanguage } from '../core/config/format-language.ts';
import { HubError } from '../core/errors.ts';
import { ProtocolFault } from '../protocols/fault.ts';
import type { Hl7Message } from '../protocols/hl7v2/message.ts';
import { compilePath, type Path } from '../protocols/hl7v2/path.ts';

/** HL7 paths in the keys and filters of YAML channels: `PID-3[5=MR]`, `OBX[8=HH][11=F]`. */
export const hl7v2Language: FormatLanguage<Hl7Message> = {
  format: 'hl7v2',
  path: (text) => {
    const path = compiled(text);
    return {
      values: path.field === 0 ? () => [] : (message) => message.all(path),
      exists: (message) => message.has(path),
    };
  },
  key: (texts) => {
    const paths = texts.map(compiled);
    return (message) => message.keys(...paths);
  },
};

function compiled(text: string): Path {
  try {
    return compilePath(text);
  } catch (thrown) {
    if (!(thrown instanceof ProtocolFault)) throw thrown;
    throw new HubError('config-invalid', 'permanent', thrown.message, { cause: thrown });
  }
}
