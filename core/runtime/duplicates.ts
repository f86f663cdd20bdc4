import { asHubError, errorRecord, HubError } from '../errors.ts';
import type { Appended, MessageStore, MessageSummary, PartSummary } from '../store/message-store.ts';
import type { Awaited } from './behind.ts';
import type { CompiledChannel } from './compiled.ts';
import type { BatchDelivery } from './delivery.ts';
import type { LateAnswers } from './late-answers.ts';
import { Slot } from './slot.ts';

export type DuplicateOf = Extract<Appended, { duplicateOf: unknown }>['duplicateOf'];

export interface DuplicatesHost {
  readonly channel: string;
  readonly store: MessageStore;
  readonly compiled: CompiledChannel;
  readonly pipeline: { readonly answers: LateAnswers };
  /** Messages that are in memory. */
  readonly backlog: { readonly live: { get(seq: number): Slot | undefined } };
  readonly lease: { readonly takes: boolean };
  /** Where another hub has the channel the answer is waited for, as it comes from there. */
  readonly elsewhere: { wait(awaited: Awaited, again: boolean): void };
  /** Rows of a destination's queue were made ready. */
  rowsChanged(
    destination: string,
    changed: readonly { readonly seq: number; readonly n: number; readonly ready: boolean }[],
  ): void;
}

/** Answers repetitions of stored messages with what became of the first, and sends what of it was not sent (rule 14). */
export class Duplicates {
  readonly #host: DuplicatesHost;

  constructor(host: DuplicatesHost) {
    this.#host = host;
  }

  async answer(of: DuplicateOf, delivery: BatchDelivery, index: number): Promise<void> {
    const { id, status } = of;
    delivery.reach('stored', index, { id, duplicateOf: id, outcome: { status: 'stored' } });
    if (status === 'sent' || status === 'filtered') {
      delivery.reach('settled', index, { id, duplicateOf: id, outcome: { status } });
      return;
    }
    const live = this.#host.backlog.live.get(of.seq) ?? this.#answers.waitingFor(of.seq);
    if (live) {
      this.#answers.join(live, delivery, index);
      return;
    }
    try {
      if (status === 'error') await this.#redrive(of, delivery, index);
      else if (this.#elsewhere(of, delivery, index)) return;
      else if (status === 'queued') this.#awaitParts(of, (await this.#first(id))?.parts ?? [], delivery, index);
      else delivery.reach('settled', index, { id, duplicateOf: id, outcome: { status: 'queued' } });
    } catch (thrown) {
      const error = asHubError(thrown, 'store-failed', 'answering a duplicate', 'transient');
      const outcome = { status: 'error', error: errorRecord(error) } as const;
      delivery.reach('settled', index, { id, duplicateOf: id, outcome });
    }
  }

  get #answers(): LateAnswers {
    return this.#host.pipeline.answers;
  }

  #elsewhere({ id, seq }: DuplicateOf, delivery: BatchDelivery, index: number): boolean {
    if (this.#host.lease.takes) return false;
    this.#host.elsewhere.wait({ id, seq, delivery, index }, true);
    return true;
  }

  async #first(id: string): Promise<MessageSummary | undefined> {
    const page = await this.#host.store.find({ id, limit: 1 });
    return page.messages[0];
  }

  /** A repetition of a message that ended negatively sends what was not sent. */
  async #redrive(of: DuplicateOf, delivery: BatchDelivery, index: number): Promise<void> {
    const first = await this.#first(of.id);
    const failed = (first?.parts ?? []).filter((part) => part.status === 'error');
    if (!first || failed.length === 0) {
      const before = new HubError('duplicate', 'permanent', 'receiving: the same message failed before');
      const outcome = { status: 'error', error: first?.error ?? errorRecord(before) } as const;
      delivery.reach('settled', index, { id: of.id, duplicateOf: of.id, outcome });
      return;
    }
    const elsewhere = this.#elsewhere(of, delivery, index);
    if (!elsewhere) this.#awaitParts(of, failed, delivery, index);
    await this.#host.store.update(
      this.#host.channel,
      failed.map(({ destination, n }) => ({ destination, seq: of.seq, n, from: 'error', to: 'ready' })),
    );
    for (const { destination, n } of failed) this.#host.rowsChanged(destination, [{ seq: of.seq, n, ready: true }]);
  }

  #awaitParts(of: DuplicateOf, parts: readonly PartSummary[], delivery: BatchDelivery, index: number): void {
    const compiled = this.#host.compiled;
    const slot = new Slot(of.id, of.seq, new Uint8Array(), {}, 0, undefined, undefined, undefined);
    slot.compiled = compiled;
    slot.delivery = delivery;
    slot.index = index;
    slot.settled = true;
    slot.queued = parts.filter((part) => part.status !== 'sent' && part.status !== 'filtered').length;
    this.#answers.wait(slot);
    this.#answers.within(slot, compiled.definition.options.ackTimeoutMs);
  }
}
