import type { RecordFile, RecordFormat } from '../contracts/record-file.ts';
import { splitRecords } from '../contracts/split/record-split.ts';
import type { Erased } from '../core/channel.ts';
import type { FormatLanguage } from '../core/config/format-language.ts';
import { didYouMean } from '../core/config/suggestion.ts';
import { HubError } from '../core/errors.ts';
import type { Format } from '../core/format.ts';

/** Columns of delimited and fixed-width text in the keys and filters of YAML channels: the values of every record. */
function recordLanguage(format: RecordFormat): FormatLanguage<RecordFile> {
  const columns = new Set([...format.recordTypes.values()].flat());
  const valuesIn = (name: string) => {
    if (!columns.has(name)) {
      const what = `${format.id} has no column ${name}${didYouMean(name, columns)}`;
      throw new HubError('config-invalid', 'permanent', what);
    }
    return ({ records }: RecordFile) => records.flatMap(({ fields }) => fields[name] || []);
  };
  return {
    format: format.id,
    path: (name) => {
      const values = valuesIn(name);
      return { values, exists: (file) => values(file).length > 0 };
    },
    key: (names) => {
      const all = names.map(valuesIn);
      return (file) => all.flatMap((values) => values(file));
    },
    split: (type) => splitRecords(format, type),
  };
}

/** The language of a format of records; undefined for any other. */
export function recordLanguageFor(format: Format<Erased>): FormatLanguage<Erased> | undefined {
  return 'recordTypes' in format ? recordLanguage(format as RecordFormat) : undefined;
}
