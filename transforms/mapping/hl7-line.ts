/** A segment that is being written. */
export interface Line {
  readonly name: number;
  /** Its number in the message that was begun with; -1 for one that was added. */
  readonly origin: number;
  /** The text in which it lies: the message that was begun with, or its own. */
  readonly whole: string;
  readonly start: number;
  readonly end: number;
  /** One past what stands after it; `end` for a segment that was added. */
  readonly next: number;
  /** Where its fields begin, the name as the first, and one more after the last. Found when a field is first asked for. */
  starts: readonly number[] | undefined;
  /** What fields were set to, by their place in `starts`. */
  edits: (string | undefined)[] | undefined;
  /** What stands after it, where that is not what stood there: a terminator. */
  gap: string | undefined;
  gone: boolean;
}

export function lineOf(name: number, whole: string, origin: number, start: number, end: number, next: number): Line {
  return { name, origin, whole, start, end, next, starts: undefined, edits: undefined, gap: undefined, gone: false };
}

/** As `Hl7View.fields`. */
export function startsOf(text: string, field: number): number[] {
  const starts = [0];
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) === field) starts.push(at + 1);
  starts.push(text.length + 1);
  return starts;
}

/** The segment from `from` on, its edits made. */
export function edited({ whole, starts, edits, end }: Line, from: number, separator: string): string {
  if (!starts || !edits) return '';
  const count = starts.length - 1;
  let text = '';
  let done = from;
  for (let at = 0; at < edits.length && at < count; at++) {
    const edit = edits[at];
    if (edit === undefined) continue;
    text += whole.slice(done, starts[at]) + edit;
    done = starts[at + 1]! - 1;
  }
  text += whole.slice(done, end);
  for (let at = count; at < edits.length; at++) text += separator + (edits[at] ?? '');
  return text;
}

/** What stands after it. */
export function gapAfter(line: Line): string {
  return line.gap ?? line.whole.slice(line.end, line.next);
}
