/** One line of `overlay/own-maps.ts`. */
export interface OwnRow {
  readonly n: number;
  readonly source: string;
  readonly target: string;
  readonly via: string;
  readonly vocabulary: string;
  readonly assignment: string;
  readonly condition: string;
}

const LINE = /^(\S+) > ([^#%=?]+?)(?: #(\S+))?(?: %(\S+))?(?: ="([^"]*)")?(?: \?(.+))?$/;

export function readOwnRows(map: string, text: string): OwnRow[] {
  const lines = text.split('\n').flatMap((line) => line.trim() || []);
  return lines.map((line, index) => {
    const found = LINE.exec(line);
    if (!found) throw new Error(`${map}: "${line}" is no rule`);
    const [, source = '', target = '', via = '', vocabulary = '', assignment = '', condition = ''] = found;
    return { n: index + 1, source, target, via, vocabulary, assignment, condition };
  });
}
