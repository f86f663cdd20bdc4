import type { IncomingMessage } from 'node:http';
import { Refusal } from '../../clients/http-server/refusal.ts';
import { contentHash, isIdentified, messageIdentity } from '../../contracts/hl7v2-identity.ts';
import type { Meta } from '../../core/format.ts';
import type { Arrival } from '../../core/message.ts';
import { charsetNamed } from '../../protocols/hl7v2/charset.ts';
import { isHl7ContentType } from '../../protocols/hl7v2/content-type.ts';
import { type Header, readHeader } from '../../protocols/hl7v2/header.ts';
import type { Admitted } from './admission.ts';
import type { HttpSourceConfig } from './config.ts';
import { type Part, partsOf } from './multipart.ts';

/** What a body gives. */
export interface Arrivals {
  readonly arrivals: readonly Arrival[];
  /** The header of the HL7 message whose sender waits for an acknowledgement. */
  readonly acknowledge: Header | undefined;
}

/** One arrival for the body, or one for each part of a form. Throws Refusal 400 where it is none, or no HL7 where it is to be. */
export async function arrivalsOf(
  request: IncomingMessage,
  body: Buffer,
  admitted: Admitted,
  peer: string,
  config: HttpSourceConfig,
): Promise<Arrivals> {
  if (body.length === 0) throw new Refusal(400, 'the body is empty');
  const meta = metaOf(request, admitted, peer, config);
  const key = request.headers[config.dedupeHeader.toLowerCase()];
  const dedupeKey = typeof key === 'string' && key !== '' ? `${admitted.caller ?? ''}/${key}` : undefined;
  const { contentType } = admitted;
  if (config.multipart && contentType === 'multipart/form-data') {
    const parts = await partsOf(body, request.headers['content-type'] ?? '', config.multipart);
    const arrivals = parts.map((part, index) => ({
      raw: part.raw,
      meta: { ...meta, ...partMeta(part, index, parts.length) },
      ...(dedupeKey !== undefined && { dedupeKey: `${dedupeKey}/${index}` }),
    }));
    return { arrivals, acknowledge: undefined };
  }
  const arrival = { raw: body, meta, ...(dedupeKey !== undefined && { dedupeKey }) };
  if (config.format !== 'hl7v2') return { arrivals: [arrival], acknowledge: undefined };
  const header = readHeader(body);
  if (!header) throw new Refusal(400, 'the body does not begin with an MSH segment');
  const acknowledge = isHl7ContentType(contentType) ? header : undefined;
  return { arrivals: [hl7Arrival(arrival, header, acknowledge && admitted.charset)], acknowledge };
}

function metaOf(request: IncomingMessage, admitted: Admitted, peer: string, config: HttpSourceConfig): Meta {
  const meta: Record<string, string> = { peer, 'http.method': request.method ?? '', 'http.path': admitted.path };
  if (admitted.contentType !== '') meta['http.contentType'] = admitted.contentType;
  if (admitted.caller !== undefined) meta['http.caller'] = admitted.caller;
  for (const name of config.headers) {
    const value = request.headers[name.toLowerCase()];
    if (value !== undefined)
      meta[`http.header.${name.toLowerCase()}`] = typeof value === 'string' ? value : value.join(', ');
  }
  for (const name of config.query) {
    const value = admitted.query.get(name);
    if (value !== null) meta[`http.query.${name}`] = value;
  }
  return meta;
}

function partMeta({ name, filename, contentType }: Part, index: number, count: number): Meta {
  return {
    'http.part': name,
    'http.part.index': String(index),
    'http.parts': String(count),
    'http.part.contentType': contentType,
    ...(filename !== undefined && { 'http.part.filename': filename }),
  };
}

/**
 * What an HL7 message says of itself. Sent again it may bear a new time, so that its content is all but MSH-7 (rule 14).
 * @param charset the content type's, which holds whatever MSH-18 says (HL7 over HTTP §2.4)
 */
function hl7Arrival(arrival: Arrival, header: Header, charset: string | undefined): Arrival {
  const { raw, dedupeKey } = arrival;
  const { code, event, controlId } = header;
  const known = charset !== undefined && charsetNamed(charset) !== undefined;
  const meta = {
    ...arrival.meta,
    'hl7.controlId': controlId,
    'hl7.type': event === '' ? code : `${code}^${event}`,
    ...(known && { 'hl7.charset': charset }),
  };
  if (dedupeKey !== undefined || !isIdentified(header)) return { ...arrival, meta };
  return {
    raw,
    meta,
    dedupeKey: messageIdentity(header),
    get contentHash() {
      return contentHash(raw, header);
    },
  };
}
