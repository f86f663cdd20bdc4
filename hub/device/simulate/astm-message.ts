import { dialectIn } from '../../../contracts/device-profile/astm-keys.ts';
import type { ContentOf } from '../../../contracts/device-profile/keys.ts';
import { build } from '../../../protocols/astm/build.ts';
import { dialectOf } from '../../../protocols/astm/dialect.ts';
import type { FieldInput, RecordInput } from '../../../protocols/astm/input.ts';
import { readPlace } from '../../../protocols/astm/path.ts';
import { timestamp } from '../../../protocols/astm/time.ts';
import type { PlayedValue } from './played-values.ts';

/** One specimen’s results, as the profile reads them. */
export function resultsMessage(
  { astm, points }: ContentOf<'astm'>,
  device: string,
  values: ReadonlyMap<string, PlayedValue>,
  specimen: string,
  now: number,
): Buffer {
  const dialect = dialectOf(dialectIn(astm));
  const results = points.flatMap((point): RecordInput[] => {
    const value = values.get(point.id);
    if (value === undefined) return [];
    const [code] = point.match;
    const unit = point.type === 'number' ? (point.writtenUnits?.[0] ?? point.unit) : undefined;
    const fields = fieldsOf([
      [dialect.testCode[0], code],
      [dialect.value[0], String(value)],
      [dialect.unit[0], unit],
      [dialect.completedAt[0], timestamp(now)],
    ]);
    return [{ type: 'R', fields: { ...fields, 9: 'F' } }];
  });
  const records: RecordInput[] = [
    { type: 'P' },
    { type: 'O', fields: fieldsOf([[dialect.specimenId[0], specimen]]) },
    ...results,
  ];
  const charset = astm.charset === undefined ? {} : { charset: astm.charset };
  const header = { fields: { ...fieldsOf([[dialect.headerInstrument[0], device]]), 14: timestamp(now) } };
  return Buffer.from(build({ ...charset, substitute: '?', header, records }).raw);
}

/** Fields by number, of values at places like `3.4`. */
function fieldsOf(
  values: readonly (readonly [place: string | undefined, value: string | undefined])[],
): Readonly<Record<number, FieldInput>> {
  const fields: Record<number, (string | undefined)[]> = {};
  for (const [text, value] of values) {
    if (text === undefined || value === undefined) continue;
    const { field, component } = readPlace(text);
    const components = (fields[field] ??= []);
    const at = Math.max(component, 1);
    while (components.length < at) components.push(undefined);
    components[at - 1] = value;
  }
  return fields;
}
