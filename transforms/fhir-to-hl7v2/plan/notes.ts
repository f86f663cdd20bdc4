import { V2 } from '../../hl7v2-to-fhir/urls.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { keptNumbers, keptOn } from '../kept.ts';
import { SegmentDraft } from '../repetition.ts';
import { xcnOf } from '../types/party.ts';
import { textInto } from '../types/text.ts';
import { timeIn } from '../types/time.ts';

const NTE = `${V2}NTE`;

/** The notes of a resource as NTE segments. */
export function notesAfter(resource: Element, context: Context): SegmentDraft[] {
  const { reading } = context;
  const notes = reading.objects(resource, 'note');
  const blanks: number[] = [];
  for (const extension of reading.objects(resource, 'extension')) {
    if (extension.url !== NTE) continue;
    reading.take(extension, 'url');
    const note = reading.object(extension, 'valueAnnotation');
    const blank = reading.text(extension, 'valueInteger');
    if (note) notes.push(note);
    else if (blank !== undefined) blanks.push(Number(blank));
  }
  // What a field of another segment said is there already.
  const drafts = notes.filter((note) => !reading.has(note, 'text')).flatMap((note) => noteOf(note, context) ?? []);
  for (const [before, at] of blanks.entries())
    drafts.splice(Math.min(at, drafts.length - before) + before, 0, new SegmentDraft('NTE'));
  for (const which of keptNumbers(resource, 'NTE', context)) {
    if (drafts.length < which) drafts.push(new SegmentDraft('NTE'));
    keptOn(resource, drafts[Math.min(which, drafts.length) - 1]!, context, which);
  }
  return drafts;
}

function noteOf(note: Element, context: Context): SegmentDraft | undefined {
  const { reading } = context;
  const draft = new SegmentDraft('NTE');
  textInto(draft, 3, note, 'text', context);
  const author = reading.object(note, 'authorReference');
  if (author) draft.add(5, xcnOf(author, context));
  else {
    const words = reading.text(note, 'authorString');
    if (words !== undefined) draft.add(5, [[], [words]]);
  }
  const time = timeIn(note, 'time', context);
  if (time !== undefined) draft.add(6, [[time]]);
  return draft.isEmpty ? undefined : draft;
}
