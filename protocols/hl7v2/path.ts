import { ProtocolFault } from '../fault.ts';
import { packedName } from './layout.ts';

/** `[8=HH]`: the value at a place inside a segment or a repetition must be `value`. */
export interface Predicate {
  /** In a segment's predicate the field; 0 in a repetition's. */
  readonly field: number;
  /** 0 when the whole is meant. */
  readonly component: number;
  readonly subcomponent: number;
  readonly value: string;
}

/** Which of several segments or repetitions are meant: those that satisfy `where`, and of these only number `index`. */
export interface Selector {
  readonly where: readonly Predicate[];
  /** From 1; 0 for all of them. */
  readonly index: number;
}

/** A path that was read once; every function that takes a path takes either this or its text. */
export interface Path {
  readonly text: string;
  readonly segment: string;
  readonly name: number;
  readonly segments: Selector;
  /** 0 when the path names segments only. */
  readonly field: number;
  readonly repetitions: Selector;
  /** 0 when the whole repetition is meant. */
  readonly component: number;
  /** 0 when the whole component is meant. */
  readonly subcomponent: number;
  /** Neither predicates nor indexes: the first segment and its first repetition. */
  readonly plain: boolean;
}

/** Compiled paths and places are kept by text. Beyond the bound the oldest goes: they may come from outside, and be many. */
const MAX_KEPT = 1_000;
const paths = new Map<string, Path>();
const places = new Map<string, Path>();

/**
 * Reads a path: `MSH-9.2`, `PID-3.4.2`, `PID-5[2].1` (second repetition), `PID-3[5=MR].1` (repetitions whose component
 * 5 is MR), `OBX[2]-5` (second OBX), `OBX[8=HH][11=F]` (such segments themselves), `OBX[3.1=718-7]-5`. Predicates are
 * joined by and; an index counts among what they let through. A predicate on a segment looks at every repetition.
 * The result is kept, so that asking by text in a loop compiles nothing.
 * @throws ProtocolFault hl7v2.bad-path, whose `offset` is the position in `text`
 */
export function compilePath(text: string): Path {
  return paths.get(text) ?? keep(paths, text, new Reader(text).path());
}

/**
 * Reads the part of a path that stands after `PID-`: `5.1`, `3[5=MR].1`. Its `segment` is empty.
 * @throws ProtocolFault hl7v2.bad-path, whose `offset` is the position in `text`
 */
export function compilePlace(text: string): Path {
  return places.get(text) ?? keep(places, text, new Reader(text).place());
}

function keep(kept: Map<string, Path>, text: string, path: Path): Path {
  if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value!);
  kept.set(text, path);
  return path;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  path(): Path {
    const segment = this.#segmentName();
    const segments = this.#selector(true);
    if (this.#take('-')) return this.#inSegment(segment, packedName(segment), segments);
    this.#end('"-" or "["');
    const name = packedName(segment);
    const whole = { field: 0, repetitions: ALL, component: 0, subcomponent: 0 };
    return { text: this.#text, segment, name, segments, ...whole, plain: segments === ALL };
  }

  place(): Path {
    return this.#inSegment('', 0, ALL);
  }

  #inSegment(segment: string, name: number, segments: Selector): Path {
    const field = this.#number('a field number');
    const repetitions = this.#selector(false);
    const component = this.#take('.') ? this.#number('a component number') : 0;
    const subcomponent = component > 0 && this.#take('.') ? this.#number('a subcomponent number') : 0;
    this.#end('its end');
    const plain = segments === ALL && repetitions === ALL;
    return { text: this.#text, segment, name, segments, field, repetitions, component, subcomponent, plain };
  }

  #end(otherwise: string): void {
    if (this.#at < this.#text.length) this.#expected(otherwise);
  }

  #segmentName(): string {
    const name = this.#text.slice(0, 3);
    if (!/^[A-Z][A-Z0-9]{2}$/.test(name)) this.#expected('a segment name of three capitals or digits');
    this.#at = 3;
    return name;
  }

  #selector(ofSegment: boolean): Selector {
    const where: Predicate[] = [];
    let index = 0;
    while (this.#take('[')) {
      const opened = this.#at;
      const first = this.#number('a number');
      if (this.#take(']')) {
        if (index > 0) this.#expected('one index only', opened);
        index = first;
      } else where.push(this.#predicate(first, ofSegment));
    }
    return where.length === 0 && index === 0 ? ALL : { where, index };
  }

  #predicate(first: number, ofSegment: boolean): Predicate {
    const places = [first];
    const deepest = ofSegment ? 3 : 2;
    while (places.length < deepest && this.#take('.')) places.push(this.#number('a number'));
    if (!this.#take('=')) this.#expected(places.length === 1 ? '"]" or "="' : '"="');
    const end = this.#text.indexOf(']', this.#at);
    if (end < 0) this.#expected('"]"', this.#text.length);
    if (end === this.#at) this.#expected('a value');
    const value = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    const [field, component, subcomponent] = ofSegment ? places : [0, ...places];
    return { field: field!, component: component ?? 0, subcomponent: subcomponent ?? 0, value };
  }

  #number(what: string): number {
    const digits = /^[1-9]\d{0,4}/.exec(this.#text.slice(this.#at, this.#at + 5))?.[0];
    if (digits === undefined) this.#expected(`${what} from 1`);
    this.#at += digits.length;
    return Number(digits);
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expected(what: string, at = this.#at): never {
    throw new ProtocolFault('hl7v2.bad-path', `reading an HL7 path: expected ${what} at position ${at}`, at);
  }
}

const ALL: Selector = { where: [], index: 0 };
