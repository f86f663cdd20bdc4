// Over 300 lines: one loop of transactions, from what comes in to what is committed, and how it goes on after each kind of failure.
import type { Clock, Log } from '../component.ts';
import { asHubError, describeThrown, HubError } from '../errors.ts';
import type { EventBatch, EventLog, StoredEvent, Topic } from '../events/event-log.ts';
import { backoff } from '../runtime/backoff.ts';
import type { ServiceContext, ServiceDefinition, ServiceEvent } from '../service.ts';
import { CaughtUp } from './caught-up.ts';
import { OutboxSender } from './outbox-sender.ts';
import { ServiceDocuments, type StateChanges } from './service-documents.ts';
import type { Cursor, ServiceSession, ServiceStore } from './service-store.ts';
import { ServiceTransaction } from './service-transaction.ts';
import { decoded, type EventsTurn, eventsTurn, halves, type Turn } from './service-turn.ts';

export interface ServiceRunnerOptions {
  readonly store: ServiceStore;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface ServiceStatus {
  /** Events that were handled since it began, those that had been handled before, and those that it could not take. */
  readonly handled: number;
  readonly repeated: number;
  readonly refused: number;
  /** Events that wait to be published. */
  readonly outbox: number;
  /** How far it is behind what is published, in milliseconds. */
  readonly behindMs: number;
}

/** Events in one batch of a partition, and in one transaction of several. */
const maxBatch = 500;
const maxTogether = 4_000;
const consumeAgainMs = 5_000;
const openAgainMs = { first: 100, longest: 5_000 } as const;
/** What was published is taken out of the outbox with the next commit, or with one of its own after so long. */
const tidyAfterMs = 1_000;
const refusals = 'refused';
const maxRefusals = 1_000;

/**
 * Runs one service: its transactions one after the other, those that wait together in one commit. After a commit of which nobody
 * knows the end it reads anew what is committed, and goes on there.
 */
export class ServiceRunner<T> {
  readonly #definition: ServiceDefinition<T>;
  readonly #options: ServiceRunnerOptions;
  readonly #publishes: ReadonlySet<string>;
  readonly #startedAt: number;
  readonly #caughtUp: CaughtUp;
  readonly #closing = new AbortController();
  readonly #lost = Promise.withResolvers<HubError>();
  #session: ServiceSession;
  #documents: ServiceDocuments;
  #sender: OutboxSender;
  #cursors: Map<string, Cursor>;
  #lastSeq: number;
  #tidied = 0;
  #waiting: Turn<T>[] = [];
  #working: Promise<void> | undefined;
  #consuming: readonly Promise<void>[] = [];
  #cancelTick: () => void = () => undefined;
  #cancelTidying: () => void = () => undefined;
  #handled = 0;
  #repeated = 0;
  #refused = 0;

  private constructor(definition: ServiceDefinition<T>, options: ServiceRunnerOptions, session: ServiceSession) {
    this.#definition = definition;
    this.#options = options;
    this.#publishes = new Set(definition.publishes.map(({ name }) => name));
    this.#startedAt = options.clock.now();
    this.#caughtUp = new CaughtUp(options.clock);
    this.#session = session;
    this.#documents = new ServiceDocuments(session.image);
    this.#cursors = cursorsOf(session);
    this.#lastSeq = session.image.lastSeq;
    this.#sender = this.#senderOf(session, 0);
  }

  /** Resolves when it runs. Throws HubError `store-failed`, `event-log-failed` or `config-invalid`. */
  static async start<T>(definition: ServiceDefinition<T>, options: ServiceRunnerOptions): Promise<ServiceRunner<T>> {
    for (const topic of [...definition.consumes, ...definition.publishes]) await options.events.declare(topic);
    const runner = new ServiceRunner(definition, options, await options.store.open(definition.name));
    runner.#consuming = definition.consumes.map((topic) => runner.#consume(topic));
    runner.#tick();
    return runner;
  }

  /** Resolves when the service was opened elsewhere, so that it ended here. Never resolves otherwise. */
  get lost(): Promise<HubError> {
    return this.#lost.promise;
  }

  /** One transaction that a person asks for; resolves when it is committed, with what `work` returned. */
  act<R>(work: (context: ServiceContext) => R): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    let result: R;
    this.#add({
      kind: 'work',
      run: (context) => void (result = work(context)),
      resolve: () => resolve(result),
      reject,
    });
    return promise;
  }

  /** What is committed. */
  get state(): Pick<StateChanges, 'get' | 'all'> {
    return this.#documents.begin();
  }

  status(): ServiceStatus {
    const behindMs = Math.max(0, this.#options.clock.now() - this.#handledUpTo([]));
    const { waiting } = this.#sender;
    return {
      ...{ handled: this.#handled, repeated: this.#repeated, refused: this.#refused, outbox: waiting, behindMs },
    };
  }

  /** Ends after what is under way; what comes then, and what is not published yet, goes on at the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelTick();
    this.#cancelTidying();
    await Promise.all(this.#consuming);
    await this.#working;
    await this.#sender.close();
    if (this.#sender.publishedUpTo > this.#tidied) await this.#commit([], this.#begin([])).catch(() => undefined);
    await this.#session.close();
  }

  async #consume(topic: Topic<T>): Promise<void> {
    const { events, log } = this.#options;
    const { name, from } = this.#definition;
    const { signal } = this.#closing;
    const hand = async (batch: EventBatch) => {
      const turn = eventsTurn(topic, batch);
      this.#add(turn);
      await turn.done;
    };
    while (!signal.aborted) {
      try {
        // Whoever opens this store next reads on at once, and not only when the brokers take this one for dead.
        const holder = `service/${name}/${this.#session.image.instance}`;
        await events.consume({ topic: topic.name, group: `service.${name}`, maxBatch, from, holder, signal }, hand);
      } catch (thrown) {
        if (!signal.aborted)
          log.error(
            { service: name, topic: topic.name, error: describeThrown(thrown) },
            'reading for a service failed',
          );
      }
      // A log that is closed ends every reading at once, and one that reads in our place does: by then the store says whose it is.
      await this.#wait(consumeAgainMs);
    }
  }

  #tick(): void {
    const { tick, name } = this.#definition;
    if (!tick) return;
    const next = () => {
      if (this.#closing.signal.aborted) return;
      this.#cancelTick = this.#options.clock.timer(tick.everyMs, () => {
        const failed = (thrown: unknown) =>
          this.#options.log.error({ service: name, error: describeThrown(thrown) }, 'the tick of a service failed');
        this.#add({
          kind: 'work',
          run: (context) => tick.run(context),
          resolve: next,
          reject: (thrown) => {
            failed(thrown);
            next();
          },
        });
      });
    };
    next();
  }

  #add(turn: Turn<T>): void {
    const { name } = this.#definition;
    if (this.#closing.signal.aborted) {
      turn.reject(new HubError('draining', 'transient', `asking ${name}: it ends`));
      return;
    }
    this.#waiting.push(turn);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    // Whatever came at the same moment goes into the same commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      await this.#sender.room();
      await this.#run(this.#take());
    }
  }

  #take(): readonly Turn<T>[] {
    let events = 0;
    const end = this.#waiting.findIndex(
      (turn) => (events += turn.kind === 'events' ? turn.events.length : 0) > maxTogether,
    );
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : Math.max(1, end));
  }

  /** Each of them is resolved or rejected when it resolves. */
  async #run(turns: readonly Turn<T>[]): Promise<void> {
    let transaction: ServiceTransaction;
    let fresh: Fresh<T>;
    try {
      fresh = await this.#fresh(turns);
    } catch (thrown) {
      await this.#doubt(turns, thrown);
      return;
    }
    try {
      transaction = await this.#handle(turns, fresh);
    } catch (thrown) {
      await this.#apart(turns, thrown);
      return;
    }
    try {
      await this.#commit(turns, transaction, fresh.ids);
    } catch (thrown) {
      await this.#doubt(turns, thrown);
      return;
    }
    this.#handled += fresh.events.length;
    this.#repeated += fresh.repeated;
    for (const turn of turns) {
      if (turn.kind === 'events') this.#caughtUp.handled(placeOf(turn), turn.events.at(-1)!);
      turn.resolve();
    }
  }

  /** The events of these turns that were not handled before. */
  async #fresh(turns: readonly Turn<T>[]): Promise<Fresh<T>> {
    const { rememberMs } = this.#definition;
    const all = turns.flatMap((turn) =>
      turn.kind === 'events'
        ? turn.events.filter((event) => !this.#isDone(event)).map((event) => ({ turn, event }))
        : [],
    );
    const given = turns.reduce((sum, turn) => sum + (turn.kind === 'events' ? turn.events.length : 0), 0);
    const known = new Set<string>();
    if (rememberMs > 0 && all.length > 0)
      for (const id of await this.#session.known(
        all.map(({ event }) => event.id),
        this.#generation,
      ))
        known.add(id);
    const ids: string[] = [];
    const events: ServiceEvent<T>[] = [];
    const unreadable: { readonly event: StoredEvent; readonly error: HubError }[] = [];
    for (const { turn, event } of all) {
      if (rememberMs > 0 && known.has(event.id)) continue;
      known.add(event.id);
      if (rememberMs > 0) ids.push(event.id);
      const read = decoded(turn.topic, event);
      if (read instanceof HubError) unreadable.push({ event, error: read });
      else events.push(read);
    }
    return { events, ids, unreadable, repeated: given - events.length - unreadable.length };
  }

  async #handle(turns: readonly Turn<T>[], { events, unreadable }: Fresh<T>): Promise<ServiceTransaction> {
    const transaction = this.#begin(turns);
    if (events.length > 0) await this.#definition.handle(events, transaction);
    for (const turn of turns) if (turn.kind === 'work') await turn.run(transaction);
    for (const { event, error } of unreadable) this.#refuse(event, error, transaction);
    return transaction;
  }

  /** Together they failed: each alone, and what fails alone in halves, down to the one event that is refused. */
  async #apart(turns: readonly Turn<T>[], thrown: unknown): Promise<void> {
    const [turn] = turns as readonly [Turn<T>];
    if (turns.length > 1) {
      for (const each of turns) await this.#run([each]);
    } else if (turn.kind === 'work') turn.reject(thrown);
    else if (thrown instanceof HubError && thrown.kind === 'transient') turn.reject(thrown);
    else if (turn.events.length > 1) {
      const [first, second] = halves(turn);
      const failed = Promise.withResolvers<boolean>();
      await this.#run([
        {
          ...first,
          resolve: () => failed.resolve(false),
          reject: (error: HubError) => {
            turn.reject(error);
            failed.resolve(true);
          },
        },
      ]);
      if (!(await failed.promise)) await this.#run([second]);
    } else await this.#refuseAlone(turn, thrown);
  }

  async #refuseAlone(turn: EventsTurn<T>, thrown: unknown): Promise<void> {
    const [event] = turn.events as readonly [StoredEvent];
    const transaction = this.#begin([turn]);
    this.#refuse(event, asHubError(thrown, 'step-failed', `handling an event of ${event.topic}`), transaction);
    try {
      await this.#commit([turn], transaction);
    } catch (failure) {
      await this.#doubt([turn], failure);
      return;
    }
    turn.resolve();
  }

  /** It is noted, and stays in its topic as long as that keeps it. */
  #refuse(
    { topic, partition, offset, at }: StoredEvent,
    { code, message }: HubError,
    { state }: ServiceTransaction,
  ): void {
    const { name } = this.#definition;
    const known = [...state.all<{ readonly at: number }>(refusals)];
    if (known.length >= maxRefusals) state.remove(refusals, known.reduce((a, b) => (a[1].at <= b[1].at ? a : b))[0]);
    state.put(refusals, `${topic}/${partition}/${offset}`, { at, code, message });
    this.#refused++;
    this.#options.log.error({ service: name, topic, partition, offset, code }, `an event was refused: ${message}`);
  }

  #begin(turns: readonly Turn<T>[]): ServiceTransaction {
    const now = this.#options.clock.now();
    const times = { now, startedAt: this.#startedAt, handledUpTo: this.#handledUpTo(turns) };
    return new ServiceTransaction(times, this.#documents.begin(), this.#publishes, this.#lastSeq);
  }

  async #commit(
    turns: readonly Turn<T>[],
    transaction: ServiceTransaction,
    ids: readonly string[] = [],
  ): Promise<void> {
    const documents = transaction.state.texts();
    const cursors = new Map<string, Cursor>();
    for (const turn of turns) {
      if (turn.kind !== 'events') continue;
      const { topic, partition, offset, at } = turn.events.at(-1)!;
      const before = this.#cursors.get(placeOf(turn));
      if (before && offset < before.next && at <= before.at) continue;
      // A clock that goes back does not make what was handled look new.
      const upTo = before && offset >= before.next ? Math.max(before.at, at) : at;
      cursors.set(placeOf(turn), { topic, partition, next: offset + 1, at: upTo });
    }
    const { outbox } = transaction;
    const { publishedUpTo } = this.#sender;
    if (documents.length + cursors.size + ids.length + outbox.length > 0 || publishedUpTo > this.#tidied)
      await this.#session.commit({
        ...{ documents, cursors: [...cursors.values()], ids, generation: this.#generation, outbox, publishedUpTo },
      });
    this.#tidied = Math.max(this.#tidied, publishedUpTo);
    this.#documents.put(transaction.state);
    for (const [place, cursor] of cursors) this.#cursors.set(place, cursor);
    this.#lastSeq = outbox.at(-1)?.seq ?? this.#lastSeq;
    this.#sender.add(outbox);
    transaction.committed();
  }

  /** The store did not say how it ended: what is committed is read anew. Where another one has the service, it ends here. */
  async #doubt(turns: readonly Turn<T>[], thrown: unknown): Promise<void> {
    const { log } = this.#options;
    const { name } = this.#definition;
    const error = asHubError(thrown, 'store-failed', `committing ${name}`, 'transient');
    for (const turn of turns) turn.reject(error);
    if (error.code === 'lease-lost') {
      this.#closing.abort();
      this.#lost.resolve(error);
    }
    if (this.#closing.signal.aborted) {
      for (const turn of this.#waiting.splice(0)) turn.reject(error);
      return;
    }
    log.warn({ service: name, code: error.code }, `a service begins anew: ${error.message}`);
    await this.#sender.close();
    const publishedUpTo = this.#sender.publishedUpTo;
    for (let attempt = 2; !this.#closing.signal.aborted; attempt++) {
      try {
        const session = await this.#options.store.open(name);
        this.#session = session;
        this.#documents = new ServiceDocuments(session.image);
        this.#cursors = cursorsOf(session);
        this.#lastSeq = session.image.lastSeq;
        this.#tidied = 0;
        this.#sender = this.#senderOf(session, publishedUpTo);
        log.info({ service: name }, 'a service goes on');
        return;
      } catch (failure) {
        if (attempt === 2)
          log.error({ service: name, error: describeThrown(failure) }, 'a service cannot go on: its store is away');
        await this.#wait(backoff(attempt, openAgainMs.first, openAgainMs.longest, this.#options.random));
      }
    }
  }

  #senderOf({ image }: ServiceSession, publishedUpTo: number): OutboxSender {
    const { events, clock, log } = this.#options;
    const rows = image.outbox.filter(({ seq }) => seq > publishedUpTo);
    const { instance } = image;
    return new OutboxSender(
      { events, clock, log, service: this.#definition.name, instance, published: () => this.#tidySoon() },
      rows,
    );
  }

  #tidySoon(): void {
    this.#cancelTidying();
    this.#cancelTidying = this.#options.clock.timer(tidyAfterMs, () => {
      if (this.#sender.publishedUpTo <= this.#tidied || this.#closing.signal.aborted) return;
      this.#add({ kind: 'work', run: () => undefined, resolve: () => undefined, reject: () => undefined });
    });
  }

  #isDone({ topic, partition, offset, at }: StoredEvent): boolean {
    const cursor = this.#cursors.get(placeOf({ topic: { name: topic }, partition }));
    return cursor !== undefined && offset < cursor.next && at <= cursor.at;
  }

  get #generation(): number {
    return Math.floor(this.#options.clock.now() / Math.max(1, this.#definition.rememberMs));
  }

  #handledUpTo(turns: readonly Turn<T>[]): number {
    const waiting = [...turns, ...this.#waiting].flatMap((turn) =>
      turn.kind === 'events' ? turn.events.slice(0, 1) : [],
    );
    return this.#caughtUp.upTo(waiting);
  }

  /** Ends sooner where the service does. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.timer(ms, done);
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}

/** What of some turns has to be handled. */
interface Fresh<T> {
  readonly events: readonly ServiceEvent<T>[];
  /** Of the readable and the unreadable. */
  readonly ids: readonly string[];
  readonly unreadable: readonly { readonly event: StoredEvent; readonly error: HubError }[];
  readonly repeated: number;
}

function cursorsOf({ image }: ServiceSession): Map<string, Cursor> {
  return new Map(
    image.cursors.map((cursor) => [placeOf({ topic: { name: cursor.topic }, partition: cursor.partition }), cursor]),
  );
}

function placeOf({
  topic,
  partition,
}: {
  readonly topic: { readonly name: string };
  readonly partition: number;
}): string {
  return `${topic.name}/${partition}`;
}
