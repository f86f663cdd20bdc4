import type { Context } from './context.ts';
import type { SegmentDraft } from './repetition.ts';

/** Segments whose first field counts them in the message, by name; those that begin anew under another segment, with it. */
const COUNTED: Readonly<Record<string, string>> = {
  ...{ PID: '', NK1: 'PID', PV1: 'PID', AL1: 'PID', DG1: 'PID', PR1: 'PID', GT1: 'PID', IN1: 'PID', IAM: 'PID' },
  ...{ OBR: '', OBX: 'OBR', SPM: 'OBR', NTE: '*', TQ1: 'OBR', RGS: '', AIS: '', AIG: '', AIL: '', AIP: '' },
};

/** Gives segments their numbers. */
export function numbered(drafts: readonly SegmentDraft[]): void {
  const counts = new Map<string, number>();
  let before = '';
  for (const draft of drafts) {
    const { name } = draft;
    for (const [counted, under] of Object.entries(COUNTED)) if (under === name) counts.set(counted, 0);
    if (COUNTED[name] === '*' && before !== name) counts.set(name, 0);
    before = name;
    if (!Object.hasOwn(COUNTED, name)) continue;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    draft.need(1, String(count));
  }
}

/** Values of fields that the standard requires, where the bundle says nothing of them. */
const DEFAULTS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  PV1: { 2: 'N' },
  OBX: { 11: 'F' },
  DG1: { 6: 'W' },
  RXA: { 1: '0', 2: '1', 6: '999' },
  SCH: { 6: 'BOOKED' },
};

/** Completes what the standard requires of a message and the bundle did not say; each completion is told. */
export function complete(drafts: readonly SegmentDraft[], code: string, context: Context): void {
  const ordered = code === 'OML' ? 'NW' : 'RE';
  for (const draft of drafts) {
    const { name } = draft;
    if (name === 'ORC' && !draft.has(1)) draft.need(1, ordered);
    if (name === 'RXA' && !draft.has(4)) {
      const given = draft.text(3);
      if (given !== undefined && isRequired(name, 4, context)) draft.need(4, given);
    }
    if (name === 'PID' && !draft.has(5)) tell(draft, 5, context, () => draft.add(5, [[], [], [], [], [], [], ['U']]));
    if (name === 'PID' && !draft.has(3)) tell(draft, 3, context, () => draft.need(3, '""'));
    for (const [field, text] of Object.entries(DEFAULTS[name] ?? {}))
      if (!draft.has(Number(field))) tell(draft, Number(field), context, () => draft.need(Number(field), text));
    for (const place of context.schema.segment(name)?.fields ?? []) {
      const values = draft.fields.get(place.n);
      if (!context.own && values && values.length > place.max) {
        draft.fields.set(place.n, values.slice(0, place.max));
        context.issue('not-landed', `${name}-${place.n}`, 'the version has no more repetitions of it');
      }
      if (!place.required || place.withdrawn || draft.has(place.n)) continue;
      tell(draft, place.n, context, () => draft.need(place.n, '""'));
    }
  }
}

function isRequired(name: string, field: number, context: Context): boolean {
  return context.schema.segment(name)?.fields[field - 1]?.required ?? false;
}

function tell(draft: SegmentDraft, field: number, context: Context, set: () => void): void {
  if (context.own) return;
  set();
  context.issue('completed', `${draft.name}-${field}`, 'the standard requires it, and the bundle does not say it');
}
