import type { Coding, Reference } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import type { Draft, SegmentView } from '../segment-view.ts';
import { identifiersOfHd, organizationOfHd, organizationOfXon } from '../types/organization.ts';
import { universalUri } from '../types/primitive.ts';
import { absent, cameFrom, table, V2 } from '../urls.ts';
import { mapped, systemFor } from '../vocabulary.ts';
import { make, type State } from './state.ts';

const HEADER = rows('MSH[MessageHeader]', 5, 6, 7, 8, 9, 10, 11, 15, 17, 25, 29, 30, 31, 34);
const BUNDLE = rows('MSH[Bundle]', 3, 10, 13, 14);
const SOURCE = rows('HD[MessageHeader.source-name]', 3);
const DESTINATION = rows('HD[MessageHeader.destination-endpoint]', 3);
const MESSAGE = rows('MSG[Coding]', 3, 5, 6);
const META = rows('PT[Meta]', 3, 4, 5, 6);

/** The message header: who sends what to whom (HL7 2.5.1 §2.15.9). It is the first resource, which a bundle of a message needs. */
export function messageHeader(msh: SegmentView | undefined, conversion: Conversion): Draft {
  const { resources } = conversion;
  const header = resources.make('MessageHeader');
  if (!msh) return header;
  msh.home = header;
  conversion.segment = msh;
  msh.first(10)?.take(1, BUNDLE[13]);
  header.eventCoding = eventOf(msh.first(9));
  const meta = metaOf(msh.first(11));
  if (meta) header.meta = meta;
  header.source = sourceOf(msh);
  const sender = organizationAt(msh, 4, conversion);
  if (sender) header.sender = resources.reference(sender);
  const destination = destinationOf(msh, conversion);
  if (destination) header.destination = [destination];
  const responsible = msh.first(22);
  const organization = responsible && organizationOfXon(responsible, conversion);
  if (organization) header.responsible = resources.reference(organization);
  const language = msh.first(19);
  if (language && /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language.peek(1) ?? '')) {
    header.language = language.take(1, HEADER[25]);
  }
  return header;
}

function eventOf(view: View | undefined): Coding {
  const code = view?.take(1, MESSAGE[3]);
  const event = view?.take(2, MESSAGE[5]);
  const structure = view?.take(3, MESSAGE[3]);
  let display = code ?? '';
  for (const part of [event, structure]) if (part !== undefined) display = display === '' ? part : `${display}^${part}`;
  if (event !== undefined) return { system: systemFor(table('0003'), event), code: event, display };
  return code === undefined
    ? { extension: [...absent.extension] }
    : { system: systemFor(table('0076'), code), code, display };
}

function metaOf(view: View | undefined): { tag: Coding[] } | undefined {
  const tag: Coding[] = [];
  const processing = view?.take(1, META[3]);
  const mode = view?.take(2, META[5]);
  if (processing !== undefined)
    tag.push({ system: systemFor(table('0103'), processing), code: processing, ...named('ProcessingID', processing) });
  if (mode !== undefined)
    tag.push({ system: systemFor(table('0207'), mode), code: mode, ...named('ProcessingMode', mode) });
  return tag.length > 0 ? { tag } : undefined;
}

function named(vocabulary: string, code: string): { display?: string } {
  const display = mapped(vocabulary, code)?.[1];
  return display ? { display } : {};
}

/** The endpoint is that of MSH-24, or what MSH-3 says that is an address; else it is unknown. */
function sourceOf(msh: SegmentView): object {
  const application = msh.first(3);
  const name = application?.take(1, SOURCE[3]);
  const address = endpointOf(msh.first(24), HEADER[31]);
  const endpoint = address ?? endpointOf(application, HEADER[6]);
  const source: Record<string, unknown> = {};
  if (address !== undefined) source.extension = [cameFrom('24')];
  if (name !== undefined) source.name = name;
  if (endpoint === undefined) source._endpoint = absent;
  else source.endpoint = endpoint;
  return source;
}

function endpointOf(view: View | undefined, row: string): string | undefined {
  const id = view?.peek(2);
  const uri = id === undefined ? undefined : universalUri(id, view?.peek(3));
  if (uri === undefined) return undefined;
  view!.mark(2, row);
  view!.mark(3, row);
  return uri;
}

function destinationOf(msh: SegmentView, conversion: Conversion): object | undefined {
  const { resources } = conversion;
  const application = msh.first(5);
  const receiving = msh.first(23);
  const named = receiving && organizationOfXon(receiving, conversion);
  const receiver = named ?? organizationAt(msh, 6, conversion);
  if (!application && !receiver && !msh.has(25)) return undefined;
  const name = application?.take(1, DESTINATION[3]);
  const address = endpointOf(msh.first(25), HEADER[34]);
  const endpoint = address ?? endpointOf(application, HEADER[10]);
  const parts = [...(address === undefined ? [] : ['25']), ...(named ? ['23'] : [])];
  const identifier = application ? identifiersOfHd(application) : [];
  const destination: { target?: Reference; receiver?: Reference } & Record<string, unknown> = {};
  if (parts.length > 0) destination.extension = [cameFrom(...parts)];
  if (name !== undefined) destination.name = name;
  if (endpoint === undefined) destination._endpoint = absent;
  else destination.endpoint = endpoint;
  if (identifier.length > 0) {
    const device = resources.make('Device');
    resources.keyed(device, `hd|${application?.peek(1) ?? ''}|${application?.peek(2) ?? ''}`);
    device.identifier = identifier;
    destination.target = resources.reference(device);
  }
  if (receiver) destination.receiver = resources.reference(receiver);
  return destination;
}

function organizationAt(msh: SegmentView, field: number, conversion: Conversion): Draft | undefined {
  const view = msh.first(field);
  return view && organizationOfHd(view, conversion);
}

// Carried out below, and marked as what MSH[MessageHeader] takes.
rows('MSH[Provenance-Source]', 6, 11, 12, 13, 16, 19, 32, 33, 34);
rows('MSH[Provenance-Transformation]', 3, 4, 5, 7, 8, 9, 13);
const PARTICIPANT = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type';

/** Where the message comes from, and that it was transformed: by Weir. */
export function provenances(msh: SegmentView | undefined, state: State): Draft {
  const { conversion, header } = state;
  const { resources } = conversion;
  const source = resources.make('Provenance');
  source.target = [resources.reference(header)];
  const sender = header.sender as object | undefined;
  const organization = sender && resources.targetOf(sender);
  const application = msh?.peek(3);
  const who = organization ? resources.reference(organization) : { display: application ?? 'unknown' };
  source.agent = [{ type: { coding: [{ system: PARTICIPANT, code: 'author' }] }, who }];
  source.activity = { coding: [(header.eventCoding as Coding) ?? {}] };
  if (!(header.eventCoding as Coding | undefined)?.code) delete source.activity;
  const transformation = resources.make('Provenance');
  transformation.target = [resources.reference(header)];
  transformation.activity = {
    coding: [
      {
        system: 'http://hl7.org/fhir/uv/v2mappings/CodeSystem/provenance-activity-type-v2-to-fhir',
        code: 'v2-fhir-transformation',
      },
    ],
  };
  const engine = resources.make('Device');
  resources.keyed(engine, 'weir');
  engine.identifier = [{ system: `${V2}engine`, value: 'weir' }];
  engine.deviceName = [{ name: 'Weir', type: 'manufacturer-name' }];
  transformation.agent = [
    { type: { coding: [{ system: PARTICIPANT, code: 'assembler' }] }, who: resources.reference(engine) },
  ];
  return source;
}

const EVENT = rows('EVN[Provenance]', 3);
rows('MSH[Provenance-Operator]', 6, 24);

/** What happened, when, by whom (HL7 2.5.1 §3.4.1). Without an operator it was the sending facility. */
export function event(evn: SegmentView, state: State): void {
  const { conversion, header } = state;
  const { resources } = conversion;
  const provenance = make('EVN[Provenance]', evn, state);
  provenance.target = [resources.reference(header)];
  const code = evn.first(1)?.take(1, EVENT[3]) ?? (state.event || undefined);
  if (code !== undefined)
    provenance.activity = { coding: [{ system: systemFor(table('0003'), code), code, ...named('EventType', code) }] };
  const sender = header.sender as object | undefined;
  const organization = sender && resources.targetOf(sender);
  if (provenance.agent === undefined && organization) provenance.agent = [{ who: resources.reference(organization) }];
  state.last = provenance;
}
