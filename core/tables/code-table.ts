/** One row of a code table: what a code stands for, and when. */
export interface TableRow {
  /** By column, in the order of the table's columns; empty where the row says nothing. */
  readonly cells: readonly string[];
  /** In force from this instant, milliseconds since 1970; -Infinity: always was. */
  readonly from: number;
  /** In force before this instant; Infinity: for ever. */
  readonly until: number;
  /** Where it stands, for problems: from 1. */
  readonly line: number;
}

export interface TableHeader {
  readonly table: string;
  /** Who answers for its content: a person or a department. */
  readonly owner: string;
  readonly version: string;
  /** The column with the codes that are looked up. */
  readonly from: string;
  /** The column that a lookup gives when it names none. */
  readonly to: string;
}

/** Finds what a code stands for at an instant; undefined for a code that is not there, or not in force then. Pure. */
export type Lookup = (code: string, at: number) => string | undefined;

/** A code table: never changed, a new version is another object. */
export class CodeTable implements TableHeader {
  readonly table: string;
  readonly owner: string;
  readonly version: string;
  readonly from: string;
  readonly to: string;
  readonly columns: readonly string[];
  /** Of the file's bytes: part of the version of every channel that uses the table. */
  readonly hash: string;
  readonly file: string;
  readonly size: number;
  readonly #rows: readonly TableRow[];
  readonly #indexes = new Map<number, ReadonlyMap<string, readonly TableRow[]>>();

  constructor(header: TableHeader, columns: readonly string[], rows: readonly TableRow[], file: string, hash: string) {
    this.table = header.table;
    this.owner = header.owner;
    this.version = header.version;
    this.from = header.from;
    this.to = header.to;
    this.columns = columns;
    this.hash = hash;
    this.file = file;
    this.size = rows.length;
    this.#rows = rows;
  }

  /**
   * A lookup from one column to another; made once, asked often. Where several rows have the same value – possible in any column
   * but that of the codes – the first in the file that is in force answers.
   * @param to default: the table's target column
   * @param from default: the table's column of codes; another one looks up in reverse
   * Throws RangeError for a column that the table does not have.
   */
  lookup(to = this.to, from = this.from): Lookup {
    const index = this.#index(this.#column(from));
    const target = this.#column(to);
    return (code, at) => {
      const rows = index.get(code);
      if (rows === undefined) return undefined;
      for (const row of rows) if (at >= row.from && at < row.until) return row.cells[target];
      return undefined;
    };
  }

  #index(column: number): ReadonlyMap<string, readonly TableRow[]> {
    let index = this.#indexes.get(column);
    if (!index) {
      index = rowsByCode(this.#rows, column);
      this.#indexes.set(column, index);
    }
    return index;
  }

  #column(name: string): number {
    const at = this.columns.indexOf(name);
    if (at < 0) throw new RangeError(`the table ${this.table} has no column ${name}`);
    return at;
  }
}

/** Two rows of one code that are in force at the same time. */
export interface Overlap {
  readonly row: TableRow;
  readonly earlier: TableRow;
  /** Whether they are in force at exactly the same time: the code is there twice. */
  readonly same: boolean;
}

/** @param column that of the codes */
export function overlaps(rows: readonly TableRow[], column: number): readonly Overlap[] {
  const found: Overlap[] = [];
  for (const group of rowsByCode(rows, column).values()) {
    if (group.length === 1) continue;
    const sorted = group.toSorted((a, b) => a.from - b.from || a.line - b.line);
    let open = sorted[0]!;
    for (const row of sorted.slice(1)) {
      if (row.from < open.until) {
        const [earlier, later] = open.line < row.line ? [open, row] : [row, open];
        found.push({ row: later, earlier, same: row.from === open.from && row.until === open.until });
      }
      if (row.until > open.until) open = row;
    }
  }
  return found.sort((a, b) => a.row.line - b.row.line);
}

function rowsByCode(rows: readonly TableRow[], column: number): Map<string, TableRow[]> {
  const index = new Map<string, TableRow[]>();
  for (const row of rows) {
    const code = row.cells[column]!;
    const others = index.get(code);
    if (others) others.push(row);
    else index.set(code, [row]);
  }
  return index;
}
