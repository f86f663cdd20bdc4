import { Document, document } from '../document.ts';
import type { ErrorRecord } from '../errors.ts';
import type { Finding } from '../finding.ts';
import type { Format, Meta } from '../format.ts';
import type { Message, Outgoing } from '../message.ts';
import type { Outcome, Receipt } from '../outcome.ts';
import type { Part } from '../store/message-store.ts';
import type { CompiledChannel } from './compiled.ts';
import type { BatchDelivery } from './delivery.ts';
import type { Laned } from './lanes.ts';

/** The lane of messages without a key, and of channels without `keyBy`: total order. */
export const defaultKey = '';
const defaultKeys: readonly [string] = [defaultKey];

/** One message in memory on its first pass, and the way back to its sender. */
export class Slot implements Laned {
  readonly id: string;
  readonly seq: number;
  readonly raw: Uint8Array;
  readonly meta: Meta;
  readonly receivedAt: number;
  readonly arrivalKey: string | undefined;
  readonly replayOf: string | undefined;
  readonly only: readonly string[] | undefined;
  keys: readonly [string, ...string[]] = defaultKeys;
  laneKeys: readonly string[] = defaultKeys;
  lanesAhead = 0;
  /** The definition it is processed with: the one current when it was routed. */
  compiled: CompiledChannel | undefined;
  payload: unknown;
  /** What the first pass ended in, a part per destination and output. */
  readonly parts: Part[] = [];
  /** Parts on their way in this pass; the settlement is written when it comes back to 0. */
  open = 0;
  /** Parts that were queued and are not done: the message is settled when it comes to 0 too. */
  queued = 0;
  error: ErrorRecord | undefined;
  /** The reply of the destination named by `replyFrom`. */
  reply: Uint8Array | undefined;
  /** What validation found. */
  findings: readonly Finding[] | undefined;
  /** What is kept beside the meta it arrived with: names of documents that were split off. */
  found: Record<string, string> | undefined;
  /** Set once the sender has had its last answer. */
  answered = false;
  settled = false;
  delivery: BatchDelivery | undefined;
  index = 0;
  /** Another hub stored it, and its sender may wait there. */
  foreign = false;
  /** Messages that other hubs stored before it were there, unrouted. */
  behindForeign = false;
  /** On the monotonic clock, where the channel answers late. */
  answerBy = 0;

  constructor(
    id: string,
    seq: number,
    raw: Uint8Array,
    meta: Meta,
    receivedAt: number,
    arrivalKey: string | undefined,
    replayOf: string | undefined,
    only: readonly string[] | undefined,
  ) {
    this.id = id;
    this.seq = seq;
    this.raw = raw;
    this.meta = meta;
    this.receivedAt = receivedAt;
    this.arrivalKey = arrivalKey;
    this.replayOf = replayOf;
    this.only = only;
  }

  receipt(outcome: Outcome): Receipt {
    if (this.reply !== undefined) return { id: this.id, outcome, reply: this.reply };
    return this.findings && this.error ? { id: this.id, outcome, findings: this.findings } : { id: this.id, outcome };
  }
}

/** What steps see: one object per payload, so that a step that keeps its message never sees another's payload. */
export class StepMessage implements Message<unknown> {
  readonly id: string;
  readonly seq: number;
  readonly channel: string;
  readonly keys: readonly [string, ...string[]];
  readonly receivedAt: number;
  readonly version: string;
  declare readonly replayOf?: string;
  readonly meta: Meta;
  readonly payload: unknown;

  constructor(slot: Slot, channel: string, version: string, payload: unknown) {
    this.id = slot.id;
    this.seq = slot.seq;
    this.channel = channel;
    this.keys = slot.keys;
    this.receivedAt = slot.receivedAt;
    this.version = version;
    if (slot.replayOf !== undefined) this.replayOf = slot.replayOf;
    this.meta = slot.meta;
    this.payload = payload;
  }
}

/** What identifies an outgoing message, whether it comes from a slot or from the store's queue. */
export interface OutgoingIdentity {
  readonly id: string;
  readonly seq: number;
  readonly channel: string;
  readonly keys: readonly string[];
  readonly receivedAt: number;
  readonly version: string;
  readonly replayOf: string | undefined;
  readonly meta: Meta;
}

/** A message as a destination gets it. Bytes are encoded, and frozen bytes decoded, when somebody first asks. */
export class OutgoingMessage implements Outgoing<unknown> {
  readonly id: string;
  readonly seq: number;
  readonly channel: string;
  readonly keys: readonly [string, ...string[]];
  readonly receivedAt: number;
  readonly version: string;
  declare readonly replayOf?: string;
  readonly meta: Meta;
  readonly effectId: string;
  attempt = 1;
  readonly #format: Format<unknown>;
  #payload: unknown;
  #hasPayload: boolean;
  #bytes: Uint8Array | undefined;

  constructor(
    of: OutgoingIdentity,
    destination: string,
    n: number,
    format: Format<unknown>,
    content: { readonly payload: unknown } | { readonly bytes: Uint8Array },
  ) {
    this.id = of.id;
    this.seq = of.seq;
    this.channel = of.channel;
    this.keys = of.keys.length > 0 ? (of.keys as readonly [string, ...string[]]) : defaultKeys;
    this.receivedAt = of.receivedAt;
    this.version = of.version;
    if (of.replayOf !== undefined) this.replayOf = of.replayOf;
    this.meta = metaOf(of.meta, destination, n, format, content);
    this.effectId = `${of.id}/${destination}/${n}`;
    this.#format = format;
    this.#hasPayload = 'payload' in content;
    this.#payload = 'payload' in content ? content.payload : undefined;
    this.#bytes = 'bytes' in content ? content.bytes : undefined;
  }

  get payload(): unknown {
    if (!this.#hasPayload) {
      this.#payload = this.#format.decode(this.bytes, this.meta);
      this.#hasPayload = true;
    }
    return this.#payload;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= this.#format.encode(this.#payload);
    return this.#bytes;
  }

  /** The bytes if anybody has asked for them: what `full` content keeps as sent. */
  get encoded(): Uint8Array | undefined {
    return this.#bytes;
  }
}

function documentKey(destination: string, n: number): string {
  return `document/${destination}/${n}/`;
}

/** Keeps what a document is called until its part is sent: frozen bytes do not say it. */
export function noteDocument(slot: Slot, destination: string, n: number, { meta }: Document): void {
  slot.found ??= {};
  for (const [name, value] of Object.entries(meta)) slot.found[documentKey(destination, n) + name] = value;
}

/** The meta of one part: a document has its own beside the message's. */
function metaOf(
  meta: Meta,
  destination: string,
  n: number,
  format: Format<unknown>,
  content: { readonly payload: unknown } | { readonly bytes: Uint8Array },
): Meta {
  if (format.id !== document.id) return meta;
  if ('payload' in content && content.payload instanceof Document) return { ...meta, ...content.payload.meta };
  const key = documentKey(destination, n);
  const own = Object.entries(meta).filter(([name]) => name.startsWith(key));
  return { ...meta, ...Object.fromEntries(own.map(([name, value]) => [name.slice(key.length), value])) };
}
