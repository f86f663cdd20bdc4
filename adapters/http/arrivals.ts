import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Meta } from '../../core/format.ts';
import type { Arrival } from '../../core/message.ts';
import { charsetNamed } from '../../protocols/hl7v2/charset.ts';
import { type Header, readHeader } from '../../protocols/hl7v2/header.ts';
import type { Admitted } from './admission.ts';
import type { HttpSourceConfig } from './config.ts';
import { type Part, partsOf } from './multipart.ts';
import { Refusal } from './refusal.ts';

/** HAPI's content type, and those that others write for the same. */
const hl7ContentTypes: ReadonlySet<string> = new Set([
  'application/hl7-v2',
  'application/hl7-v2+er7',
  'x-application/hl7-v2+er7',
]);

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
  const acknowledge = hl7ContentTypes.has(contentType) ? header : undefined;
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
  if (dedupeKey !== undefined || header.bytesOf(10) === '') return { ...arrival, meta };
  const identity = [3, 4, 10].map((field) => header.bytesOf(field)).join(String.fromCharCode(header.delimiters.field));
  return {
    raw,
    meta,
    dedupeKey: identity,
    get contentHash() {
      const hash = createHash('sha256');
      const start = fieldStart(raw, header.delimiters.field, 7);
      hash.update(raw.subarray(0, start));
      hash.update(raw.subarray(start + header.bytesOf(7).length));
      return hash.digest('base64');
    },
  };
}

/** Where field `n` of MSH begins, which is the first segment: MSH-1 is the separator itself. */
function fieldStart(raw: Uint8Array, separator: number, n: number): number {
  let at = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).indexOf('MSH', 0, 'latin1') + 3;
  for (let field = 1; field < n - 1; field++) at = raw.indexOf(separator, at + 1);
  return at < 0 ? raw.length : at + 1;
}
