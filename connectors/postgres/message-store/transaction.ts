import type { Answer, Statement } from '../../../clients/postgres/batch.ts';
import { CopyRows } from '../../../clients/postgres/copy-rows.ts';
import { numbers, texts } from '../../../clients/postgres/quote.ts';
import type { PostgresSession, Value } from '../../../clients/postgres/session.ts';
import { CounterTally } from '../../../core/store/counter-tally.ts';
import { mostTypes } from '../../../core/store/daily-counts.ts';
import { DailyTally, type DayOfChannel } from '../../../core/store/daily-tally.ts';
import type { LocalDays } from '../../../core/store/local-days.ts';
import type { Names } from './names.ts';
import { slotOf } from './schema.ts';

/** What the transactions of one opening share. */
export interface StoreState {
  readonly quoted: string;
  readonly hub: number;
  readonly epoch: number;
  readonly names: Names;
  readonly days: LocalDays;
  readonly now: () => number;
  /** Types that have a row of daily counts, by day and channel. */
  readonly types: Map<string, Set<string>>;
  /** Whether this opening has the lease of a channel, as far as it knows: only then it is asked what others stored. */
  readonly hasChannel: (channel: string) => boolean;
  /** Makes the partitions of a slot, where they are not there. */
  readonly ensureSlot: (slot: number) => Promise<void>;
}

const columns = {
  message: 'seq,channel,id,received_at,size,hub,meta_fields,meta,key,replay_of,only_to,attached',
  raw: 'seq,bytes',
  attachment: 'seq,start,bytes',
  settlement: 'seq,channel,version,shape,shape_text,keep,at,type,times,meta_fields,meta,error',
  contents: 'seq,packed',
  unrouted: 'channel,seq,size,day,hub,epoch',
  part: 'seq,destination,n,channel,status,attempts,size,queued_at,retry_at,sent_at,keys,error,day',
  part_content: 'seq,destination,n,bytes,reply',
  part_key: 'channel,destination,key,seq,n',
} as const;
const ofSlots = new Set(['message', 'raw', 'attachment', 'settlement', 'contents']);
const keptTypeDays = 64;
const keptTables = 40;
const muchRows = 64;

/** Rows for COPY by table and slot. Buffers are reused; those that are on their way are not written to. */
export class CopyTables {
  readonly #quoted: string;
  readonly #open = new Map<string, CopyRows>();
  readonly #free = new Map<string, CopyRows>();

  constructor(quoted: string) {
    this.#quoted = quoted;
  }

  /** Rows go into the partition itself: finding it row by row costs a fifth of the COPY. */
  of(table: keyof typeof columns, seq: number): CopyRows {
    const name = ofSlots.has(table) ? `${table}_${slotOf(seq)}` : table;
    let rows = this.#open.get(name);
    if (rows === undefined) {
      rows = this.#free.get(name) ?? new CopyRows(`${this.#quoted}.${name}`, columns[table].split(','));
      this.#free.delete(name);
      this.#open.set(name, rows);
    }
    return rows;
  }

  get empty(): boolean {
    return this.#open.size === 0;
  }

  /** That were written since the last `take`. */
  get rows(): number {
    let rows = 0;
    for (const each of this.#open.values()) rows += each.rows;
    return rows;
  }

  /** What was written since it was last called, in the order in which tables were first used. To be given back to `free`. */
  take(): ReadonlyMap<string, CopyRows> {
    const taken = new Map(this.#open);
    this.#open.clear();
    return taken;
  }

  free(taken: ReadonlyMap<string, CopyRows>): void {
    if (this.#free.size > keptTables) this.#free.clear();
    for (const [name, rows] of taken) {
      rows.clear();
      this.#free.set(name, rows);
    }
  }
}

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
  #pending: Statement[];
  #taken: ReadonlyMap<string, CopyRows>[] = [];
  #sent: Promise<unknown>[] = [];
  #first = true;
  #seqs: number[] = [];
  /** The server's process; known after the first question. */
  pid = 0;
  /** COMMIT has been sent: from here on, a connection that breaks leaves open whether it came about. */
  committing = false;

  /** `seqs` is how many messages it will append at most. */
  constructor(session: PostgresSession, state: StoreState, copies: CopyTables, seqs: number) {
    this.#session = session;
    this.state = state;
    this.copies = copies;
    this.daily = new DailyTally(state.days);
    copies.free(copies.take());
    const { quoted, hub, epoch } = state;
    this.#pending = [
      { text: 'BEGIN' },
      { text: `SELECT pid, seqs FROM ${quoted}.begin_commit(${hub}, ${epoch}, ${seqs})` },
    ];
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

  /** Resolves with the change of the backlog in bytes. */
  async commit(): Promise<number> {
    await this.#learnTypes();
    this.#takeCopies();
    const counts = this.#countStatements();
    this.#pending.push(...counts.map((text) => ({ text })));
    const sent = this.#send(['COMMIT']);
    this.committing = true;
    await this.#inOrder(sent);
    return this.counters.backlog;
  }

  async rollback(): Promise<void> {
    this.state.types.clear();
    await Promise.allSettled(this.#sent);
    if (this.#session.usable) await this.#session.run([{ text: 'ROLLBACK' }]);
  }

  async #send(texts: readonly string[]): Promise<readonly Answer[]> {
    this.#takeCopies();
    const statements = [...this.#pending, ...texts.map((text) => ({ text }))];
    this.#pending = [];
    const taken = this.#taken;
    this.#taken = [];
    const isFirst = this.#first;
    this.#first = false;
    const answers = await this.#session.run(statements);
    for (const tables of taken) this.copies.free(tables);
    if (isFirst) {
      const [pid, seqs] = answers[1]?.[0] ?? [];
      this.pid = Number(pid);
      this.#seqs = seqs ? seqs.slice(1, -1).split(',').map(Number) : [];
    }
    return answers.slice(answers.length - texts.length);
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

  #countStatements(): readonly string[] {
    const { quoted, hub } = this.state;
    const counters = [...this.counters.changed()];
    const statements: string[] = [];
    if (counters.length > 0) {
      const channels = numbers(
        counters.map(({ channel }) => channel),
        'int4',
      );
      const destinations = numbers(
        counters.map(({ destination }) => destination),
        'int4',
      );
      const amounts = numbers(
        counters.flatMap(({ values }) => [...values]),
        'int8',
      );
      statements.push(`SELECT ${quoted}.add_counts(${hub}, ${channels}, ${destinations}, ${amounts})`);
    }
    const daily = [...this.daily.changed()].flatMap((ofDay) => this.#dayRows(ofDay));
    if (daily.length > 0) {
      const of = (number: (row: DayRow) => number) => numbers(daily.map(number), 'int4');
      const columns = [of(({ day }) => day), of(({ channel }) => channel), of(({ destination }) => destination)];
      const types = texts(daily.map(({ type }) => type));
      const amounts = numbers(
        daily.flatMap(({ values }) => values),
        'int8',
      );
      statements.push(`SELECT ${quoted}.add_daily(${hub}, ${columns.join(', ')}, ${types}, ${amounts})`);
    }
    return statements;
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

interface DayRow {
  readonly day: number;
  readonly channel: number;
  readonly destination: number;
  readonly type: string;
  readonly values: readonly number[];
}
