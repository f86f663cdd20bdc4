import { controlIdOf } from '../../connectors/mllp/prepared.ts';
import { readHl7Path } from '../../contracts/hl7v2-path.ts';
import { HubError } from '../../core/errors.ts';
import type { Meta } from '../../core/format.ts';
import type { AtPath, Extractor, Facts, Received } from '../../core/search/extractor.ts';
import type { FeedPart } from '../../core/search/feed.ts';
import { normalised } from '../../core/search/normalise.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { readHeader } from '../../protocols/hl7v2/header.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { compilePath, type Path } from '../../protocols/hl7v2/path.ts';
import { type ReceivedAck, readAck } from '../../protocols/hl7v2/read-ack.ts';
import { placesIn, placesOf, plainPlace, searchPath } from './hl7v2-places.ts';

export interface Hl7ExtractorOptions {
  /** Fields or components whose values are identifiers too. */
  readonly paths: readonly string[];
}

/** CX: found by the identifier alone, and with its assigning authority as `4711^^^HOSP`. */
const qualified = ['PID-3', 'MRG-1', 'PV1-19'].map((path) => ({
  whole: compilePath(path),
  id: compilePath(`${path}.1`),
}));
/** EI and ST: found by component 1. */
const plain = ['MSH-10', 'ORC-2.1', 'ORC-3.1', 'OBR-2.1', 'OBR-3.1'].map((path) => compilePath(path));
const repliedTo = compilePath('MSA-2');

/**
 * What HL7 v2 messages are found by: the patient (PID-3, each repetition; MRG-1 of a merge), the visit (PV1-19), the order (ORC-2,
 * ORC-3, OBR-2, OBR-3), the control id (MSH-10) as it was received and as it was sent, and the configured paths. Throws HubError
 * `config-invalid` for a path that HL7 does not have.
 */
export function hl7v2Extractor({ paths }: Hl7ExtractorOptions): Extractor {
  const own = paths.map(pathOf);
  return {
    received: (message) => receivedIdentifiers(message, own),
    sent: sentIdentifiers,
    origins: originsOf,
    places: ({ raw, meta }) => placesIn(raw && parsed(raw, meta)),
    at: (path, value) => atPath(searchPath(path), value, [...plain, ...qualified.map(({ id }) => id), ...own]),
    text: ({ raw, meta }) => (raw ? (parsed(raw, meta)?.text() ?? Buffer.from(raw).toString('utf8')) : ''),
    describe: ({ raw, meta }) => factsOf({ controlId: (raw && readHeader(raw)?.controlId) || meta['hl7.controlId'] }),
    describePart: describeSent,
  };
}

/** What may be a delimiter, or escaped, may be written otherwise. */
function longestOf(pieces: readonly string[]): string {
  return pieces
    .map((piece) => piece.trim())
    .reduce((longest, piece) => (piece.length > longest.length ? piece : longest), '');
}

/** All of the value there, in any case; at a field component 1 alone will do. */
function atPath(path: Path, value: string, identifiers: readonly Path[]): AtPath {
  const wanted = normalised(value);
  const place = plainPlace(path);
  const paths = path.component === 0 ? [path, compilePath(`${path.text}.1`)] : [path];
  return {
    places: placesOf(path, value),
    text: longestOf(value.split(/[|^~\\&\r\n]/)),
    isIdentifier: path.subcomponent === 0 && identifiers.some((each) => plainPlace(each) === place),
    has: ({ raw, meta }) => {
      const message = raw && parsed(raw, meta);
      if (!message || wanted === undefined) return false;
      return paths.some((each) => message.all(each).some((found) => normalised(found) === wanted));
    },
  };
}

/** A path to a field means its component 1. */
function pathOf(text: string): Path {
  const path = problemNamed(text, () => readHl7Path(text));
  if (path.field === 0) throw wrongPath(text, 'it names no field');
  return path.component > 0 ? path : compilePath(`${text}.1`);
}

function problemNamed<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw thrown instanceof HubError ? wrongPath(path, thrown.message) : thrown;
  }
}

function wrongPath(path: string, what: string): HubError {
  return new HubError('config-invalid', 'permanent', `configuring search.paths: ${path}: ${what}`);
}

function receivedIdentifiers({ raw, meta, key }: Received, own: readonly Path[]): readonly string[] {
  const found: string[] = [];
  if (meta['hl7.controlId']) found.push(meta['hl7.controlId']);
  if (key !== undefined) addQualified(found, key);
  const message = raw && parsed(raw, meta);
  if (!message) return found;
  for (const { whole, id } of qualified) {
    const ids = message.all(id);
    found.push(...ids);
    for (const each of message.keys(whole)) if (!ids.includes(each)) addQualified(found, each);
  }
  for (const path of plain) found.push(...message.all(path));
  for (const path of own) found.push(...message.all(path));
  return found;
}

/** `4711^HOSP&1.2.3&ISO`, as `Hl7Message.keys` writes it: `4711`, and `4711^^^HOSP`. */
function addQualified(found: string[], key: string): void {
  const at = key.lastIndexOf('^');
  if (at < 0) {
    found.push(key);
    return;
  }
  const [namespace = ''] = key.slice(at + 1).split('&', 1);
  found.push(key.slice(0, at));
  if (namespace !== '') found.push(`${key.slice(0, at)}^^^${namespace}`);
}

/**
 * MSH-10 of what was sent: as its bytes have it, as its receiver answered to, and as `controlId: effect` of a destination makes it,
 * which needs no content.
 */
function sentIdentifiers({ effectId, bytes, reply }: FeedPart): readonly string[] {
  const header = bytes && readHeader(bytes);
  if (bytes && !header) return [];
  const found = [controlIdOf(effectId)];
  if (header) found.push(header.controlId);
  if (reply) found.push(parsed(reply, {})?.get(repliedTo) ?? '');
  return found;
}

/** What the adapter `events` and the connector `publish` say of an event: the effect id it has, and the message it was published for. */
function originsOf(meta: Meta): readonly string[] {
  if (meta['event.id'] === undefined) return [];
  const [origin = ''] = meta['event.id'].split('/', 1);
  return [...new Set([origin, meta.messageId ?? origin])];
}

function describeSent({ bytes, reply }: FeedPart): Facts {
  const ack = reply && acknowledgement(reply);
  const [error] = ack?.errors ?? [];
  const where = error?.location === undefined ? '' : `${error.location}: `;
  const sent = bytes && readHeader(bytes)?.controlId;
  return factsOf({
    // What the receiver repeats is what it was sent: a destination may write one of its own over that of the bytes.
    controlId: ack?.controlId || sent,
    ackCode: ack?.code,
    ackText:
      ack?.text ?? (error && (error.text ?? error.code) !== undefined ? where + (error.text ?? error.code) : undefined),
  });
}

function acknowledgement(reply: Uint8Array): ReceivedAck | undefined {
  try {
    return readAck(reply);
  } catch (fault) {
    if (fault instanceof ProtocolFault) return undefined;
    throw fault;
  }
}

function parsed(raw: Uint8Array, meta: Meta): Hl7Message | undefined {
  const charset = meta['hl7.charset'];
  try {
    return parse(raw, charset === undefined ? {} : { charset });
  } catch (fault) {
    if (fault instanceof ProtocolFault) return undefined;
    throw fault;
  }
}

function factsOf(facts: Readonly<Record<string, string | undefined>>): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value)) as Facts;
}
