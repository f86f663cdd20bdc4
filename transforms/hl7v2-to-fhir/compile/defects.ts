import { readFileSync } from 'node:fs';
import { carriedOut } from '../row-names.ts';
import { type Compiled, conditionRepairs, type Handling } from './compile.ts';
import { readCondition } from './condition.ts';
import { readCsv } from './csv.ts';
import '../convert.ts';
import { dropped } from './overlay/dropped.ts';
import type { Sheets } from './sheets.ts';

/** A row of the maps that is known to be wrong. */
export interface Defect {
  readonly kind: string;
  readonly map: string;
  readonly row: number;
  readonly value: string;
}

/** The list of known defects that lies with the maps. */
export function defectsIn(folder: URL): Defect[] {
  const [, ...rows] = readCsv(readFileSync(new URL('DEFECTS.csv', folder), 'utf8'));
  return rows.map(([kind = '', map = '', , row = '', , , value = '']) => ({ kind, map, row: Number(row), value }));
}

/** How a defect is dealt with, in words; undefined where it is not. */
export function handlingOf(
  defect: Defect,
  sheets: Sheets,
  compiled: Compiled & { readonly handling: Handling },
): string | undefined {
  const { kind, map, row } = defect;
  const id = `${map} ${row}`;
  const overlay = compiled.handling.get(id);
  if (overlay) return overlay;
  const sheet = [...sheets.messages, ...sheets.segments, ...sheets.dataTypes].find((each) => each.map === map);
  const found = sheet?.rows.find(({ n }) => n === row);
  const rules = Object.values(compiled.segments).flat();
  const placed = rules.some((rule) => rule.id === id);
  const inCode = carriedOut().has(id) || dropped.has(id) || found?.target === '';
  switch (kind) {
    case 'condition: dialect':
    case 'condition: defect': {
      if (sheets.codeSystems.some((each) => each.map === map)) return 'a code that is not listed is told as an issue';
      const text = conditionRepairs[id] ?? found?.condition ?? '';
      if (found?.target === '') return 'the row has no target: its condition decides nothing';
      return text === '' || understood(text, found?.source || map) ? 'the condition is understood' : undefined;
    }
    case 'field newer than 2.8':
      return found?.target === ''
        ? 'the row has no target'
        : placed || inCode || sheets.messages.includes(sheet!)
          ? 'placed as any other'
          : undefined;
    case 'FHIR path':
    case 'assignment: odd quotes':
    case 'identifier of another datatype':
    case 'identifier of another segment':
      return placed || inCode ? 'placed' : undefined;
    case 'data type map: wrong case':
    case 'vocabulary map: other spelling':
      return placed || inCode || found?.target === ''
        ? 'names are compared without letter case, blanks and signs'
        : undefined;
    case 'assignment without a target':
      return found?.target === '' ? 'the row has no target: nothing is assigned' : undefined;
    case 'rows without a v2 code':
      return 'a row without a source code is passed over';
    case 'header':
      return 'columns are read by their place, those of codes by their headings';
    case 'white space round a code':
      return 'codes are trimmed';
    case 'target without segment map':
      return 'the plan says which maps a segment has';
    case 'segment map no message uses':
      return 'the plan says where a map is used';
    default:
      return undefined;
  }
}

function understood(text: string, subject: string): boolean {
  try {
    readCondition(text, subject.replace(/^.*\.(?=[A-Z])/, ''));
    return true;
  } catch {
    return false;
  }
}
