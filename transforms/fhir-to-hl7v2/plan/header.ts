import { table } from '../../hl7v2-to-fhir/urls.ts';
import type { Context } from '../context.ts';
import { type Element, isElement } from '../element.ts';
import { cameAt } from '../hints.ts';
import { keptWithin } from '../kept.ts';
import { merge, put, type Repetition, SegmentDraft } from '../repetition.ts';
import { authorityIn, hdOf } from '../types/identifier.ts';
import { xonOf } from '../types/party.ts';
import { timeIn } from '../types/time.ts';
import { codesIn } from './codes-in.ts';
import { emit, fill } from './emit.ts';

/** What the configuration says of the header. */
export interface HeaderOptions {
  readonly sendingApplication?: string | undefined;
  readonly sendingFacility?: string | undefined;
  readonly receivingApplication?: string | undefined;
  readonly receivingFacility?: string | undefined;
}

/** `ADT^A01^ADT_A01` as a bundle says it, or nothing. */
export function typeSaid(
  header: Element | undefined,
): readonly [code: string | undefined, event: string | undefined, structure: string | undefined] {
  const coding = isElement(header?.eventCoding) ? header.eventCoding : undefined;
  const uri = typeof header?.eventUri === 'string' ? header.eventUri : undefined;
  const display = typeof coding?.display === 'string' ? coding.display : '';
  const code = typeof coding?.code === 'string' ? coding.code : '';
  for (const text of [display, code, uri?.slice(uri.search(/[^/#:]*$/)) ?? '']) {
    const [, type, event, structure] =
      /^([A-Z][A-Z0-9]{2})(?:[\^_-]([A-Z][A-Z0-9]{2}))?(?:[\^_-](\w{1,15}))?$/.exec(text) ?? [];
    if (type && (event || coding?.system === table('0076'))) return [type, event, structure];
  }
  return [undefined, /^[A-Z][A-Z0-9]{2}$/.test(code) ? code : undefined, undefined];
}

/** MSH, without its type and version. */
export function headerSegment(
  bundle: Element,
  header: Element | undefined,
  options: HeaderOptions,
  context: Context,
): SegmentDraft {
  const { reading } = context;
  const draft = new SegmentDraft('MSH');
  const source = reading.object(header, 'source');
  const [destination] = reading.objects(header, 'destination');
  draft.add(3, applicationOf(source, options.sendingApplication, context));
  draft.add(4, facilityOf(reading.object(header, 'sender'), options.sendingFacility, context));
  draft.add(5, applicationOf(destination, options.receivingApplication, context));
  if (!cameAt(destination, reading)?.includes('23'))
    draft.add(6, facilityOf(reading.object(destination, 'receiver'), options.receivingFacility, context));
  const sent = timeIn(bundle, 'timestamp', context);
  if (sent !== undefined) draft.add(7, [[sent]]);
  const control = reading.text(reading.object(bundle, 'identifier'), 'value') ?? reading.text(bundle, 'id');
  if (control !== undefined) draft.add(10, [[control]]);
  const sourceParts = cameAt(source, reading) ?? [];
  const parts = cameAt(destination, reading) ?? [];
  if (sourceParts.includes('24')) draft.add(24, universalOf(reading.text(source, 'endpoint')));
  if (parts.includes('25')) draft.add(25, universalOf(reading.text(destination, 'endpoint')));
  const receiver = reading.object(destination, 'receiver');
  if (parts.includes('23') && receiver) draft.add(23, xonOf(receiver, context));
  const responsible = reading.object(header, 'responsible');
  if (responsible) draft.add(22, xonOf(responsible, context));
  const language = reading.text(header, 'language');
  if (language !== undefined) draft.add(19, [[language]]);
  const processing: Repetition = [];
  for (const tag of reading.objects(reading.object(header, 'meta'), 'tag')) {
    if (tag.system === table('0103')) put(processing, 1, 1, reading.text(tag, 'code'));
    if (tag.system === table('0207')) put(processing, 2, 1, reading.text(tag, 'code'));
    reading.takeAll(tag);
  }
  draft.add(11, processing);
  if (header) {
    reading.takeAll(header.eventCoding);
    reading.take(header, 'eventUri');
    keptWithin(header, draft, context);
  }
  return draft;
}

/** MSH-3 or MSH-5: a name, and where its endpoint is a universal identifier that. */
function applicationOf(
  place: Element | undefined,
  configured: string | undefined,
  context: Context,
): Repetition | undefined {
  const { reading } = context;
  const name = reading.text(place, 'name');
  const address = cameAt(place, reading)?.some((each) => each === '24' || each === '25');
  const endpoint = address ? undefined : reading.text(place, 'endpoint');
  const target = reading.object(place, 'target');
  const device = target && hdOf(context.target(target), context);
  if (configured !== undefined) return [[configured]];
  const made: Repetition = device ?? [];
  put(made, 1, 1, name ?? reading.text(place, 'software'));
  if (endpoint !== undefined && made[1]?.[0] === undefined && (context.own || name === undefined)) {
    merge(made, universalOf(endpoint) ?? []);
  }
  return made.length > 0 ? made : undefined;
}

/** A universal identifier by the URI that it has. */
function universalOf(uri: string | undefined): Repetition | undefined {
  if (uri === undefined) return undefined;
  return uri.startsWith('urn:dns:') ? [[], [uri.slice('urn:dns:'.length)], ['DNS']] : authorityIn(uri);
}

function facilityOf(
  reference: Element | undefined,
  configured: string | undefined,
  context: Context,
): Repetition | undefined {
  const organization = reference && context.target(reference);
  const said = organization && hdOf(organization, context);
  if (configured !== undefined) return [[configured]];
  if (said) return said;
  const display = context.reading.text(reference, 'display');
  return display === undefined ? undefined : [[display]];
}

/** EVN: what happened, when, why. */
export function eventSegment(header: Element | undefined, event: string, context: Context): SegmentDraft {
  const { resources, reading } = context;
  const provenance = resources.of('Provenance').find((each) => isEvent(each, header, context));
  const draft = fill(new SegmentDraft('EVN'), [['EVN[Provenance]', provenance]], context);
  const [code] = codesIn(provenance?.activity);
  reading.takeAll(provenance?.activity);
  draft.need(1, code ?? event);
  return draft;
}

const AUTHOR = 'author';
const ASSEMBLER = 'assembler';

/** The provenance of what happened, not of the message: that one has an author, and its transformation an assembler. */
function isEvent(provenance: Element, header: Element | undefined, context: Context): boolean {
  const { reading } = context;
  const about = reading.objects(provenance, 'target').map((each) => context.target(each));
  if (header ? !about.includes(header) : !about.some((each) => each?.resourceType === 'MessageHeader')) return false;
  return !reading
    .objects(provenance, 'agent')
    .some(({ type }) => codesIn(type).some((code) => code === AUTHOR || code === ASSEMBLER));
}

/** SFT of software that a message went through, MSA and ERR of an answer. */
export function headerCompany(header: Element | undefined, context: Context): SegmentDraft[] {
  const { reading, resources } = context;
  const software = resources
    .of('Provenance')
    .flatMap((each) =>
      reading.objects(each, 'entity').flatMap(({ what, role }) => (role === 'derivation' ? context.targets(what) : [])),
    );
  const drafts = software.map((device) => emit('SFT', [['SFT[Device]', device]], context));
  if (header?.response !== undefined) {
    drafts.push(emit('MSA', [['MSA[MessageHeader]', header]], context));
    const outcome = context.target(reading.object(header, 'response')?.details);
    if (outcome) drafts.push(emit('ERR', [['ERR[OperationOutcome]', outcome]], context));
  }
  return drafts.filter((each) => each !== undefined);
}

/** Whether a bundle is one that Weir made of a v2 message. */
export function isOwn(bundle: Element): boolean {
  const entries = Array.isArray(bundle.entry) ? bundle.entry : [];
  return entries.some((entry) => {
    const resource = isElement(entry) ? entry.resource : undefined;
    if (!isElement(resource) || resource.resourceType !== 'Provenance') return false;
    return codesIn(resource.activity).includes('v2-fhir-transformation');
  });
}
