import { errorRecord, HubError } from '../../errors.ts';
import type { DueParts } from '../message-store.ts';
import { Append } from './append.ts';
import { answeredElsewhere, callKind, type WriterBatch, type WriterCall, type WriterReply } from './calls.ts';
import { Inbox } from './inbox.ts';
import { PartChanges, Unblock } from './part-changes.ts';
import { PartRows } from './part-rows.ts';
import { Prune } from './prune-step.ts';
import { Queue } from './queue.ts';
import type { Room } from './room.ts';
import { type Session, sqliteError } from './session.ts';
import { Settle } from './settle.ts';
import { SlabReader } from './slab.ts';
import { Trail } from './trail.ts';

/** The write-ahead log, as far as commits have to do with it. */
export interface Log {
  /** Copies what is left of it and starts it over; TRUNCATE also gives its space back. Whether nothing was in the way. */
  restart(mode: 'RESTART' | 'TRUNCATE'): boolean;
}

const mostAttempts = 12;
const attemptPauseMs = 20;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** What is posted after a commit, and what of it crosses without a copy. */
export interface Answered {
  readonly reply: WriterReply;
  readonly transfer: readonly ArrayBuffer[];
}

/** Answers of one commit, in the order of the calls. */
class Answers {
  readonly done: number[] = [];
  readonly transfer: ArrayBuffer[] = [];
  readonly values: unknown[] = [];
  readonly errors: ReturnType<typeof errorRecord>[] = [];

  add(id: number, answer: unknown): void {
    if (answer === undefined) this.done.push(id, 0);
    else if (typeof answer === 'number') this.done.push(id, answer);
    else if (answer instanceof HubError) {
      this.done.push(id, answeredElsewhere.error);
      this.errors.push(errorRecord(answer));
    } else {
      this.done.push(id, answeredElsewhere.value);
      this.values.push(answer);
      if (Array.isArray(answer)) this.#transferBytesOf(answer);
      else if (isDue(answer)) this.#transferBytesOf(answer.rows);
    }
  }

  /** Pages of messages and parts cross without a copy: SQLite made an array for each. */
  #transferBytesOf(page: readonly { readonly raw?: Uint8Array; readonly bytes?: Uint8Array }[]): void {
    for (const { raw, bytes } of page) {
      const content = raw ?? bytes;
      if (content) this.transfer.push(content.buffer as ArrayBuffer);
    }
  }

  reply(): Answered {
    const done = Float64Array.from(this.done);
    return {
      reply: { done, values: this.values, errors: this.errors },
      transfer: [...this.transfer, done.buffer],
    };
  }
}

function isDue(answer: unknown): answer is DueParts {
  return typeof answer === 'object' && answer !== null && 'rows' in answer;
}

/**
 * Runs the calls that wait in one transaction and answers them after its fsync. If it fails they run again one by one, so that
 * a call fails for its own reason only.
 */
export class Commits {
  readonly #session: Session;
  readonly #room: Room;
  readonly #append: Append;
  readonly #settle: Settle;
  readonly #changes: PartChanges;
  readonly #unblock: Unblock;
  readonly #queue: Queue;
  readonly #inbox: Inbox;
  readonly #trail: Trail;
  readonly #prune: Prune;
  readonly #state: ReturnType<Session['db']['prepare']>;
  readonly #setState: ReturnType<Session['db']['prepare']>;
  readonly #begin: ReturnType<Session['db']['prepare']>;
  readonly #commit: ReturnType<Session['db']['prepare']>;
  readonly #log: Log;
  #scrubs: { scrubbed: boolean } | undefined;

  constructor(session: Session, room: Room, log: Log) {
    const { db } = session;
    const parts = new PartRows(session);
    this.#session = session;
    this.#room = room;
    this.#append = new Append(session, room);
    this.#settle = new Settle(session, parts);
    this.#changes = new PartChanges(session, parts);
    this.#unblock = new Unblock(session);
    this.#queue = new Queue(session);
    this.#inbox = new Inbox(session);
    this.#trail = new Trail(session);
    this.#prune = new Prune(session, parts);
    this.#state = db.prepare('SELECT value FROM state WHERE name = ?');
    this.#setState = db.prepare(
      'INSERT INTO state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    this.#begin = db.prepare('BEGIN');
    this.#commit = db.prepare('COMMIT');
    this.#log = log;
  }

  run(batches: readonly WriterBatch[]): Answered {
    for (const batch of batches) this.#session.addNames(batch.names);
    try {
      const answers = new Answers();
      this.#transaction(() => {
        for (const batch of batches) this.#runAll(batch, answers);
      });
      return this.#finish(answers);
    } catch {
      return this.#finish(this.#oneByOne(batches));
    }
  }

  #runAll(batch: WriterBatch, answers: Answers): void {
    this.#session.now = batch.now;
    const slab = new SlabReader(batch.slab);
    for (let call = slab.nextCall(); call; call = slab.nextCall())
      answers.add(call.id, this.#call(call.kind, slab, batch));
  }

  #oneByOne(batches: readonly WriterBatch[]): Answers {
    const answers = new Answers();
    for (const batch of batches) {
      this.#session.now = batch.now;
      const slab = new SlabReader(batch.slab);
      for (let call = slab.nextCall(); call; call = slab.nextCall()) {
        const { id, kind } = call;
        answers.add(id, this.#alone(kind, slab, batch));
      }
    }
    return answers;
  }

  /**
   * One call in a transaction of its own. Where the disk is full, an append fails; anything else is tried again in a log that
   * starts over, in space it already has, and then with the reserve.
   */
  #alone(kind: number, slab: SlabReader, batch: WriterBatch): unknown {
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#transaction(() => this.#call(kind, slab, batch));
      } catch (thrown) {
        const error = sqliteError(thrown, 'writing to the message store');
        if (error.code !== 'store-full') return error;
        this.#room.writeFailed();
        if (kind === callKind.append || attempt === mostAttempts) return error;
        if (attempt > 1) this.#room.giveReserve();
        const restarted = this.#log.restart('RESTART');
        // A checkpoint of the reader's thread is in the way, and soon over.
        if (!restarted && attempt > 1) Atomics.wait(sleeper, 0, 0, attemptPauseMs);
        else if (attempt > 2) return error;
        slab.rewindCall();
      }
    }
  }

  #transaction<T>(work: () => T): T {
    this.#begin.run();
    try {
      this.#session.storeNames();
      const result = work();
      const backlog = this.#session.writeCounts();
      this.#commit.run();
      this.#session.committed();
      this.#room.committed(backlog);
      return result;
    } catch (thrown) {
      this.#session.rollback();
      if (this.#session.db.isTransaction) this.#session.db.exec('ROLLBACK');
      throw thrown;
    }
  }

  #call(kind: number, slab: SlabReader, batch: WriterBatch): unknown {
    if (kind === callKind.append) return this.#append.run(slab);
    if (kind === callKind.settle) return this.#settle.run(slab);
    return this.#plain(batch.plain[slab.u32()]!);
  }

  #plain(call: WriterCall): unknown {
    switch (call.name) {
      case 'update':
        return this.#changes.run(call.channel, call.changes);
      case 'unblock':
        return this.#unblock.run(call.channel, call.destination, call.key, call.limit);
      case 'ready':
        return this.#queue.ready(call.channel, call.destination, call.after, call.limit, call.maxBytes);
      case 'due':
        return this.#queue.due(call.channel, call.destination, call.now, call.limit);
      case 'queueState':
        return this.#queue.state(call.channel, call.destination, call.maxHeld);
      case 'unrouted':
        return this.#inbox.unrouted(call.channel, call.after, call.limit, call.maxBytes);
      case 'countRecoveries':
        return this.#inbox.countRecoveries(call.channel, call.limit);
      case 'audit':
        return this.#trail.add(call.entry);
      case 'state':
        return this.#state.get(call.key) ?? {};
      case 'setState':
        this.#setState.run(call.key, call.value);
        return undefined;
      case 'prune':
        return this.#prune.run(call.channel, call.policy, call.cursor);
      case 'usage':
        return this.#room.usage();
      case 'scrub':
        return (this.#scrubs ??= { scrubbed: false });
      default:
        return call satisfies never;
    }
  }

  #finish(answers: Answers): Answered {
    // After the transaction: a checkpoint cannot be part of one.
    if (this.#scrubs) this.#scrubs.scrubbed = this.#log.restart('TRUNCATE');
    this.#scrubs = undefined;
    return answers.reply();
  }
}
