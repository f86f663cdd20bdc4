import type { ErrorRecord } from '../../errors.ts';
import type { PassingMap } from '../../passing-map.ts';
import type { Part, QueuedStatus } from '../../store/message-store.ts';
import { atPosition } from '../position.ts';
import type { DispatcherHost } from './dispatcher-host.ts';
import type { HeldKeys } from './held-keys.ts';
import type { Item } from './item.ts';
import type { LastSent } from './last-sent.ts';
import type { PartChanges } from './part-changes.ts';
import type { QueueWindow } from './queue-window.ts';

export interface PartEndsHost {
  readonly name: string;
  readonly host: Pick<DispatcherHost, 'clock' | 'firstPassEnded' | 'queuedBytes'>;
  readonly inMemory: PassingMap<number, Item>;
  readonly changes: PartChanges;
  readonly held: HeldKeys;
  readonly window: QueueWindow;
  readonly lastSent: LastSent;
  /** It is out of the way of those behind it. */
  leave(item: Item): void;
  /** A part was put into the queue, and may hold back another key. */
  parked(): void;
}

/** Why, and until when, a part goes to the queue. */
export interface Parking {
  readonly error?: ErrorRecord;
  readonly retryAt?: number;
}

/**
 * How a part ends here: sent, a dead letter, or (back) in the store's queue. On its first pass that becomes part of the message's
 * settlement, later a change of its row.
 */
export class PartEnds {
  readonly #of: PartEndsHost;

  constructor(of: PartEndsHost) {
    this.#of = of;
  }

  sent(item: Item, reply: Uint8Array | undefined): void {
    const { name, host, changes, held, lastSent } = this.#of;
    const sentAt = host.clock.now();
    lastSent.add(item, sentAt);
    const attempts = item.attempts + 1;
    if (item.backed)
      changes.add(
        { ...this.#named(item), from: 'queued', to: 'sent', sentAt, attempts, ...(reply && { reply }) },
        item,
      );
    else {
      const part = { destination: name, n: item.n, status: 'sent' as const, sentAt, attempts };
      this.#firstPass(item, withContent(part, item.message.encoded, reply));
    }
    this.#of.leave(item);
    held.release(item);
  }

  /** What it holds back is the caller's to say. */
  deadLetter(item: Item, error: ErrorRecord, reply: Uint8Array | undefined): void {
    const { attempts } = item;
    if (item.backed)
      this.#of.changes.add(
        { ...this.#named(item), from: 'queued', to: 'error', error, attempts, ...(reply && { reply }) },
        item,
      );
    else {
      const { laneKeys: keys, n } = item;
      const part = { destination: this.#of.name, n, status: 'error' as const, error, attempts, keys };
      this.#firstPass(item, withContent(part, bytesOf(item), reply));
    }
    this.#of.leave(item);
  }

  /** Puts a part (back) into the store's queue. */
  park(item: Item, queued: QueuedStatus, more: Parking = {}): void {
    const { name, host, held, window } = this.#of;
    const { error, retryAt } = more;
    if (queued === 'ready') window.added(item.position);
    else held.hold(item);
    if (item.backed) this.#parkRow(item, queued, more);
    else {
      const bytes = bytesOf(item);
      if (bytes === undefined) {
        this.deadLetter(item, this.#notEncoded, undefined);
        held.release(item);
        return;
      }
      host.queuedBytes(bytes.length);
      this.#firstPass(item, {
        destination: name,
        n: item.n,
        status: 'queued',
        queued,
        attempts: item.attempts,
        keys: item.laneKeys,
        bytes,
        ...(retryAt !== undefined && { retryAt }),
        ...(error && { error }),
      });
    }
    this.#of.leave(item);
    this.#of.parked();
  }

  #parkRow(item: Item, queued: QueuedStatus, { error, retryAt }: Parking): void {
    const { changes, inMemory, window, host } = this.#of;
    const name = this.#named(item);
    const { attempts } = item;
    if (queued === 'waiting')
      changes.add(
        { ...name, from: 'queued', to: 'waiting', attempts, retryAt: retryAt!, ...(error && { error }) },
        item,
      );
    else if (queued === 'blocked') changes.add({ ...name, from: 'queued', to: 'blocked' }, item);
    else {
      // Its row is ready as it was, or waits for a time that has come.
      inMemory.delete(item.position);
      window.dueAt(host.clock.now());
    }
  }

  #firstPass(item: Item, part: Part): void {
    const { slot } = item;
    if (part.status === 'queued') item.backed = true;
    if (!item.backed || part.status === 'queued') this.#of.inMemory.delete(item.position);
    item.slot = undefined;
    if (slot) this.#of.host.firstPassEnded(slot, part);
  }

  /** As `Dispatch.backNow`. */
  backNow(position: number): Part | undefined {
    const { name, host, inMemory } = this.#of;
    const item = inMemory.get(position);
    if (!item || item.backed) return undefined;
    const bytes = bytesOf(item);
    item.backed = true;
    item.slot = undefined;
    const { attempts, laneKeys: keys, n } = item;
    if (bytes === undefined) {
      this.#of.leave(item);
      inMemory.delete(position);
      return { destination: name, n, status: 'error', error: this.#notEncoded, attempts, keys };
    }
    host.queuedBytes(bytes.length);
    return { destination: name, n, status: 'queued', queued: 'ready', attempts, keys, bytes };
  }

  /** As `Dispatch.cancel`. */
  cancel(position: number, error: ErrorRecord): boolean {
    const item = this.#of.inMemory.get(position);
    if (!item || item.state === 'writing' || item.state === 'gone') return false;
    this.deadLetter(item, error, undefined);
    this.#of.held.release(item);
    return true;
  }

  /** As `Dispatch.cancelRow`. */
  cancelRow(position: number, error: ErrorRecord, attempts: number): boolean {
    if (this.#of.inMemory.has(position)) return this.cancel(position, error);
    const name = { destination: this.#of.name, ...atPosition(position) };
    this.#of.changes.add({ ...name, from: 'queued', to: 'error', error, attempts }, undefined);
    return true;
  }

  get #notEncoded(): ErrorRecord {
    const message = `encoding for ${this.#of.name} failed`;
    return { code: 'encode-failed', kind: 'permanent', scope: 'message', message };
  }

  #named(item: Item) {
    return { destination: this.#of.name, seq: item.seq, n: item.n };
  }
}

function bytesOf(item: Item): Uint8Array | undefined {
  try {
    return item.message.bytes;
  } catch {
    return undefined;
  }
}

function withContent<P extends object>(part: P, bytes: Uint8Array | undefined, reply: Uint8Array | undefined): P {
  if (bytes === undefined && reply === undefined) return part;
  return { ...part, ...(bytes && { bytes }), ...(reply && { reply }) };
}
