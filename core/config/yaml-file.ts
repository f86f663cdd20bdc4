import { isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import type { Problem, ProblemCode } from './problem.ts';
import { keysAt, wordsAt } from './schema-keys.ts';
import { didYouMean } from './suggestion.ts';

/** Where in a YAML file something stands: keys and indexes from the top. */
export type Place = readonly (string | number)[];

/** From 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A YAML file that collects what is wrong with it, each problem at its line and column. */
export class YamlFile {
  readonly file: string;
  readonly problems: Problem[] = [];
  /** As plain values; undefined when the file is not YAML. Anchors and merge keys are resolved. */
  readonly value: unknown;
  readonly #document: ReturnType<typeof parseDocument>;
  readonly #lines = new LineCounter();

  /** @param file its name in problems */
  constructor(file: string, text: string) {
    this.file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, merge: true, prettyErrors: false });
    for (const { message, pos } of causesOf(this.#document.errors)) this.#add(pos[0], 'yaml-syntax', message);
    visit(this.#document, {
      Alias: (_, alias) => {
        if (!alias.resolve(this.#document))
          this.#add(alias.range?.[0] ?? 0, 'yaml-syntax', `there is no anchor &${alias.source} before this`);
      },
    });
    this.value = this.problems.length > 0 ? undefined : this.#plain();
  }

  /** Notes a problem with the value at `place`, or with the nearest thing above it that is there. */
  problem(place: Place, code: ProblemCode, message: string): void {
    this.#add(this.#offset(place), code, message);
  }

  /** The same, at the key instead of its value. */
  keyProblem(place: Place, code: ProblemCode, message: string): void {
    this.#add(this.#keyOffset(place), code, message);
  }

  /**
   * Reads a value by a schema; undefined, with a problem for each issue, when it does not fit.
   * @param elsewhere keys of the value that stand at another place in the file
   * @param counts whether an issue is a problem; every one is if not given
   */
  read<S extends z.ZodType>(
    schema: S,
    place: Place,
    value: unknown,
    elsewhere: Readonly<Record<string, Place>> = {},
    counts: (issue: z.core.$ZodIssue) => boolean = () => true,
  ): z.output<S> | undefined {
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    const placed = (path: Place) => {
      const moved = Object.hasOwn(elsewhere, String(path[0])) ? elsewhere[String(path[0])] : undefined;
      return moved ? [...moved, ...path.slice(1)] : [...place, ...path];
    };
    for (const issue of read.error.issues.filter(counts)) this.#issue(issue, placed, schema, value);
    return undefined;
  }

  /** Where a value stands, or its key, or the nearest thing above it that is there. */
  position(place: Place, what: 'value' | 'key' = 'value'): Position {
    return this.#position(what === 'key' ? this.#keyOffset(place) : this.#offset(place));
  }

  /** A scalar as it is written: `007` and `1.10` stay what they are, although YAML reads numbers. */
  textAt(place: Place): string | undefined {
    const node = this.#node(place);
    return isScalar(node)
      ? typeof node.value === 'string'
        ? node.value
        : (node.source ?? String(node.value))
      : undefined;
  }

  #issue(issue: z.core.$ZodIssue, placed: (path: Place) => Place, schema: z.ZodType, value: unknown): void {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path);
      for (const key of issue.keys) {
        const at = placed([...path, key]);
        this.keyProblem(at, 'key-unknown', `${dotted(at)}: no such key${didYouMean(key, known)}`);
      }
      return;
    }
    const at = placed(path);
    const missing = issue.code === 'invalid_type' && this.#node(at) === undefined;
    if (missing) this.problem(at, 'key-missing', `${dotted(at)} is ${at.length === 0 ? 'empty' : 'missing'}`);
    else {
      const given = path.reduce((inside, step) => (inside as Record<string, unknown> | undefined)?.[step], value);
      const hint = typeof given === 'string' ? didYouMean(given, wordsAt(schema, path)) : '';
      this.problem(at, 'value-invalid', `${dotted(at)}: ${issue.message}${hint}`);
    }
  }

  #add(offset: number, code: ProblemCode, message: string): void {
    this.problems.push({ file: this.file, ...this.#position(offset), code, message });
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: line || 1, column: col || 1 };
  }

  #plain(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 });
    } catch (thrown) {
      this.#add(0, 'yaml-syntax', thrown instanceof Error ? thrown.message : 'not readable');
      return undefined;
    }
  }

  #node(place: Place): Node | undefined {
    let node: unknown = this.#document.contents;
    for (const step of place) {
      if (isAlias(node)) node = node.resolve(this.#document);
      // A key that is written as a number is known by its text.
      if (isMap(node)) node = node.items.find(({ key }) => isKey(key, step))?.value;
      else node = isSeq(node) ? node.items[Number(step)] : undefined;
    }
    return (node as Node | null | undefined) ?? undefined;
  }

  #offset(place: Place): number {
    for (let depth = place.length; depth >= 0; depth--) {
      const start = this.#node(place.slice(0, depth))?.range?.[0];
      if (start !== undefined) return start;
    }
    return 0;
  }

  #keyOffset(place: Place): number {
    const parent = this.#node(place.slice(0, -1));
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isKey(key, place.at(-1)!));
      const start = (pair?.key as Node | undefined)?.range?.[0];
      if (start !== undefined) return start;
    }
    return isCollection(parent) ? this.#offset(place.slice(0, -1)) : this.#offset(place);
  }
}

type SyntaxError = ReturnType<typeof parseDocument>['errors'][number];

/**
 * Without what follows from something else: a tab puts everything after it out of place, and a line that begins in a wrong column makes
 * others look as if they did.
 */
function causesOf(errors: readonly SyntaxError[]): readonly SyntaxError[] {
  const tabs = errors.filter(({ code }) => code === 'TAB_AS_INDENT');
  if (tabs.length > 0) return tabs;
  const indented = errors.findIndex(({ code }) => code === 'BAD_INDENT');
  return indented < 0 ? errors : errors.slice(0, indented + 1);
}

/** Whether this is the key; `0001` is the one that YAML reads as a number. */
function isKey(node: unknown, key: string | number): boolean {
  return isScalar(node) && (String(node.value) === String(key) || node.source === String(key));
}

/** `destinations.lab.to` */
export function dotted(place: Place): string {
  return place.length === 0 ? 'the file' : place.join('.');
}

/** A mapping, as opposed to a list, a scalar or nothing. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The one entry of a mapping like `{ mllp: { … } }`. */
export function onlyEntry(value: unknown): readonly [string, unknown] | undefined {
  if (!isMapping(value)) return undefined;
  const entries = Object.entries(value);
  return entries.length === 1 ? entries[0] : undefined;
}
