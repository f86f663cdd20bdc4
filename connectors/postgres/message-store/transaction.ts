import type { Answer, Statement } from '../../../clients/postgres/batch.ts';
import type { CopyRows } from '../../../clients/postgres/copy-rows.ts';
import type { PostgresSession, Value } from '../../../clients/postgres/session.ts';
import { CounterTally } from '../../../core/store/counter-tally.ts';
import { mostTypes } from '../../../core/store/daily-counts.ts';
import { DailyTally, type DayOfChannel } from '../../../core/store/daily-tally.ts';
import type { LocalDays } from '../../../core/store/local-days.ts';
import type { CopyTables } from './copy-tables.ts';
import { type Arrived, type Counted, countedOf, countStatements, type DayRow, nothingCounted } from './counted.ts';
import { beginForeseen, type Foreseen, type Foresight, type Unrouted } from './foresight.ts';
import type { Begun, Horizon } from './horizon.ts';
import type { Names } from './names.ts';

/** What the transactions of one opening share. */
export interface StoreState {
  readonly quoted: string;
  readonly hub: number;
  readonly epoch: number;
  /** Number of the connection that writes. */
  connection: number;
  readonly names: Names;
  readonly horizon: Horizon;
  readonly foresight: Foresight;
  readonly days: LocalDays;
  readonly now: () => number;
  /** Types that have a row of daily counts, by day and channel. */
  readonly types: Map<string, Set<string>>;
  /** Whether this opening has the lease of a channel, as far as it knows: only then it is asked what others stored. */
  readonly hasChannel: (channel: string) => boolean;
  /** Makes the partitions of a slot, where they are not there. */
  readonly ensureSlot: (slot: number) => Promise<void>;
}

const keptTypeDays = 64;
const muchRows = 256;

/**
 * One commit in the making. What it writes gathers here and goes to the database with the next question to it, or with COMMIT, in
 * one round trip. Begins with the fence: an opening whose epoch is not the hub's any more writes nothing.
 */
export class Transaction {
  readonly state: StoreState;
  readonly counters = new CounterTally();
  readonly daily: DailyTally;
  readonly copies: CopyTables;
  readonly #session: PostgresSession;
  #pending: Statement[] = [];
  #taken: ReadonlyMap<string, CopyRows>[] = [];
  #sent: Promise<unknown>[] = [];
  #first = true;
  /** Of seqs that it takes. */
  readonly #count: number;
  readonly #arrived = new Map<number, Arrived>();
  readonly #arrivals: Arrived[] = [];
  /** All seqs between its own are its own. */
  #isWhole = true;
  #seqs: number[] = [];
  #begun: Begun | undefined;
  /** Messages that it stores and that are to be routed, and those that were and are settled. */
  readonly unrouted = new Map<number, Unrouted>();
  readonly routed: number[] = [];
  /** First messages that are not routed, by channel, as far as it has looked for them. */
  readonly firsts = new Map<number, number | undefined>();
  /** Channels with messages of other openings; of what was foreseen, after `commit`. */
  foreigners: ReadonlySet<number> = new Set();
  readonly #foreseen: Foreseen | undefined;
  /** The server's process; known after the first question. */
  pid = 0;
  /** By how much the seqs that it was given are above those that it was made with; known after `commit`. */
  shift = 0;
  /** COMMIT has been sent: from here on, a connection that breaks leaves open whether it came about. */
  committing = false;

  /** `seqs` is how many messages it will append at most. What is foreseen need not be asked. */
  constructor(session: PostgresSession, state: StoreState, copies: CopyTables, seqs: number, foreseen?: Foreseen) {
    this.#session = session;
    this.state = state;
    this.copies = copies;
    this.daily = new DailyTally(state.days);
    copies.free(copies.take());
    this.#foreseen = foreseen;
    if (foreseen) {
      this.#seqs = Array.from({ length: seqs }, (_, at) => foreseen.first + at);
      this.foreigners = new Set(foreseen.own);
    }
    this.#count = seqs;
  }

  /** Nothing of it is asked before it is committed. */
  get isForeseen(): boolean {
    return this.#foreseen !== undefined;
  }

  /** A row of a message that is stored, or of its content. The seq is left to the database where that gives it. */
  stored(table: 'message' | 'raw', seq: number): CopyRows {
    const isGiven = this.#isGiven;
    const rows = this.copies.of(table, seq, isGiven);
    rows.row();
    if (!isGiven) rows.int8(seq);
    return rows;
  }

  /** Its seqs are known when it has begun only. */
  get #isGiven(): boolean {
    return this.#foreseen !== undefined && this.#foreseen.seqs > 0 && !this.#foreseen.exactly;
  }

  /** Stores a message that is to be routed. */
  arrive(channel: number, seq: number, size: number, day: number): void {
    let arrived = this.#arrived.get(channel);
    // Rows do not overlap: between the seqs of this commit there may be those of others.
    if (arrived?.day === day && (this.#isWhole || seq === arrived.last + 1)) {
      arrived.last = seq;
      arrived.left++;
    } else {
      arrived = { channel, day, first: seq, last: seq, left: 1 };
      this.#arrived.set(channel, arrived);
      this.#arrivals.push(arrived);
    }
    this.unrouted.set(seq, { channel, size, day, arrived });
  }

  /** Whether it has asked the database, which gives it its seqs. */
  get begun(): boolean {
    return !this.#first;
  }

  /** The next of its seqs, for what is appended; after the first question was answered. */
  takeSeqs(count: number): readonly number[] {
    return this.#seqs.splice(0, count);
  }

  /** Sent before the next question, after what was written before. */
  write(text: string): void {
    this.#takeCopies();
    this.#pending.push({ text });
  }

  /**
   * Sends what was written and goes on, where that is much: the database works while the next rows are written (20,800 to 25,800
   * messages a second). A round trip of its own for little would only make the commit longer.
   */
  pushMuch(): void {
    if (this.copies.rows >= muchRows) this.#push();
  }

  #push(): void {
    const sent = this.#send([]);
    // Whoever asks or commits next is told.
    sent.catch(() => undefined);
    this.#sent.push(sent);
  }

  /** Statements that answer, after everything that was written before. */
  async read(...texts: readonly string[]): Promise<readonly Answer[]> {
    return await this.#inOrder(this.#send(texts));
  }

  /** A question with parameters. */
  async ask(text: string, values: readonly unknown[]): Promise<readonly (readonly Value[])[]> {
    if (this.#pending.length > 0 || !this.copies.empty) this.#push();
    return await this.#inOrder(this.#session.ask(text, values));
  }

  /** With the last questions, before COMMIT. `onSent` is called when all of it is on its way. Resolves with the answers. */
  async commit(questions: readonly string[], onSent?: () => void): Promise<readonly Answer[]> {
    await this.#learnTypes();
    this.#takeCopies();
    const counted = this.#counted();
    const atOnce = this.#first && this.#foreseen !== undefined;
    if (!atOnce) this.#pending.push(...countStatements(this.state, counted, this.#isGiven));
    const sent = this.#send([...questions, 'COMMIT'], atOnce ? counted : nothingCounted);
    this.committing = true;
    onSent?.();
    const answers = await this.#inOrder(sent);
    if (this.#begun) this.state.horizon.committed(this.#session, this.#begun, this.firsts);
    this.state.foresight.committed(this.#shifted(), this.routed);
    return answers;
  }

  /** Messages that it has stored and that are to be routed, by the seqs that they were given. */
  #shifted(): ReadonlyMap<number, Unrouted> {
    const { shift } = this;
    if (shift === 0) return this.unrouted;
    for (const arrived of this.#arrivals) {
      arrived.first += shift;
      arrived.last += shift;
    }
    return new Map([...this.unrouted].map(([seq, message]) => [seq + shift, message]));
  }

  async rollback(): Promise<void> {
    this.state.types.clear();
    await Promise.allSettled(this.#sent);
    if (this.#session.usable) await this.#session.run([{ text: 'ROLLBACK' }]);
  }

  /** The first goes out with the beginning, and what is counted with that where it is known. */
  async #send(texts: readonly string[], counted: Counted = nothingCounted): Promise<readonly Answer[]> {
    this.#takeCopies();
    const statements = [
      ...(this.#first ? this.#beginning(counted) : []),
      ...this.#pending,
      ...texts.map((text) => ({ text })),
    ];
    this.#pending = [];
    const taken = this.#taken;
    this.#taken = [];
    const isFirst = this.#first;
    this.#first = false;
    const answers = await this.#session.run(statements);
    for (const tables of taken) this.copies.free(tables);
    if (isFirst) this.#hear(answers[1]?.[0] ?? []);
    return answers.slice(answers.length - texts.length);
  }

  #beginning(counted: Counted): readonly Statement[] {
    const { quoted, hub, epoch, connection } = this.state;
    const begin = this.#foreseen
      ? beginForeseen(this.state, this.#foreseen, counted)
      : `SELECT pid, last, xid, oldest, seqs FROM ${quoted}.begin_commit(${hub}, ${epoch}, ${connection}, ${this.#count})`;
    return [{ text: 'BEGIN' }, { text: begin }];
  }

  /** The answer to its beginning. */
  #hear([pid, last, xid, oldest, ...more]: Answer[number]): void {
    const begun = { last: Number(last), xid: Number(xid), oldest: Number(oldest) };
    this.#begun = begun;
    this.pid = Number(pid);
    const foreseen = this.#foreseen;
    if (!foreseen) {
      this.#seqs = listed(more[0]);
      this.#isWhole = (this.#seqs.at(-1) ?? 0) - (this.#seqs[0] ?? 0) === Math.max(0, this.#seqs.length - 1);
      this.state.foresight.gave(this.#seqs.at(-1) ?? begun.last);
      return;
    }
    const { first, seqs, own } = foreseen;
    const given = Number(more[0]);
    if (seqs > 0) this.shift = given - first;
    if (this.shift !== 0) this.state.foresight.shares();
    this.state.foresight.gave(seqs > 0 ? given + seqs - 1 : begun.last);
    this.foreigners = new Set(listed(more[1]));
    const firsts = listed(more[2]);
    for (const [at, channel] of own.entries())
      this.firsts.set(channel, Number.isNaN(firsts[at]) ? undefined : firsts[at]);
  }

  /** What was pushed before has failed first, if it has. */
  async #inOrder<T>(answer: Promise<T>): Promise<T> {
    answer.catch(() => undefined);
    const before = this.#sent;
    this.#sent = [];
    for (const sent of before) await sent;
    return await answer;
  }

  #takeCopies(): void {
    if (this.copies.empty) return;
    const taken = this.copies.take();
    this.#taken.push(taken);
    for (const rows of taken.values()) if (rows.rows > 0) this.#pending.push({ text: rows.into, rows });
  }

  /** Of days whose types are new here: what the database has of them. */
  async #learnTypes(): Promise<void> {
    const { names, types, quoted, hub } = this.state;
    this.daily.spread(this.counters, (shape) => names.shape(shape));
    const missing = [...this.daily.changed()].filter(
      ({ day, channel, types: changed }) => changed.size > 0 && !types.has(`${day}/${channel}`),
    );
    if (missing.length === 0) return;
    if (types.size + missing.length > keptTypeDays) types.clear();
    const answers = await this.read(
      ...missing.map(
        ({ day, channel }) =>
          `SELECT type FROM ${quoted}.daily WHERE hub = ${hub} AND day = ${day} AND channel = ${channel} AND destination = 0 AND type <> ''`,
      ),
    );
    missing.forEach(({ day, channel }, index) => {
      types.set(`${day}/${channel}`, new Set((answers[index] ?? []).map(([type]) => type ?? '')));
    });
  }

  #counted(): Counted {
    const daily = [...this.daily.changed()].flatMap((ofDay) => this.#dayRows(ofDay));
    return countedOf(this.#arrivals, [...this.counters.changed()], daily);
  }

  #dayRows({ day, channel, messages, types, destinations }: DayOfChannel): readonly DayRow[] {
    const known = this.state.types.get(`${day}/${channel}`) ?? new Set<string>();
    const rows: DayRow[] = [];
    if (messages.changed) rows.push({ day, channel, destination: 0, type: '', values: messages.values });
    for (const [type, counts] of types) {
      if (!counts.changed) continue;
      // A type that found no room when its first message came has none for what becomes of that message.
      if (!known.has(type) && (counts.received <= 0 || known.size >= mostTypes)) continue;
      known.add(type);
      rows.push({ day, channel, destination: 0, type, values: counts.values });
    }
    for (const [destination, counts] of destinations)
      if (counts.changed) rows.push({ day, channel, destination, type: '', values: counts.values });
    return rows;
  }
}

/** The numbers of an array; NaN for NULL. */
function listed(array: string | null | undefined): number[] {
  return array && array !== '{}' ? array.slice(1, -1).split(',').map(Number) : [];
}
