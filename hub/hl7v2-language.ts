import { readHl7Path } from '../contracts/hl7v2-path.ts';
import { splitDocuments } from '../contracts/split/hl7-documents.ts';
import { splitHl7 } from '../contracts/split/hl7-split.ts';
import type { FormatLanguage } from '../core/config/format-language.ts';
import type { Hl7Message } from '../protocols/hl7v2/message.ts';

/**
 * HL7 paths in the keys and filters of YAML channels: `PID-3[5=MR]`, `OBX[8=HH][11=F]`. A path that no version of HL7 has is wrong.
 */
export const hl7v2Language: FormatLanguage<Hl7Message> = {
  format: 'hl7v2',
  path: (text, agreed) => {
    const path = readHl7Path(text, {}, agreed);
    return {
      values: path.field === 0 ? () => [] : (message) => message.all(path),
      exists: (message) => message.has(path),
    };
  },
  key: (texts, agreed) => {
    const paths = texts.map((text) => readHl7Path(text, {}, agreed));
    return (message) => message.keys(...paths);
  },
  split: splitHl7,
  documents: splitDocuments,
};
