import { hash } from 'node:crypto';
import { HubError } from '../../core/errors.ts';
import { type Zone, zoneNamed } from '../../core/time/zone.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { DEFAULT_DELIMITERS } from '../../protocols/hl7v2/delimiters.ts';
import { writeSegment } from '../../protocols/hl7v2/input.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { timestamp } from '../../protocols/hl7v2/timestamp.ts';
import { BundleResources } from './bundle.ts';
import { Context, type ReturnIssue } from './context.ts';
import { type Element, isElement, Reading } from './element.ts';
import { tellLosses } from './losses.ts';
import { type HeaderOptions, headerCompany, headerSegment, isOwn, typeSaid } from './plan/header.ts';
import { leftovers } from './plan/leftovers.ts';
import { codeOfEvent, eventFor, families, typeOfContent } from './plan/message-type.ts';
import { bodyOf, keptAsSegments } from './plan/messages.ts';
import { type Repetition, type SegmentDraft, written } from './repetition.ts';
import { complete, numbered } from './required.ts';
import { timeIn } from './types/time.ts';

export interface ReturnOptions extends HeaderOptions {
  /** `ADT^A08`; without it what the MessageHeader says, else what the bundle holds. */
  readonly type?: string | undefined;
  /** The version that is written where the bundle names none; default 2.5.1. */
  readonly version?: string | undefined;
  /** The IANA zone that times are written in; without it the offset that each has. */
  readonly zone?: string | undefined;
  /** When the bundle came, milliseconds since 1970: for MSH-7, where it says no time. */
  readonly receivedAt?: number | undefined;
  /** The systems of identifiers by the names of their authorities: `{ HOSP: 'urn:oid:1.2.3' }`. */
  readonly systems?: Readonly<Record<string, string>> | undefined;
}

export interface Returned {
  readonly message: Hl7Message;
  /** What the message does not say as the bundle does. */
  readonly issues: readonly ReturnIssue[];
}

const VERSION = '2.5.1';

/**
 * A bundle of FHIR R4 as an HL7 v2 message, by the rules of `hl7v2-to-fhir` read backwards. The same bundle, the same bytes.
 * @throws HubError where it is no bundle, or no message can be made of what it holds; nothing else, whatever it holds
 */
export function toHl7v2(bundle: unknown, options: ReturnOptions = {}): Returned {
  if (!isElement(bundle) || bundle.resourceType !== 'Bundle') throw refusal('decode-failed', 'it is no Bundle');
  const reading = new Reading();
  const resources = new BundleResources(bundle, reading);
  const own = isOwn(bundle);
  const header = resources.first('MessageHeader');
  const said = headerVersion(header, own);
  const context = new Context(reading, resources, own, {
    version: options.version ?? said ?? VERSION,
    zone: zoneOf(options.zone),
    names: new Map(Object.entries(options.systems ?? {}).map(([name, system]) => [system, name])),
  });
  const [code, event, structure] = typeOf(options.type, header, context);
  const family = families[code];
  if (!family) throw refusal('validation-failed', `there is no way back to messages ${code}`);
  const msh = headerSegment(bundle, header, options, context);
  const body = bodyOf(family, event, header, context);
  const kept = keptAsSegments(context);
  const front = headerCompany(header, context);
  const drafts = [...front, ...body, ...leftovers(context), ...kept];
  numbered(drafts);
  complete(drafts, code, context);
  headTime(msh, drafts, bundle, options, context);
  finishHeader(msh, bundle, [code, event, structure ?? context.schema.structureNameFor(code, event)], context);
  tellLosses(context);
  return { message: encoded([msh, ...drafts]), issues: context.issues };
}

function zoneOf(name: string | undefined): Zone | undefined {
  return name === undefined ? undefined : zoneNamed(name);
}

function refusal(code: 'decode-failed' | 'validation-failed', reason: string): HubError {
  return new HubError(code, 'permanent', `writing a bundle as HL7 v2: ${reason}`);
}

/** MSH-12 as it was sent. */
function headerVersion(header: unknown, own: boolean): string | undefined {
  if (!own || !isElement(header) || !Array.isArray(header.extension)) return undefined;
  const kept = header.extension.find(
    (each) => isElement(each) && typeof each.url === 'string' && /MSH-12(\.1)?$/.test(each.url),
  );
  return isElement(kept) && typeof kept.valueString === 'string' ? kept.valueString : undefined;
}

/** The type to write: as configured, as the header says, else of what the bundle holds. */
function typeOf(
  configured: string | undefined,
  header: Parameters<typeof typeSaid>[0],
  context: Context,
): readonly [code: string, event: string, structure: string | undefined] {
  if (configured !== undefined) {
    const [code = '', event, structure] = configured.split('^');
    return [code, event ?? eventFor(code, context) ?? '', structure];
  }
  const [said, event, structure] = typeSaid(header);
  const code = said ?? (event === undefined ? undefined : codeOfEvent(event, context));
  if (code !== undefined) return [code, event ?? eventFor(code, context) ?? '', structure];
  const found = typeOfContent(context);
  if (!found) throw refusal('validation-failed', 'it holds nothing that a message is about');
  return [...found, undefined];
}

/** MSH-7, and EVN-2 where nothing says when it happened. */
function headTime(
  msh: SegmentDraft,
  drafts: readonly SegmentDraft[],
  bundle: Element,
  { receivedAt }: ReturnOptions,
  context: Context,
): void {
  const { reading } = context;
  const changed = timeIn(reading.object(bundle, 'meta'), 'lastUpdated', context);
  msh.need(7, changed ?? (receivedAt === undefined ? undefined : timestamp(receivedAt)));
  if (!msh.has(7)) context.issue('completed', 'MSH-7', 'the standard requires it, and the bundle does not say it');
  if (context.own) return;
  for (const draft of drafts) if (draft.name === 'EVN' && draft.text(2) === '""') draft.fields.delete(2);
  for (const draft of drafts) if (draft.name === 'EVN') draft.need(2, msh.text(7) ?? '""');
}

/** A number of what a bundle holds, for one that has none: the same bundle, the same one. */
function numberOf(bundle: Element): string {
  let text = '';
  try {
    text = JSON.stringify(bundle);
  } catch {
    // A cycle, or a nesting deeper than the stack.
  }
  return hash('sha1', text, 'hex').slice(0, LONGEST_CONTROL_ID);
}

/** MSH-10 up to 2.6 (HL7 2.5.1 §2.15.9.10). */
const LONGEST_CONTROL_ID = 20;

function finishHeader(
  msh: SegmentDraft,
  bundle: Element,
  [code, event, structure]: readonly [string, string, string | undefined],
  context: Context,
): void {
  const type: Repetition = [[code], [event || undefined], [structure]];
  msh.fields.set(9, [type]);
  msh.need(11, 'P');
  const control = msh.text(10);
  if (control === undefined || (!context.own && control.length > LONGEST_CONTROL_ID))
    msh.fields.set(10, [[[numberOf(bundle)]]]);
  msh.fields.set(12, msh.fields.get(12) ?? [[[context.version]]]);
  // What is written is UTF-8, whatever the bundle was made from.
  msh.fields.set(18, [[['UNICODE UTF-8']]]);
  msh.fields.delete(1);
  msh.fields.delete(2);
}

function encoded(drafts: readonly SegmentDraft[]): Hl7Message {
  try {
    const lines = drafts.map((draft) => {
      const fields = [...draft.fields]
        .filter(([n]) => n > 0 && n <= MOST_FIELDS)
        .map(([n, values]) => [n, { repetitions: values.map(written) }] as const);
      return `${writeSegment({ name: draft.name, fields: Object.fromEntries(fields) }, DEFAULT_DELIMITERS)}\r`;
    });
    return parse(Buffer.from(lines.join(''), 'utf8'));
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    throw new HubError('encode-failed', 'permanent', `writing a bundle as HL7 v2: ${fault.message}`, { cause: fault });
  }
}

/** Fields beyond it are none. */
const MOST_FIELDS = 200;
