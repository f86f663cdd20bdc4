import { contentHash, isIdentified, messageIdentity } from '../../contracts/hl7v2-identity.ts';
import type { Meta } from '../../core/format.ts';
import type { Arrival } from '../../core/message.ts';
import type { Header } from '../../protocols/hl7v2/header.ts';

/**
 * A message as it is handed to the intake. What it says of itself beside its bytes is worked out when somebody asks: a
 * channel that does not look for duplicates pays nothing for them.
 */
export function messageArrival(raw: Buffer, header: Header, peer: string): Arrival {
  return isIdentified(header) ? new MessageArrival(raw, header, peer) : { raw, meta: describe(header, peer) };
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

  /** MSH-3, MSH-4 and MSH-10 (rule 14). */
  get dedupeKey(): string {
    return messageIdentity(this.#header);
  }

  /** Of everything but MSH-7 (rule 14). */
  get contentHash(): string {
    return contentHash(this.raw, this.#header);
  }
}

function describe(header: Header, peer: string): Meta {
  const { code, event } = header;
  return { peer, 'hl7.controlId': header.controlId, 'hl7.type': event === '' ? code : `${code}^${event}` };
}
