/** A populated subcomponent: the least that can be lost. */
export class Leaf {
  /** Decoded; `""` as it stands. */
  readonly text: string;
  /** `""`: the sender asks to delete what is there (HL7 2.5.1 §2.5.3). */
  readonly deletes: boolean;
  /** What became of it: the row that took it, or `keep` or `ignore`; undefined while nothing has. */
  mark: string | undefined = undefined;

  constructor(text: string) {
    this.text = text;
    this.deletes = text === '""';
  }
}

export type Leaves = readonly (Leaf | undefined)[];

/** What reads texts as the message writes them. */
interface Texts {
  /** The text of a value that is not divided. */
  text(raw: string): string;
}

/** One repetition of a field, or a component seen as one: what converters read, and mark as they do. */
export class View {
  /** By component from 0 its first subcomponent; undefined where nothing is. */
  readonly parts: Leaves;
  /** Whether anything but `""` is in it. */
  readonly valued: boolean;
  /** The first element that was made of it, for what it does not hold. */
  element: object | undefined = undefined;
  /** By component from 0 all of its subcomponents, where it is divided: most have none that is. */
  readonly #divided: readonly (Leaves | undefined)[] | undefined;
  /** Its segment, and where it stands in it. */
  readonly #text: string;
  readonly #start: number;
  readonly #end: number;
  readonly #reader: Texts;

  constructor(
    text: string,
    start: number,
    end: number,
    parts: Leaves,
    divided: readonly (Leaves | undefined)[] | undefined,
    reader: Texts,
  ) {
    this.parts = parts;
    this.valued = areValued(parts) || divided?.some((leaves) => leaves && areValued(leaves)) === true;
    this.#divided = divided;
    this.#text = text;
    this.#start = start;
    this.#end = end;
    this.#reader = reader;
  }

  /** As it stands, escapes included; empty for a component that is seen as a repetition. */
  get raw(): string {
    return this.#text.slice(this.#start, this.#end);
  }

  /** Component `n` from 1, its first subcomponent, marked as taken by `row`; undefined where it is empty or `""`. */
  take(n: number, row: string): string | undefined {
    const leaf = this.parts[n - 1];
    if (leaf === undefined || leaf.deletes) return undefined;
    leaf.mark = row;
    return leaf.text;
  }

  takeSub(n: number, m: number, row: string): string | undefined {
    const leaf = this.#sub(n, m);
    if (leaf === undefined || leaf.deletes) return undefined;
    leaf.mark = row;
    return leaf.text;
  }

  /** As `take`, without marking. */
  peek(n: number): string | undefined {
    const leaf = this.parts[n - 1];
    return leaf === undefined || leaf.deletes ? undefined : leaf.text;
  }

  peekSub(n: number, m: number): string | undefined {
    const leaf = this.#sub(n, m);
    return leaf === undefined || leaf.deletes ? undefined : leaf.text;
  }

  #sub(n: number, m: number): Leaf | undefined {
    return m === 1 ? this.parts[n - 1] : this.#divided?.[n - 1]?.[m - 1];
  }

  /** The subcomponents of component `n`, where it is divided. */
  divided(n: number): Leaves | undefined {
    return this.#divided?.[n - 1];
  }

  /** Marks component `n` as taken, where its text has been read before. */
  mark(n: number, row: string): void {
    const leaves = this.#divided?.[n - 1];
    if (leaves) {
      for (const leaf of leaves) if (leaf && !leaf.deletes) leaf.mark = row;
      return;
    }
    const leaf = this.parts[n - 1];
    if (leaf && !leaf.deletes) leaf.mark = row;
  }

  /** Marks what has been taken as taken by `row`. */
  markTaken(row: string): void {
    for (const leaf of this.parts) if (leaf?.mark !== undefined) leaf.mark = row;
    if (this.#divided)
      for (const leaves of this.#divided)
        if (leaves) for (const leaf of leaves) if (leaf?.mark !== undefined) leaf.mark = row;
  }

  /** Component `n`, its subcomponents as components; undefined where it is empty. */
  sub(n: number): View | undefined {
    const leaves = this.#divided?.[n - 1];
    if (leaves) return areValued(leaves) ? this.authority(leaves) : undefined;
    const leaf = this.parts[n - 1];
    return leaf === undefined || leaf.deletes ? undefined : this.authority([leaf]);
  }

  /** Some of its leaves seen as the components of a value. */
  authority(leaves: Leaves): View {
    return new View('', 0, 0, leaves, undefined, this.#reader);
  }

  /** Whether anything of it has been taken. */
  isBegun(): boolean {
    for (const leaf of this.parts) if (leaf?.mark !== undefined) return true;
    return this.#divided?.some((leaves) => leaves?.some((leaf) => leaf?.mark !== undefined)) === true;
  }

  /** Whether something has become of all of it. */
  isTaken(): boolean {
    for (const leaf of this.parts) if (leaf !== undefined && leaf.mark === undefined) return false;
    return this.#divided === undefined || !this.#divided.some((leaves) => leaves?.some(isOpen));
  }

  /** What has been taken of it, leaf by leaf, for a value that is the same to the letter. */
  marks(): readonly (string | undefined)[] {
    if (this.#divided) return this.leaves().map(([, , leaf]) => leaf.mark);
    const { parts } = this;
    const marks = new Array<string | undefined>(parts.length);
    for (let n = 0; n < parts.length; n++) marks[n] = parts[n]?.mark;
    return marks;
  }

  markAs(marks: readonly (string | undefined)[]): void {
    if (this.#divided) {
      let at = 0;
      for (const [, , leaf] of this.leaves()) leaf.mark = marks[at++] ?? leaf.mark;
      return;
    }
    const { parts } = this;
    for (let n = 0; n < parts.length; n++) {
      const leaf = parts[n];
      if (leaf && marks[n] !== undefined) leaf.mark = marks[n];
    }
  }

  /** Whether component `n` holds anything but `""`. */
  has(n: number): boolean {
    const leaves = this.#divided?.[n - 1];
    if (leaves) return areValued(leaves);
    const leaf = this.parts[n - 1];
    return leaf !== undefined && !leaf.deletes;
  }

  /** All of it as one text, for values that are not divided: what looks like delimiters in a text was meant to be read. */
  whole(row: string): string {
    for (const leaf of this.parts) if (leaf) leaf.mark = row;
    if (this.#divided)
      for (const leaves of this.#divided) if (leaves) for (const leaf of leaves) if (leaf) leaf.mark = row;
    return this.#reader.text(this.raw);
  }

  /** What is populated of it. */
  leaves(): readonly (readonly [component: number, subcomponent: number, leaf: Leaf])[] {
    const found: (readonly [number, number, Leaf])[] = [];
    for (let n = 0; n < this.parts.length; n++) {
      const leaves = this.#divided?.[n];
      if (leaves) {
        for (let m = 0; m < leaves.length; m++) {
          const leaf = leaves[m];
          if (leaf) found.push([n + 1, m + 1, leaf]);
        }
      } else {
        const leaf = this.parts[n];
        if (leaf) found.push([n + 1, 1, leaf]);
      }
    }
    return found;
  }
}

function areValued(leaves: Leaves): boolean {
  for (const leaf of leaves) if (leaf && !leaf.deletes) return true;
  return false;
}

function isOpen(leaf: Leaf | undefined): boolean {
  return leaf !== undefined && leaf.mark === undefined;
}
