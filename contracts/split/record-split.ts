import { didYouMean } from '../../core/config/suggestion.ts';
import { HubError } from '../../core/errors.ts';
import { many, type TransformSpec } from '../../core/transform.ts';
import type { RecordFile, RecordFormat } from '../record-file.ts';

/**
 * Makes one file of each record of a type: `row` of delimited text. Records of other types that stand before the first are kept, each
 * record goes with those of other types that follow it. Throws HubError `config-invalid` for a type that the format does not have.
 */
export function splitRecords(format: RecordFormat, type: string): TransformSpec<RecordFile, RecordFile> {
  const types = [...format.recordTypes.keys()];
  if (!types.includes(type)) {
    const what = `${format.id} has no records ${type}${didYouMean(type, types)}`;
    throw new HubError('config-invalid', 'permanent', `${what}; it has ${types.join(', ')}`);
  }
  return Object.freeze({
    kind: 'transform' as const,
    type: 'split',
    config: { at: type },
    accepts: format,
    produces: format,
    create: () => (file: RecordFile) => many(parts(file, type).map((records) => ({ records }))),
  });
}

function parts({ records }: RecordFile, type: string): RecordFile['records'][] {
  const first = records.findIndex((each) => each.type === type);
  if (first < 0) return [];
  const found: RecordFile['records'][number][][] = [];
  for (const record of records.slice(first)) {
    if (record.type === type) found.push([...records.slice(0, first), record]);
    else found.at(-1)!.push(record);
  }
  return found;
}
