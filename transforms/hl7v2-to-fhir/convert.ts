import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import { zoneNamed } from '../../core/time/zone.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { clean, cleanList } from './clean.ts';
import { complete } from './complete.ts';
import { Conversion, type ConversionIssue, type Rules, type Tracer } from './conversion.ts';
import { keepRest, unmapped } from './keep.ts';
import { messageHeader, provenances } from './plan/header.ts';
import { place, placeBeside } from './plan/plan.ts';
import type { Family, State } from './plan/state.ts';
import { type ReadMessage, readMessage } from './read-message.ts';
import { Resources, type Settled, uuid } from './resources.ts';
import { rows } from './row-names.ts';
import { official } from './rule-set.ts';
import type { Draft, SegmentView } from './segment-view.ts';
import { completeElements } from './site/complete-elements.ts';
import { toldIssues } from './told-issues.ts';
import { instantOf, offsetIn } from './types/date-time.ts';
import { asSentBeside } from './types/period.ts';
import { V2 } from './urls.ts';

export interface ConvertOptions {
  /** The IANA zone of times that say none; without it that of MSH-7 holds, and without that UTC. */
  readonly zone?: string;
  /** Identifier systems by the names of assigning authorities: `{ HOSP: 'urn:oid:1.2.3' }`. */
  readonly systems?: Readonly<Record<string, string>>;
  /** What the bundle is for: a message (default), or a transaction that puts every resource under its id. */
  readonly bundle?: 'message' | 'transaction';
  /** When the message came, milliseconds since 1970: for resources that need a time where the message says none. */
  readonly receivedAt?: number;
  /** What it is converted by; the official rules alone if not given. */
  readonly rules?: Rules;
}

export interface Converted {
  readonly bundle: Bundle;
  readonly issues: readonly ConversionIssue[];
}

/** What a conversion went by, for reports. */
export interface Traced extends Converted {
  readonly read: ReadMessage;
  readonly resources: Resources;
}

/**
 * A message as a bundle of FHIR R4: what can be said, and of what could not be said as it was meant, an issue. Every value is
 * in it or ignored on purpose; what no rule places is kept as an extension under its v2 path. The same message, the same
 * bytes. Never throws, whatever the message holds.
 */
export function convert(message: Hl7Message, options: ConvertOptions = {}): Converted {
  const { bundle, issues } = trace(message, options);
  return { bundle, issues };
}

/** As `convert`, with what it went by. */
export function trace(message: Hl7Message, options: ConvertOptions, tracer?: Tracer): Traced {
  const read = readMessage(message);
  const { segments, structure, alike, misplaced, absent } = read;
  const msh = named(segments, 'MSH');
  const scope = `${msh?.peek(3) ?? ''}|${msh?.peek(4) ?? ''}|${msh?.peek(10) ?? ''}|${msh?.peek(7) ?? ''}`;
  const resources = new Resources(scope);
  const conversion = new Conversion(
    resources,
    options.rules ?? official,
    message.version,
    options.zone === undefined ? undefined : zoneNamed(options.zone),
    systemsOf(options),
  );
  conversion.tracer = tracer;
  const sent = msh?.peek(7);
  conversion.offset = sent === undefined ? undefined : offsetIn(sent);
  if (!structure)
    conversion.issue('unknown-structure', 'no version has a structure for it: its segments were taken in their order');
  if (alike)
    conversion.issue('unknown-structure', 'no version has a structure for its event: it was read as a message like it');
  for (const { name, group } of absent)
    conversion.issues.push({ code: 'absent-segment', path: name, message: `${group} requires it` });
  for (const { name, occurrence } of misplaced) {
    conversion.issues.push({
      code: 'misplaced-segment',
      path: name === '' ? '' : `${name}[${occurrence}]`,
      message: 'its structure has no place for it here',
    });
  }
  const header = messageHeader(msh, conversion);
  const time = timeOf(sent, msh, conversion);
  const { receivedAt } = options;
  const recorded = time ?? (receivedAt === undefined ? undefined : new Date(receivedAt).toISOString());
  const event = msh?.peek(9, 2) ?? named(segments, 'EVN')?.peek(1) ?? '';
  const state: State = {
    conversion,
    segments,
    family: familyOf(msh?.peek(9, 1) ?? '', segments),
    event,
    header,
    recorded,
    patient: undefined,
    encounter: undefined,
    account: undefined,
    coverage: undefined,
    appointment: undefined,
    document: undefined,
    texts: undefined,
    request: undefined,
    report: undefined,
    given: undefined,
    specimen: undefined,
    observation: undefined,
    orc: undefined,
    last: undefined,
    about: 'patient',
  };
  const source = provenances(msh, state);
  if (msh) placeBeside(msh, state);
  for (const segment of segments) if (segment !== msh) place(segment, state, source);
  for (const [attachment, lines] of state.texts ?? []) {
    attachment.data = Buffer.from(lines.join('\n'), 'utf8').toString('base64');
  }
  const patient = state.patient;
  if (!patient && state.family === 'result' && (state.report || state.observation))
    conversion.issues.push({ code: 'absent-segment', path: 'PID', message: 'the results are of nobody' });
  for (const segment of segments) {
    if (!segment.home && holds(segment)) {
      segment.home = unmapped(segment, patient, conversion);
      conversion.segment = segment;
      conversion.issue('unmapped-segment', 'no map is about it: its values are kept as they were sent');
    }
    keepRest(segment, segments, conversion);
  }
  focus(state);
  for (const codings of conversion.codings) cleanList(codings, 'coding');
  if (conversion.doubtful) for (const draft of resources.drafts) clean(draft);
  const settled = resources.settle(isEmpty);
  // What referred to an empty resource has become empty itself.
  if (resources.haveGone) for (const { draft } of settled) clean(draft);
  const home = patient && resources.idOf(patient);
  const around = { conversion, event, recorded, patient: home === undefined ? undefined : `urn:uuid:${home}` };
  for (const { draft } of settled) complete(draft, around);
  for (const draft of conversion.ofSite ?? []) completeElements(resources.finalOf(draft));
  return {
    bundle: bundleOf(settled, msh, sent, time, scope, options),
    issues: toldIssues(conversion.issues),
    read,
    resources,
  };
}

function named(segments: readonly SegmentView[], name: string): SegmentView | undefined {
  for (const segment of segments) if (segment.name === name) return segment;
  return undefined;
}

const noSystems: ReadonlyMap<string, string> = new Map();
/** The same for all messages of a channel, for what is remembered by it. */
const systemsKnown = new WeakMap<object, ReadonlyMap<string, string>>();

function systemsOf({ systems }: ConvertOptions): ReadonlyMap<string, string> {
  if (systems === undefined) return noSystems;
  let known = systemsKnown.get(systems);
  if (!known) systemsKnown.set(systems, (known = new Map(Object.entries(systems))));
  return known;
}

const SENT = rows('MSH[Bundle]', 10);

/** When the message was made, by MSH-7. */
function timeOf(sent: string | undefined, msh: SegmentView | undefined, conversion: Conversion): string | undefined {
  conversion.segment = msh;
  conversion.field = 7;
  const time = sent !== undefined && sent.length >= 10 ? instantOf(sent, conversion) : undefined;
  conversion.field = 0;
  if (time !== undefined) msh?.first(7)?.mark(1, SENT[10]);
  return time;
}

function familyOf(code: string, segments: readonly SegmentView[]): Family {
  switch (code) {
    case 'ORU':
    case 'OUL':
    case 'ORF':
      return 'result';
    case 'VXU':
    case 'VXR':
    case 'RSP':
      return segments.some(({ name }) => name === 'RXA') ? 'vaccination' : 'result';
    case 'MDM':
      return 'document';
    case 'RAS':
      return 'administration';
    case 'RDS':
      return 'dispense';
    case 'ORM':
    case 'OML':
    case 'OMG':
    case 'OMP':
    case 'OMI':
    case 'RDE':
    case 'REF':
      return 'order';
    default:
      return 'other';
  }
}

function holds(segment: SegmentView): boolean {
  return segment.fields.some((view, field) => field > 0 && view !== undefined);
}

/** Elements that only say what a resource belongs to, beside its type and id. */
const LINKS = new Set([
  'subject',
  'patient',
  'encounter',
  'beneficiary',
  'context',
  'account',
  'basedOn',
  'intent',
  'mode',
  'physicalType',
]);

function isEmpty(draft: Draft, hollow: (value: unknown) => boolean): boolean {
  if (draft.resourceType === 'MessageHeader') return false;
  for (const key in draft) {
    // Every resource has these two, and before its other elements.
    if (key === 'resourceType' || key === 'id') continue;
    if (!LINKS.has(key) && !hollow(draft[key])) return false;
  }
  return true;
}

/** What the message is about. */
function focus(state: State): void {
  const { conversion, header, report, request, appointment, document, given, patient } = state;
  const main = appointment ?? document ?? report ?? given ?? request ?? patient;
  if (main) header.focus = [conversion.resources.reference(main)];
}

const CONTROL_ID = `${V2}control-id`;

function bundleOf(
  settled: readonly Settled[],
  msh: SegmentView | undefined,
  sent: string | undefined,
  timestamp: string | undefined,
  scope: string,
  { bundle = 'message' }: ConvertOptions,
): Bundle {
  const control = msh?.first(10)?.peek(1);
  const entry = settled.map(({ id, url, draft }): BundleEntry => {
    const resource = draft as unknown as Resource;
    if (bundle === 'message') return { fullUrl: url, resource };
    return { fullUrl: url, resource, request: { method: 'PUT', url: `${draft.resourceType}/${id}` } };
  });
  const made: Partial<Bundle> = { resourceType: 'Bundle', id: uuid('Bundle', scope) };
  if (control !== undefined) made.identifier = { system: CONTROL_ID, value: control };
  made.type = bundle;
  if (timestamp !== undefined) Object.assign(made, { timestamp }, asSentBeside('timestamp', sent));
  made.entry = entry;
  return made as Bundle;
}
