import { deletesNothing, isDivided, isSolid, isText } from './signs.ts';

/** A populated subcomponent: the least that can be lost. */
export class Leaf {
  /** Decoded; `""` as it stands. */
  readonly text: string;
  /** What became of it: the row that took it, or `keep` or `ignore`; undefined while nothing has. */
  mark: string | undefined = undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** `""`: the sender asks to delete what is there (HL7 2.5.1 §2.5.3). */
  get deletes(): boolean {
    const { text } = this;
    return text.length === 2 && text === '""';
  }
}

export type Leaves = readonly (Leaf | undefined)[];

/** What has been taken of a value, leaf by leaf, for one that is the same to the letter. */
export interface Marks {
  readonly each: readonly (string | undefined)[];
  /** Something has become of all of it. */
  readonly all: boolean;
}

/** The leaves of a value, by component from 0: the first subcomponent of each, and where it is divided all of them. */
export interface Division {
  readonly parts: Leaves;
  /** Most values have no component that is divided. */
  readonly divided: readonly (Leaves | undefined)[] | undefined;
}

/** What reads the text that values stand in. */
interface Reader {
  /** Whether values are divided here as in most messages. */
  readonly isUsual: boolean;
  slice(start: number, end: number): string;
  /** The text of a value that is not divided. */
  text(raw: string): string;
  divide(start: number, end: number, signs: number): Division;
  /** A value of the same text that stands alone: what is made of it holds nothing of the message in memory. */
  apart(raw: string): View;
}

/**
 * One repetition of a field, or a component seen as one: what converters read, and mark as they do. It is divided when its
 * parts are first asked for: of what is known from its text as a whole, they are not.
 */
export class View {
  /** Whether anything but `""` is in it. */
  readonly valued: boolean;
  /** The next repetition of its field. */
  next: View | undefined = undefined;
  /** The first element that was made of it, for what it does not hold. */
  element: object | undefined = undefined;
  /** Where it stands. */
  readonly #start: number;
  readonly #end: number;
  /** What stands in it. */
  readonly #signs: number;
  readonly #reader: Reader;
  #raw: string | undefined = undefined;
  #division: Division | undefined = undefined;
  /** What is to be marked when it is divided: a text marks all of it. */
  #noted: Marks | string | undefined = undefined;

  /** @param leaves those of a component that is seen as a repetition */
  constructor(reader: Reader, start: number, end: number, signs: number, leaves?: Leaves) {
    this.#reader = reader;
    this.#start = start;
    this.#end = end;
    this.#signs = signs;
    if (leaves) this.#division = { parts: leaves, divided: undefined };
    this.valued = leaves === undefined && isSolid(signs) ? true : this.#isValued();
  }

  /** As it stands, escapes included; empty for a component that is seen as a repetition. */
  get raw(): string {
    return (this.#raw ??= this.#reader.slice(this.#start, this.#end));
  }

  /** By component from 0 its first subcomponent; undefined where nothing is. */
  get parts(): Leaves {
    return (this.#division ?? this.#divide()).parts;
  }

  /** Whether it holds anything, `""` too. */
  get holds(): boolean {
    return this.valued || this.leaves().length > 0;
  }

  /** Whether its text as a whole says what it is, whatever message it is in; it asks to delete nothing. */
  get isPlain(): boolean {
    return deletesNothing(this.#signs) && this.#reader.isUsual;
  }

  /** Whether it is certainly one leaf. */
  get isSingle(): boolean {
    return isSolid(this.#signs) && !isDivided(this.#signs);
  }

  /** The same once more, of a text of its own and with nothing taken. */
  apart(): View {
    return this.#reader.apart(this.raw);
  }

  #divide(): Division {
    const division = this.#reader.divide(this.#start, this.#end, this.#signs);
    this.#division = division;
    const noted = this.#noted;
    if (noted === undefined) return division;
    this.#noted = undefined;
    if (typeof noted === 'string') markAll(division, noted);
    else this.#markEach(noted.each);
    return division;
  }

  #isValued(): boolean {
    const { parts, divided } = this.#division ?? this.#divide();
    return areValued(parts) || divided?.some((leaves) => leaves && areValued(leaves)) === true;
  }

  /** Component `n` from 1, its first subcomponent, marked as taken by `row`; undefined where it is empty or `""`. */
  take(n: number, row: string): string | undefined {
    if (!this.#division && isText(this.#signs)) {
      if (n !== 1) return undefined;
      this.#noted = row;
      return this.raw;
    }
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
    if (!this.#division && isText(this.#signs)) return n === 1 ? this.raw : undefined;
    const leaf = this.parts[n - 1];
    return leaf === undefined || leaf.deletes ? undefined : leaf.text;
  }

  peekSub(n: number, m: number): string | undefined {
    const leaf = this.#sub(n, m);
    return leaf === undefined || leaf.deletes ? undefined : leaf.text;
  }

  #sub(n: number, m: number): Leaf | undefined {
    if (n !== 1 && !this.#division && isText(this.#signs)) return undefined;
    const { parts, divided } = this.#division ?? this.#divide();
    return m === 1 ? parts[n - 1] : divided?.[n - 1]?.[m - 1];
  }

  /** The subcomponents of component `n`, where it is divided. */
  divided(n: number): Leaves | undefined {
    if (!this.#division && isText(this.#signs)) return undefined;
    return (this.#division ?? this.#divide()).divided?.[n - 1];
  }

  /** Marks component `n` as taken, where its text has been read before. */
  mark(n: number, row: string): void {
    if (!this.#division && isText(this.#signs)) {
      if (n === 1) this.#noted = row;
      return;
    }
    const leaves = this.divided(n);
    if (leaves) {
      for (const leaf of leaves) if (leaf && !leaf.deletes) leaf.mark = row;
      return;
    }
    const leaf = this.parts[n - 1];
    if (leaf && !leaf.deletes) leaf.mark = row;
  }

  /** Marks what has been taken as taken by `row`. */
  markTaken(row: string): void {
    const noted = this.#noted;
    if (!this.#division && (typeof noted === 'string' || noted?.all)) {
      this.#noted = row;
      return;
    }
    for (const [, , leaf] of this.leaves()) if (leaf.mark !== undefined) leaf.mark = row;
  }

  /** Marks all of it that nothing has taken. */
  markRest(row: string): void {
    const noted = this.#noted;
    if (!this.#division && (typeof noted === 'string' || noted?.all)) return;
    if (!this.#division && noted === undefined) this.#noted = row;
    else for (const [, , leaf] of this.leaves()) leaf.mark ??= row;
  }

  /** Component `n`, its subcomponents as components; undefined where it is empty. */
  sub(n: number): View | undefined {
    if (n !== 1 && !this.#division && isText(this.#signs)) return undefined;
    const leaves = this.divided(n);
    if (leaves) return areValued(leaves) ? this.authority(leaves) : undefined;
    const leaf = this.parts[n - 1];
    return leaf === undefined || leaf.deletes ? undefined : this.authority([leaf]);
  }

  /** Some of its leaves seen as the components of a value. */
  authority(leaves: Leaves): View {
    return new View(this.#reader, 0, 0, 0, leaves);
  }

  /** Whether anything of it has been taken. */
  isBegun(): boolean {
    const division = this.#division;
    if (!division) {
      const noted = this.#noted;
      return typeof noted === 'string' || noted?.each.some((mark) => mark !== undefined) === true;
    }
    for (const leaf of division.parts) if (leaf?.mark !== undefined) return true;
    return division.divided?.some((leaves) => leaves?.some((leaf) => leaf?.mark !== undefined)) === true;
  }

  /** Whether something has become of all of it. */
  isTaken(): boolean {
    if (!this.#division) {
      const noted = this.#noted;
      if (typeof noted === 'string' || noted?.all) return true;
      if (noted === undefined && this.valued) return false;
    }
    const { parts, divided } = this.#division ?? this.#divide();
    for (const leaf of parts) if (leaf !== undefined && leaf.mark === undefined) return false;
    return divided === undefined || !divided.some((leaves) => leaves?.some(isOpen));
  }

  marks(): Marks {
    const noted = this.#noted;
    if (!this.#division && noted !== undefined) {
      if (typeof noted === 'object') return noted;
      if (isText(this.#signs)) return { each: [noted], all: true };
    }
    const { parts, divided } = this.#division ?? this.#divide();
    const all = this.isTaken();
    if (divided) return { each: this.leaves().map(([, , leaf]) => leaf.mark), all };
    const each = new Array<string | undefined>(parts.length);
    for (let n = 0; n < parts.length; n++) each[n] = parts[n]?.mark;
    return { each, all };
  }

  markAs(marks: Marks): void {
    if (!this.#division && (this.#noted === undefined || marks.all)) {
      this.#noted = marks;
      return;
    }
    this.#markEach(marks.each);
  }

  #markEach(marks: Marks['each']): void {
    const { parts, divided } = this.#division ?? this.#divide();
    if (divided) {
      let at = 0;
      for (const [, , leaf] of this.leaves()) leaf.mark = marks[at++] ?? leaf.mark;
      return;
    }
    for (let n = 0; n < parts.length; n++) {
      const leaf = parts[n];
      if (leaf && marks[n] !== undefined) leaf.mark = marks[n];
    }
  }

  /** Whether component `n` holds anything but `""`. */
  has(n: number): boolean {
    if (!this.#division && isText(this.#signs)) return n === 1;
    const leaves = this.divided(n);
    if (leaves) return areValued(leaves);
    const leaf = this.parts[n - 1];
    return leaf !== undefined && !leaf.deletes;
  }

  /** All of it as one text, for values that are not divided: what looks like delimiters in a text was meant to be read. */
  whole(row: string): string {
    if (this.#division) markAll(this.#division, row);
    else this.#noted = row;
    return this.#reader.text(this.raw);
  }

  /** What is populated of it. */
  leaves(): readonly (readonly [component: number, subcomponent: number, leaf: Leaf])[] {
    const found: (readonly [number, number, Leaf])[] = [];
    const { parts, divided } = this.#division ?? this.#divide();
    for (let n = 0; n < parts.length; n++) {
      const leaves = divided?.[n];
      if (leaves) {
        for (let m = 0; m < leaves.length; m++) {
          const leaf = leaves[m];
          if (leaf) found.push([n + 1, m + 1, leaf]);
        }
      } else {
        const leaf = parts[n];
        if (leaf) found.push([n + 1, 1, leaf]);
      }
    }
    return found;
  }
}

function markAll({ parts, divided }: Division, row: string): void {
  for (const leaf of parts) if (leaf) leaf.mark = row;
  if (divided) for (const leaves of divided) if (leaves) for (const leaf of leaves) if (leaf) leaf.mark = row;
}

function areValued(leaves: Leaves): boolean {
  for (const leaf of leaves) if (leaf && !leaf.deletes) return true;
  return false;
}

function isOpen(leaf: Leaf | undefined): boolean {
  return leaf !== undefined && leaf.mark === undefined;
}
