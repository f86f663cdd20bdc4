import type { RepetitionInput } from '../../protocols/hl7v2/input.ts';

/** One repetition of a field while it is made: texts by component from 0, by subcomponent from 0. */
export type Repetition = (string | undefined)[][];

/** A repetition of components; undefined where none says anything. */
export function repetition(components: Readonly<Record<number, string | undefined>>): Repetition | undefined {
  const made: Repetition = [];
  for (const n in components) put(made, Number(n), 1, components[n]);
  return made.length > 0 ? made : undefined;
}

/** Sets a subcomponent, both from 1; an empty text sets nothing. */
export function put(into: Repetition, component: number, subcomponent: number, text: string | undefined): void {
  if (text === undefined || text === '') return;
  for (let n = into.length; n < component; n++) into.push([]);
  into[component - 1]![subcomponent - 1] = text;
}

/** Puts a value of components into one component, as its subcomponents. */
export function putAll(into: Repetition, component: number, value: Repetition | undefined): void {
  value?.forEach((parts, at) => {
    put(into, component, at + 1, parts[0]);
  });
}

/** What `from` says beyond `into`; with `over`, also where both say something. */
export function merge(into: Repetition, from: Repetition, over = false): void {
  from.forEach((parts, component) => {
    parts.forEach((text, subcomponent) => {
      if (text === undefined) return;
      if (over || into[component]?.[subcomponent] === undefined) put(into, component + 1, subcomponent + 1, text);
    });
  });
}

/** The text of a subcomponent, both from 1. */
export function textAt(value: Repetition | undefined, component: number, subcomponent = 1): string | undefined {
  return value?.[component - 1]?.[subcomponent - 1];
}

/** A text that was a whole repetition, in its parts again. */
export function divided(text: string): Repetition {
  return text.split('^').map((part) => part.split('&').map((each) => each || undefined));
}

/** As the codec writes it. */
export function written(value: Repetition): RepetitionInput {
  const parts = value.map((texts): RepetitionInput & (string | undefined | (string | undefined)[]) => {
    if (texts.length < 2) return said(texts[0]) as string;
    return Array.from(texts, said) as string[];
  });
  return parts.length === 1 && typeof parts[0] !== 'object' ? parts[0] : (parts as RepetitionInput);
}

/** `""` is no text: it asks to delete (HL7 2.5.1 §2.5.3). */
function said(text: string | undefined): string | null | undefined {
  return text === '""' ? null : text;
}

/** A segment while it is made. */
export class SegmentDraft {
  readonly name: string;
  readonly fields = new Map<number, Repetition[]>();

  constructor(name: string) {
    this.name = name;
  }

  /** Adds a repetition, or joins the one at a place. */
  add(field: number, value: Repetition | undefined, at?: number): void {
    if (!value || value.length === 0) return;
    const there = this.fields.get(field) ?? [];
    this.fields.set(field, there);
    if (at === undefined) there.push(value);
    else if (there[at]) merge(there[at], value);
    else {
      while (there.length < at) there.push([]);
      there[at] = value;
    }
  }

  /** A text in the first component, where nothing is. */
  need(field: number, text: string | undefined): void {
    if (text !== undefined && !this.has(field)) this.fields.set(field, [[[text]]]);
  }

  has(field: number): boolean {
    return this.fields.get(field)?.some((each) => each.length > 0) ?? false;
  }

  text(field: number, component = 1): string | undefined {
    return textAt(this.fields.get(field)?.[0], component);
  }

  get isEmpty(): boolean {
    for (const field of this.fields.keys()) if (this.has(field)) return false;
    return true;
  }
}
