import { readdirSync, readFileSync } from 'node:fs';
import { readCsv } from './csv.ts';

/** One row of a map, as its sheet has it; cells are trimmed, and line breaks in them are blanks. */
export interface Row {
  /** From 1, both heading rows counted. */
  readonly n: number;
  readonly source: string;
  readonly condition: string;
  readonly narrative: string;
  readonly target: string;
  readonly type: string;
  readonly via: string;
  readonly vocabulary: string;
  readonly assignment: string;
  /** Of messages: what is referred to. */
  readonly references: string;
}

export interface Sheet {
  /** `PID[Patient]`, as the name of its file says. */
  readonly map: string;
  readonly rows: readonly Row[];
}

export interface CodeRow {
  readonly n: number;
  readonly code: string;
  readonly target: string;
  readonly display: string;
  readonly system: string;
}

export interface CodeSheet {
  readonly map: string;
  readonly rows: readonly CodeRow[];
}

export interface Sheets {
  readonly messages: readonly Sheet[];
  readonly segments: readonly Sheet[];
  readonly dataTypes: readonly Sheet[];
  readonly codeSystems: readonly CodeSheet[];
}

/** Reads the official maps from a folder that has them as they are published. Columns repeat names: they are read by place. */
export function readSheets(folder: URL): Sheets {
  return {
    messages: filesIn(folder, 'messages').map(([map, rows]) => ({ map, rows: rows.map(messageRow).slice(2) })),
    segments: filesIn(folder, 'segments').map(([map, rows]) => ({ map, rows: rows.map(row).slice(2) })),
    dataTypes: filesIn(folder, 'datatypes').map(([map, rows]) => ({ map, rows: rows.map(row).slice(2) })),
    codeSystems: filesIn(folder, 'codesystems').map(([map, rows]) => ({ map, rows: codeRows(rows) })),
  };
}

function filesIn(folder: URL, kind: string): [map: string, rows: string[][]][] {
  const place = new URL(`${kind}/`, folder);
  return readdirSync(place)
    .filter((name) => name.endsWith('.csv'))
    .sort()
    .map((name) => {
      const rows = readCsv(readFileSync(new URL(encodeURIComponent(name), place), 'utf8'));
      return [/(?:R4|Concept Map)_ ?(.*?) - /.exec(name)?.[1] ?? name, rows];
    });
}

const cell = (cells: readonly string[], at: number) => (cells[at] ?? '').replace(/\s+/g, ' ').trim();

function row(cells: readonly string[], index: number): Row {
  const at = (place: number) => cell(cells, place);
  return {
    n: index + 1,
    source: at(1),
    condition: at(6),
    narrative: at(8),
    target: at(9),
    type: at(11),
    via: at(14),
    vocabulary: at(15),
    assignment: at(16),
    references: '',
  };
}

function messageRow(cells: readonly string[], index: number): Row {
  return {
    ...row(cells, index),
    type: '',
    via: cell(cells, 10),
    vocabulary: '',
    assignment: '',
    references: cell(cells, 11),
  };
}

/** Their columns differ from sheet to sheet: the target's are found by their headings. */
function codeRows(rows: readonly string[][]): CodeRow[] {
  const headings = (rows[1] ?? []).map((heading) => heading.trim());
  const code = headings.lastIndexOf('Code');
  const display = headings.lastIndexOf('Display');
  const system = headings.lastIndexOf('Code System');
  return rows.slice(2).map((cells, index) => ({
    n: index + 3,
    code: cell(cells, 0),
    target: cell(cells, code),
    // `PatientClass[EncounterClass]` has its displays in the column without a heading.
    display: cell(cells, display) || (display === code + 2 ? cell(cells, code + 1) : ''),
    system: cell(cells, system),
  }));
}
