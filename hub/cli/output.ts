import { stripVTControlCharacters } from 'node:util';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

/**
 * Columns as wide as what is in them, two spaces apart. Where a row is wider than the terminal, its last cell goes on below itself, or
 * below the line where that has hardly any room; nothing is cut, and what is not a terminal gets one line a row.
 * @param room characters on a line
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  room = process.stdout.columns ?? Number.POSITIVE_INFINITY,
): string {
  const before = columns.slice(0, -1);
  const left = widthsOf(before, rows).reduce((sum, each) => sum + each + 2, 0);
  const [title = '', ...lines] = laidOut(columns, rows).split('\n');
  const folded = lines.flatMap((line, index) => {
    const last = rows[index]?.[columns.length - 1] ?? '';
    if (width(line) <= room || width(last) < leastRoom) return [line];
    const beside = room - left >= leastRoom;
    const [indent, own] = beside ? [left, room - left] : [belowIndent, Math.max(leastRoom, room - belowIndent)];
    const head = line.slice(0, line.length - last.length).trimEnd();
    const [first = '', ...more] = fold(last, own);
    const rest = (beside ? more : [first, ...more]).map((each) => ' '.repeat(indent) + each);
    return [beside ? head.padEnd(indent) + first : head, ...rest];
  });
  return [title, ...folded].join('\n');
}

const belowIndent = 4;
/** A last cell with less is below the line, and a shorter one is left where it is. */
const leastRoom = 30;

/** At spaces, where there are any, else before a dot of a path. */
function fold(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const [space, dot] = [rest.lastIndexOf(' ', width), rest.lastIndexOf('.', width)];
    const at = space > 0 ? space : dot > 0 ? dot : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(space > 0 ? at + 1 : at);
  }
  return [...lines, rest];
}

function widthsOf(columns: readonly Column[], rows: readonly (readonly string[])[]): readonly number[] {
  return columns.map(({ title }, index) =>
    rows.reduce((most, row) => Math.max(most, width(row[index] ?? '')), title.length),
  );
}

function laidOut(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(columns, rows);
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        const gap = ' '.repeat(widths[index]! - width(cell));
        return align === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)].join('\n');
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** `2026-03-02 08:15:00`, local time; `-` for never. */
export function when(at: number | undefined): string {
  if (at === undefined) return '-';
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

/** `1.5 GB`, powers of 1,024. */
export function size(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `3 s`, `12 min`, `5 h`, `2 d`. */
export function age(ms: number | undefined): string {
  if (ms === undefined) return '';
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}
