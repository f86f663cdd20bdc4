import { createHash } from 'node:crypto';
import type { Meta } from '../../core/format.ts';
import type { Arrival } from '../../core/message.ts';
import type { Header } from '../../protocols/hl7v2/header.ts';

/**
 * A message as it is handed to the intake. What it says of itself beside its bytes is worked out when somebody asks: a
 * channel that does not look for duplicates pays nothing for them.
 */
export function messageArrival(raw: Buffer, header: Header, peer: string): Arrival {
  const arrival = new MessageArrival(raw, header, peer);
  // Without MSH-10 nothing tells a resent message from a new one with the same content.
  return header.bytesOf(10) === '' ? { raw, meta: arrival.meta } : arrival;
}

class MessageArrival implements Arrival {
  readonly raw: Buffer;
  readonly #header: Header;
  readonly #peer: string;
  #meta: Meta | undefined;

  constructor(raw: Buffer, header: Header, peer: string) {
    this.raw = raw;
    this.#header = header;
    this.#peer = peer;
  }

  get meta(): Meta {
    this.#meta ??= describe(this.#header, this.#peer);
    return this.#meta;
  }

  /** MSH-3, MSH-4 and MSH-10 as they stand (rule 14). */
  get dedupeKey(): string {
    const header = this.#header;
    const bar = String.fromCharCode(header.delimiters.field);
    return `${header.bytesOf(3)}${bar}${header.bytesOf(4)}${bar}${header.bytesOf(10)}`;
  }

  /** Of everything but MSH-7: a message sent again may bear a new time. */
  get contentHash(): string {
    const { raw } = this;
    const hash = createHash('sha256');
    const start = fieldStart(raw, this.#header.delimiters.field, 7);
    hash.update(raw.subarray(0, start));
    hash.update(raw.subarray(start + this.#header.bytesOf(7).length));
    return hash.digest('base64');
  }
}

function describe(header: Header, peer: string): Meta {
  const { code, event } = header;
  return { peer, 'hl7.controlId': header.controlId, 'hl7.type': event === '' ? code : `${code}^${event}` };
}

/** Where field `n` of MSH begins, which is the first segment: MSH-1 is the separator itself. */
function fieldStart(raw: Buffer, separator: number, n: number): number {
  let at = raw.indexOf('MSH', 0, 'latin1') + 3;
  for (let field = 1; field < n - 1; field++) at = raw.indexOf(separator, at + 1);
  return at < 0 ? raw.length : at + 1;
}
