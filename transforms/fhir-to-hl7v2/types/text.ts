import type { Context } from '../context.ts';
import { type Element, isElement } from '../element.ts';
import { cameAt } from '../hints.ts';
import type { SegmentDraft } from '../repetition.ts';

/** A text of several lines: in one repetition, its line feeds as `\.br\`, or in one for each where it came so. */
export function textInto(draft: SegmentDraft, field: number, parent: Element, key: string, context: Context): void {
  const beside = parent[`_${key}`];
  const [at] = (isElement(beside) ? cameAt(beside, context.reading) : undefined) ?? [];
  const text = context.reading.text(parent, key);
  if (text === undefined) return;
  for (const line of at?.startsWith('repetitions') ? divided(text, at) : [text]) draft.add(field, [[line]]);
}

/** The lines of a text in their repetitions: one in each, or as many as the note says. */
function divided(text: string, note: string): string[] {
  const lines = text.split('\n');
  const counts = note.split('=')[1]?.split('+').map(Number) ?? lines.map(() => 1);
  let at = 0;
  return counts.map((count) => {
    const from = at;
    at += count || 1;
    return lines.slice(from, at).join('\n');
  });
}
