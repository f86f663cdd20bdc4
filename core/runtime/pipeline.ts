// Over 300 lines: the whole first pass of a message, whose stages share one slot and one settlement.
import type { WorkStore } from '../cluster/work-store.ts';
import type { Clock, Log } from '../component.ts';
import { Document } from '../document.ts';
import { asHubError, describeThrown, type ErrorRecord, errorRecord, HubError } from '../errors.ts';
import { type Outcome, worseOf } from '../outcome.ts';
import type { Part, PartChange } from '../store/message-store.ts';
import { type Outputs, route, runSteps } from './compile.ts';
import type { CompiledChannel } from './compiled.ts';
import type { Dispatch } from './dispatch/dispatch.ts';
import { Lanes } from './lanes.ts';
import { LateAnswers } from './late-answers.ts';
import { maxParts, positionOf } from './position.ts';
import type { Pump, Pumps } from './pumps.ts';
import { Settlements } from './settlements.ts';
import { noteDocument, type Slot } from './slot.ts';
import { guarded } from './step-guard.ts';

export interface PipelineHost {
  readonly channel: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly services: { readonly pumps: Pumps };
  /** That under way. */
  readonly work: { readonly store: WorkStore };
  readonly destinations: { readonly dispatchers: ReadonlyMap<string, Dispatch> };
  /** The first pass of some is over and committed: their memory is free. */
  readonly backlog: { passed(slots: readonly Slot[]): void };
  /** Queued parts of a message were withdrawn. */
  readonly room: { recountSoon(): void };
  /** Validation found something. */
  found(slot: Slot): void;
  /** The store says that another hub has the channel. */
  leaseLost(): void;
}

const laneOfAll: readonly string[] = [''];
/** More that wait than these do not wait for others. */
const gatherMessages = 512;
const cancelledBySender = { actor: 'weir', reason: 'the sender was answered negatively' } as const;

/** Route, transform and fan out, in seq order per key; then one settlement a message. */
export class Pipeline implements Pump {
  compiled: CompiledChannel;
  /** Who waits for more than `stored`. */
  readonly answers: LateAnswers;
  readonly #host: PipelineHost;
  readonly #settlements: Settlements;
  readonly #lanes = new Lanes<Slot>();
  #queue: Slot[] = [];
  #head = 0;
  /** What the guarded code is working on: the one to blame when it is ended. */
  #current: Slot | undefined;
  /** What it is doing where that has no effect yet, so that it may be done again. */
  #stage: 'route' | 'transform' | undefined;
  readonly #secondLooks = new WeakSet<Slot>();
  #free: Slot[] = [];
  readonly #offered = new Map<Slot, { readonly dispatcher: Dispatch; readonly position: number }[]>();
  #offering: Slot | undefined;

  constructor(compiled: CompiledChannel, host: PipelineHost) {
    this.compiled = compiled;
    this.#host = host;
    const { channel, clock, log } = host;
    this.answers = new LateAnswers({
      clock,
      tooLate: (slot) => void this.#tooLate(slot),
      onError: (thrown) => log.error({ channel, error: describeThrown(thrown) }, 'a receipt handler failed'),
    });
    this.#settlements = new Settlements({
      channel,
      get store() {
        return host.work.store;
      },
      clock,
      log,
      leaseLost: () => host.leaseLost(),
      current: () => this.compiled,
      committed: (slots) => {
        for (const slot of slots) this.#committed(slot);
        host.backlog.passed(slots);
      },
    });
  }

  push(slot: Slot): void {
    const { options } = this.compiled.definition;
    if ((slot.delivery || slot.foreign) && options.ackAfter !== 'stored')
      this.answers.within(slot, options.ackTimeoutMs);
    this.#queue.push(slot);
    if (
      slot.delivery?.late !== true &&
      options.ackAfter === 'stored' &&
      this.#queue.length - this.#head < gatherMessages
    )
      this.#host.services.pumps.soon(this);
    else this.#schedule();
  }

  #schedule(): void {
    this.#host.services.pumps.now(this);
  }

  get guardMs(): number {
    return this.compiled.definition.options.limits.stepTimeoutMs;
  }

  get waiting(): number {
    return this.#queue.length - this.#head + this.#free.length;
  }

  run(until: number): void {
    for (;;) {
      const freed = this.#free.pop();
      const slot = freed ?? this.#queue[this.#head];
      if (!slot) break;
      this.#current = slot;
      if (freed) this.#transform(freed);
      else {
        this.#head += 1;
        this.#route(slot);
      }
      this.#current = undefined;
      if (this.#host.clock.monotonic() > until) break;
    }
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head > 1_024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  failed(thrown: unknown): void {
    const slot = this.#current;
    this.#current = undefined;
    const error = asHubError(thrown, 'step-failed', 'processing a message');
    if (slot) this.#ended(slot, error);
    else this.#host.log.error({ channel: this.#host.channel, error: describeThrown(thrown) }, 'the pipeline failed');
  }

  /** The guard has ended what was done for a message. */
  #ended(slot: Slot, error: HubError): void {
    const stage = this.#stage;
    this.#stage = undefined;
    const maySucceed = error.code === 'step-timeout' && error.kind === 'transient' && !slot.settled;
    if (stage === undefined || !maySucceed || this.#secondLooks.has(slot)) {
      this.#fail(slot, error);
      return;
    }
    // Steps are pure (rule 6): what was begun is forgotten.
    this.#secondLooks.add(slot);
    const why = `${error.message}; it is run once more`;
    this.#host.log.warn({ channel: this.#host.channel, message: slot.id, code: error.code }, why);
    if (stage === 'route') this.#head -= 1;
    else this.#free.push(slot);
  }

  over(): void {
    if (this.waiting > 0) this.#schedule();
  }

  #route(slot: Slot): void {
    try {
      if (slot.settled) return;
      if (!slot.delivery && !slot.foreign && this.compiled.definition.options.mode === 'query') throw nobodyAsks();
      this.#stage = 'route';
      const passes = route(slot, this.compiled);
      this.#stage = undefined;
      if (!passes) {
        this.#settle(slot);
        return;
      }
      if (slot.findings) this.#host.found(slot);
    } catch (thrown) {
      this.#stage = undefined;
      slot.compiled ??= this.compiled;
      this.#fail(slot, asHubError(thrown, 'step-failed', 'routing'));
      if (slot.findings) this.#host.found(slot);
      return;
    }
    // A strict destination gets the channel's total order, so nothing may overtake while it is transformed either.
    if (this.compiled.definition.destinations.some((each) => each.options.order === 'strict'))
      slot.laneKeys = laneOfAll;
    if (this.#lanes.enter(slot)) this.#transform(slot);
  }

  #transform(slot: Slot): void {
    const compiled = slot.compiled!;
    let outputs: Outputs;
    this.#stage = 'transform';
    try {
      outputs = runSteps(compiled.steps, slot, this.#host.channel, compiled.version, slot.payload);
    } catch (thrown) {
      this.#stage = undefined;
      this.#fail(slot, asHubError(thrown, 'step-failed', 'transforming'));
      return;
    }
    if (outputs instanceof Promise) this.#await(slot, outputs, (all) => this.#fan(slot, all));
    else this.#fan(slot, outputs);
  }

  /** Goes on when an asynchronous step has ended, if that is within its time. */
  #await<R>(slot: Slot, result: Promise<R>, next: (value: R) => void): void {
    this.#stage = undefined;
    const { stepTimeoutMs } = slot.compiled!.definition.options.limits;
    const { clock } = this.#host;
    const began = clock.monotonic();
    let open = true;
    const once = (run: () => void) => {
      if (!open) return;
      open = false;
      cancel?.();
      try {
        guarded(stepTimeoutMs, run);
      } catch (thrown) {
        this.#ended(slot, asHubError(thrown, 'step-failed', 'transforming'));
      }
      if (this.#free.length > 0) this.#schedule();
    };
    const late = () =>
      this.#fail(
        slot,
        new HubError('step-timeout', 'permanent', `running a step: no result after ${stepTimeoutMs} ms`),
      );
    const due = () => {
      // The process stood still, and a result may be there that nobody has looked for yet.
      if (clock.monotonic() - began > stepTimeoutMs * 1.5) cancel = clock.timer(stepTimeoutMs, () => once(late));
      else once(late);
    };
    let cancel = stepTimeoutMs > 0 ? clock.timer(stepTimeoutMs, due) : undefined;
    result.then(
      (value) => once(() => next(value)),
      (thrown) => once(() => this.#fail(slot, asHubError(thrown, 'step-failed', 'transforming'))),
    );
  }

  #fan(slot: Slot, payloads: readonly unknown[]): void {
    const compiled = slot.compiled!;
    this.#stage = 'transform';
    let pending: Promise<unknown>[] | undefined;
    const outputs: (readonly unknown[] | HubError | undefined)[] = [];
    compiled.destinations.forEach((destination, at) => {
      if (slot.only && !slot.only.includes(destination.name)) return;
      try {
        const inputs = destination.definition.input === 'source' ? [asReceived(slot)] : payloads;
        if (destination.steps.length === 0) {
          outputs[at] = inputs;
          return;
        }
        const results = inputs.map((input) =>
          runSteps(destination.steps, slot, this.#host.channel, compiled.version, input),
        );
        if (results.some((each) => each instanceof Promise)) {
          const settled = Promise.all(results).then(
            (all) => void (outputs[at] = all.flat()),
            (thrown) => void (outputs[at] = asHubError(thrown, 'step-failed', `transforming for ${destination.name}`)),
          );
          pending = [...(pending ?? []), settled];
        } else outputs[at] = (results as (readonly unknown[])[]).flat();
      } catch (thrown) {
        outputs[at] = asHubError(thrown, 'step-failed', `transforming for ${destination.name}`);
      }
    });
    if (pending) this.#await(slot, Promise.all(pending), () => this.#offer(slot, outputs));
    else this.#offer(slot, outputs);
  }

  #offer(slot: Slot, outputs: readonly (readonly unknown[] | HubError | undefined)[]): void {
    this.#stage = undefined;
    // Withdrawn while it was transformed.
    if (slot.settled) return;
    const compiled = slot.compiled!;
    const { options } = compiled.definition;
    const offers: {
      readonly dispatcher: Dispatch;
      readonly position: number;
      readonly n: number;
      readonly payload: unknown;
    }[] = [];
    compiled.destinations.forEach((destination, at) => {
      const output = outputs[at];
      if (output === undefined) return;
      const dispatcher = this.#host.destinations.dispatchers.get(destination.name);
      if (output instanceof HubError || output.length > maxParts || !dispatcher) {
        const error = output instanceof HubError ? output : notOffered(destination.name, output.length, dispatcher);
        slot.parts.push({
          destination: destination.name,
          n: 0,
          status: 'error',
          error: errorRecord(error),
          attempts: 0,
          keys: slot.keys,
        });
      } else if (output.length === 0) slot.parts.push({ destination: destination.name, n: 0, status: 'filtered' });
      else
        output.forEach((payload, n) => {
          if (payload instanceof Document) noteDocument(slot, destination.name, n, payload);
          offers.push({ dispatcher, position: positionOf({ seq: slot.seq, n }), n, payload });
        });
    });
    if (offers.length === 0 && options.unmatched && slot.parts.every((part) => part.status === 'filtered'))
      this.#unmatched(slot);
    slot.open = offers.length;
    slot.delivery?.reach('transformed', slot.index, slot.receipt(this.#outcome(slot, { status: 'stored' })));
    if (options.ackAfter === 'transformed') slot.answered = true;
    if (offers.length > 1 || (offers.length > 0 && options.ackAfter !== 'stored')) this.#offered.set(slot, offers);
    this.#offering = slot;
    for (const { dispatcher, n, payload } of offers) dispatcher.offer(slot, n, payload);
    this.#offering = undefined;
    // Whoever still needs what it was made of has it: what is left here until the settlement is a name and a place.
    slot.payload = undefined;
    // Behind the lanes everything is in order per destination: the next message of the key may be transformed.
    this.#leave(slot);
    this.#progress(slot);
  }

  #unmatched(slot: Slot): void {
    const { reply, as } = slot.compiled!.definition.options.unmatched!;
    const error = new HubError(
      'unmatched',
      'permanent',
      `routing ${slot.meta['hl7.type'] ?? 'a message'}: no destination takes it (${reply})`,
    );
    if (as === 'error' || reply !== 'AA') slot.error = errorRecord(error);
  }

  /** A dispatcher is done with a part of a first pass. */
  firstPassEnded(slot: Slot, part: Part): void {
    slot.parts.push(part);
    slot.open -= 1;
    if (part.status === 'queued') slot.queued += 1;
    if (
      part.status !== 'queued' &&
      part.status !== 'filtered' &&
      part.destination === slot.compiled?.definition.options.replyFrom
    ) {
      if (part.reply) slot.reply = part.reply;
    }
    if (this.#offering !== slot) this.#progress(slot);
  }

  #progress(slot: Slot): void {
    if (slot.settled) return;
    if (slot.open > 0) {
      if (slot.queued === 0) {
        this.#answerEarly(slot);
        return;
      }
      // One part is queued: the others get rows of their own in the same settlement, and go on from there.
      for (const { dispatcher, position } of this.#offered.get(slot) ?? []) {
        const part = dispatcher.backNow(position);
        if (!part) continue;
        slot.parts.push(part);
        slot.open -= 1;
        if (part.status === 'queued') slot.queued += 1;
      }
      if (slot.open > 0) return;
    }
    this.#settle(slot);
  }

  /** `ackOn`: the answer is due when those destinations are done, whatever the others do. */
  #answerEarly(slot: Slot): void {
    const ackOn = this.#ackOn(slot);
    if (!ackOn || slot.answered || !(slot.delivery || slot.foreign)) return;
    const done = ackOn.every((name) =>
      slot.parts.some((part) => part.destination === name && part.status !== 'queued'),
    );
    if (!done) return;
    slot.answered = true;
    slot.delivery?.reach('settled', slot.index, slot.receipt(this.#outcome(slot, { status: 'sent' }, ackOn)));
  }

  #ackOn(slot: Slot): readonly string[] | undefined {
    const options = slot.compiled?.definition.options;
    return options?.replyFrom ? [options.replyFrom] : options?.ackOn;
  }

  #outcome(slot: Slot, none: Outcome, of?: readonly string[]): Outcome {
    if (slot.error) return { status: 'error', error: slot.error };
    let outcome: Outcome | undefined;
    for (const part of slot.parts) {
      if (of && !of.includes(part.destination)) continue;
      const each: Outcome = part.status === 'error' ? { status: 'error', error: part.error } : { status: part.status };
      outcome = outcome ? worseOf(outcome, each) : each;
    }
    return outcome ?? none;
  }

  /** The message as a whole failed before it had parts. */
  #fail(slot: Slot, error: HubError): void {
    if (slot.settled) return;
    slot.error = errorRecord(error);
    this.#host.log.warn({ channel: this.#host.channel, message: slot.id, code: error.code }, error.message);
    this.#leave(slot);
    this.#settle(slot);
  }

  #leave(slot: Slot): void {
    this.#lanes.leave(slot, (next) => {
      this.#free.push(next);
      this.#schedule();
    });
  }

  #settle(slot: Slot): void {
    slot.settled = true;
    this.#offered.delete(slot);
    this.#settlements.add(slot);
  }

  /** Writes the settlements that are gathered. */
  flush(): Promise<void> {
    return this.#settlements.flush();
  }

  #committed(slot: Slot): void {
    if (!(slot.delivery || slot.foreign) || slot.answered) return;
    // Nobody waits for more than `stored`.
    if (slot.delivery?.late !== true && (slot.compiled ?? this.compiled).definition.options.ackAfter === 'stored')
      return;
    const ackOn = this.#ackOn(slot);
    const due =
      ackOn && slot.error === undefined
        ? !slot.parts.some((part) => part.status === 'queued' && ackOn.includes(part.destination))
        : slot.queued === 0;
    if (due) this.answers.answer(slot, this.#outcome(slot, { status: 'filtered' }, ackOn));
    else this.answers.wait(slot);
  }

  async #tooLate(slot: Slot): Promise<void> {
    const { onUnsettled, replyFrom } = (slot.compiled ?? this.compiled).definition.options;
    if (onUnsettled === 'accept' && !replyFrom) {
      this.answers.answer(slot, { status: 'queued' });
      return;
    }
    const error = errorRecord(new HubError('cancelled', 'permanent', 'settling: not done within ackTimeoutMs'));
    // From here on a late end is recorded, but nobody is answered twice.
    slot.answered = true;
    try {
      await this.#withdraw(slot, error);
    } catch (thrown) {
      this.#host.log.error(
        { channel: this.#host.channel, message: slot.id, error: describeThrown(thrown) },
        'withdrawing failed',
      );
      return; // Not committed: no negative answer either; the sender's own time-out decides.
    }
    slot.delivery?.reach('settled', slot.index, slot.receipt({ status: 'error', error }));
  }

  /** Commits `cancelled` for every part that was not begun (rule 9). */
  async #withdraw(slot: Slot, error: ErrorRecord): Promise<void> {
    if (!slot.settled && !this.#offered.has(slot)) {
      // Not transformed yet, or in the middle of it: as a whole.
      slot.error = error;
      if (slot.compiled) this.#leave(slot);
      this.#settle(slot);
    }
    for (const { dispatcher, position } of this.#offered.get(slot) ?? []) dispatcher.cancel(position, error);
    await this.flush();
    const page = await this.#host.work.store.find({ id: slot.id, limit: 1 });
    const changes: PartChange[] = [];
    for (const part of page.messages[0]?.parts ?? []) {
      const dispatcher = this.#host.destinations.dispatchers.get(part.destination);
      const name = { destination: part.destination, seq: slot.seq, n: part.n };
      if (
        part.status === 'queued' &&
        (!dispatcher || dispatcher.cancelRow(positionOf({ seq: slot.seq, n: part.n }), error, part.attempts))
      ) {
        if (!dispatcher) changes.push({ ...name, from: 'queued', to: 'error', error, attempts: part.attempts });
      }
      if (part.status !== 'sent' && part.status !== 'filtered')
        changes.push({ ...name, from: 'error', to: 'resolved', by: cancelledBySender });
    }
    await Promise.all([...this.#host.destinations.dispatchers.values()].map((dispatcher) => dispatcher.flush()));
    if (changes.length > 0) await this.#host.work.store.update(this.#host.channel, changes);
    this.#host.room.recountSoon();
  }

  /** Another hub has the channel: forgets everything, and writes nothing more. */
  abandon(inMemory: Iterable<Slot>): void {
    this.#forget(inMemory);
    this.#settlements.abandon();
  }

  /** Forgets what has not ended its first pass: it is in the store, and comes again. Resolves when the rest is committed. */
  async halt(inMemory: Iterable<Slot>): Promise<void> {
    this.#forget(inMemory);
    await this.flush();
  }

  #forget(inMemory: Iterable<Slot>): void {
    for (const slot of inMemory) {
      if (slot.settled) continue;
      slot.settled = true;
      this.#offered.delete(slot);
      if (slot.compiled) this.#lanes.leave(slot, () => undefined);
    }
    this.#queue = [];
    this.#head = 0;
    this.#free = [];
    this.answers.stop();
  }
}

/** A question that was stored before a restart: whoever asked it has gone. */
function nobodyAsks(): HubError {
  return new HubError('cancelled', 'permanent', 'answering a query: nobody waits for the answer any more');
}

/** The payload without what the sender's profile puts right. */
function asReceived(slot: Slot): unknown {
  const { received } = slot.compiled!;
  return received ? received(slot.raw, slot.meta) : slot.payload;
}

function notOffered(destination: string, outputs: number, dispatcher: Dispatch | undefined): HubError {
  return dispatcher
    ? new HubError('step-failed', 'permanent', `splitting for ${destination}: ${outputs} outputs`)
    : new HubError('not-found', 'permanent', `sending to ${destination}: the channel has no such destination any more`);
}
