// Over 300 lines: what a commit asks, writes and answers, and what is left of it where its answer is lost, is in one place.
import type { Answer } from '../../../clients/postgres/batch.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import type { Fence } from '../../../core/store/leases.ts';
import { append, seqsOf } from './appending.ts';
import type { AppendAnswer, Read, Work } from './calls.ts';
import { CopyTables } from './copy-tables.ts';
import { leaseLostError, otherSeqsState, storeError, unforeseenState } from './errors.ts';
import { foresee } from './foreseeing.ts';
import type { Foreseen, Unrouted } from './foresight.ts';
import { type PreparedSettlement, preparedSettlement } from './prepared.ts';
import { routedOf, routingStatements, settle, standingAfter } from './settling.ts';
import { foreignStatement, inForce } from './shared.ts';
import { addToTrail } from './trail.ts';
import { type StoreState, Transaction } from './transaction.ts';
import { update } from './updating.ts';

/** How a transaction went that came to its end. */
export interface Committed {
  /** In the order of the calls. */
  readonly answers: readonly unknown[];
  /** The change of the backlog in bytes. */
  readonly backlog: number;
  /** Reads were made after all that was written, also after what was called after them. */
  readonly readsLast: boolean;
}

/** The answer of a question whose commit has come about while its answers were lost: it has to be asked again. */
export const askAgain = Symbol('ask again');

/** A transaction that may have come about: COMMIT was sent, and the answer lost. */
export interface InDoubt {
  /** The message that it stored first, where it is not known which seqs it was given. */
  readonly first: string | undefined;
  /** What it has come to, with the seq of that message. */
  cameAbout(seq: number | undefined): Committed;
}

/** A transaction that failed. */
export class CommitFailure extends Error {
  /** Whether it may nevertheless have come about. */
  readonly inDoubt: InDoubt | undefined;
  /** The server's process; 0 where it was not told. */
  readonly pid: number;

  constructor(cause: unknown, pid: number, inDoubt: InDoubt | undefined) {
    super('committing', { cause });
    this.inDoubt = inDoubt;
    this.pid = pid;
  }
}

const uniqueViolation = '23505';

/** Thrown where words have to be learnt or read first: outside of the transaction, which may not come about. */
class NewWords extends Error {}

/** A commit, and those before and behind it that are on their way with it. */
interface OnItsWay {
  readonly foreseen: Foreseen | undefined;
  /** Transactions of the hub with it. */
  readonly commits: number;
  before: OnItsWay | undefined;
  behind: OnItsWay | undefined;
  /** Whether it came about, as far as the database has answered. */
  readonly cameAbout: Promise<boolean>;
  readonly end: (cameAbout: boolean) => void;
}

function newWay(foreseen: Foreseen | undefined, commits: number, before?: OnItsWay): OnItsWay {
  const { promise: cameAbout, resolve: end } = Promise.withResolvers<boolean>();
  return { foreseen, commits, before, behind: undefined, cameAbout, end };
}

/** Runs calls in one transaction. */
export class Commits {
  readonly #state: StoreState;
  readonly #attachmentBytes: number;
  readonly #copies: CopyTables;
  /** Was sent last, and is not answered. */
  #onItsWay: OnItsWay | undefined;

  constructor(state: StoreState, attachmentBytes: number) {
    this.#state = state;
    this.#attachmentBytes = attachmentBytes;
    this.#copies = new CopyTables(state.quoted);
  }

  /** Whether calls may be sent behind the commit that is on its way: all is known of it, and of what it is built on. */
  mayFollow(session: PostgresSession): boolean {
    const { names, foresight, horizon } = this.#state;
    return this.#onItsWay !== undefined && names.complete && foresight.isSure && horizon.isOf(session);
  }

  /**
   * Takes effect in call order. Appends, settlements and updates that follow each other are written together; what asks the database
   * comes after all of that. `commits` is how many transactions the hub has with this one. Rejects with `CommitFailure`; nothing has
   * changed then, unless it says that this is in doubt.
   */
  async run(session: PostgresSession, calls: readonly Work[], commits: number): Promise<Committed> {
    for (let asks = false; ; asks = true) {
      const foreseen = asks ? undefined : this.#foreseen(calls, undefined);
      const committed = await this.#commit(session, calls, newWay(foreseen, commits));
      if (committed) return committed;
    }
  }

  /**
   * As `run`, behind the commit that is on its way: it comes about after that, or not at all. Undefined where not all of it is known. It
   * rejects, too, where it was not as it was taken to be: then it is to be run.
   */
  follow(session: PostgresSession, calls: readonly Work[]): Promise<Committed> | undefined {
    const before = this.#onItsWay;
    const foreseen = before && this.#foreseen(calls, before);
    if (!foreseen) return undefined;
    const way = newWay(foreseen, before.commits + 1, before);
    before.behind = way;
    return this.#commit(session, calls, way).then((committed) => {
      if (!committed) throw new CommitFailure(new Error('not as foreseen'), 0, undefined);
      return committed;
    });
  }

  #foreseen(calls: readonly Work[], before: OnItsWay | undefined): Foreseen | undefined {
    const { names } = this.#state;
    for (const call of calls) if (call.kind === 'append' || call.kind === 'settle') names.id(call.channel);
    return names.complete ? foresee(this.#state, calls, before) : undefined;
  }

  /** Undefined where something was not as it was taken to be. */
  async #commit(session: PostgresSession, calls: readonly Work[], way: OnItsWay): Promise<Committed | undefined> {
    const { names, foresight } = this.#state;
    const { foreseen } = way;
    const tx = new Transaction(session, this.#state, this.#copies, seqsOf(calls.filter(isAppend)), foreseen);
    let answers: readonly unknown[] | undefined;
    try {
      if (!names.complete) await names.learn(session);
      if (names.unread) await names.read(session);
      answers = foreseen ? await this.#runForeseen(tx, calls, foreseen) : await this.#runFenced(tx, calls);
      if (names.unread) throw new NewWords();
      const asked = foreseen ? calls.filter(isRead) : [];
      const rows = await tx.commit(
        asked.map(({ question }) => question()),
        () => {
          if (foreseen && asked.length === 0) this.#onItsWay = way;
        },
      );
      this.#isOver(way, true);
      const read = new Map<Work, unknown>();
      for (const [at, call] of asked.entries()) read.set(call, await this.#read(session, call, rows[at] ?? []));
      return this.#ended(tx, calls, answers, read);
    } catch (thrown) {
      this.#isOver(way, false);
      // What was sent behind it fails as well; only then may anything else be sent.
      await way.behind?.cameAbout;
      const isOwn = (await way.before?.cameAbout) !== false;
      const inDoubt =
        tx.committing && answers && isAboutConnection(session, thrown)
          ? this.#inDoubt(tx, calls, answers, foreseen)
          : undefined;
      if (!inDoubt && isOwn) await tx.rollback().catch(() => undefined);
      const unforeseen = isUnforeseen(thrown);
      if (hasOtherSeqs(thrown)) foresight.shares();
      else if (unforeseen && isOwn) foresight.wasWrong();
      if (unforeseen || thrown instanceof NewWords) return undefined;
      throw new CommitFailure(thrown, tx.pid, inDoubt);
    } finally {
      // Each would keep all that were before it, or behind it.
      way.before = undefined;
      way.behind = undefined;
    }
  }

  #isOver(way: OnItsWay, cameAbout: boolean): void {
    if (this.#onItsWay === way) this.#onItsWay = undefined;
    way.end(cameAbout);
  }

  /** Appends and settlements of which all is known: one round trip, with COMMIT. */
  async #runForeseen(tx: Transaction, calls: readonly Work[], { routed }: Foreseen): Promise<unknown[]> {
    const answers = new Map<Work, unknown>();
    const all = arrivals(calls);
    const prepared = this.#prepared(all);
    await this.#arrive(tx, all, answers, { answered: Promise.resolve([]), routed: async () => routed, prepared });
    return calls.map((call) => answers.get(call));
  }

  /** Calls whose lease another hub has are refused; the others run without them. */
  async #runFenced(tx: Transaction, calls: readonly Work[]): Promise<unknown[]> {
    const fences = new Map(calls.flatMap((call) => withName(fenceOf(call))));
    let asked: Asked | undefined;
    let isInForce = (_: Fence) => true;
    if (fences.size > 0) {
      // What the first calls ask goes out with the question which leases are in force.
      asked = this.#asking(tx, arrivals(calls.slice(0, endOfRun(calls, 0))), inForce(tx.state, [...fences.values()]));
      const [rows = []] = await asked.answered;
      const found = new Set(rows.map(([lease, of]) => nameOf({ lease: lease ?? '', epoch: Number(of) })));
      isInForce = (fence) => found.has(nameOf(fence));
    }
    const answers = new Map<Work, unknown>();
    for (let at = 0, end = 0; at < calls.length; at = end) {
      end = endOfRun(calls, at);
      const run: Work[] = [];
      for (const call of calls.slice(at, end)) {
        const fence = fenceOf(call);
        if (fence && !isInForce(fence)) answers.set(call, leaseLostError(fence));
        else run.push(call);
      }
      if (run.length > 0) await this.#runTogether(tx, run, answers, at === 0 ? asked : undefined);
    }
    return calls.map((call) => answers.get(call));
  }

  async #runTogether(
    tx: Transaction,
    run: readonly Work[],
    answers: Map<Work, unknown>,
    asked: Asked | undefined,
  ): Promise<void> {
    const [call] = run;
    if (call?.kind === 'other') answers.set(call, await call.run(tx));
    else if (call?.kind === 'read') await this.#readNow(tx, run.filter(isRead), answers);
    else if (call?.kind === 'update') await update(tx, run.filter(isUpdate));
    else if (call?.kind === 'audit')
      await addToTrail(
        tx,
        run.filter(isAudit).map(({ entry }) => entry),
      );
    else await this.#arrive(tx, arrivals(run), answers, asked ?? this.#asking(tx, arrivals(run)));
  }

  async #readNow(tx: Transaction, reads: readonly Read[], answers: Map<Work, unknown>): Promise<void> {
    const { names } = this.#state;
    const ask = (text: string, values: readonly unknown[]) => tx.ask(text, values);
    // The first message of a channel may have come to another hub.
    if (reads.some(({ channel }) => channel !== undefined && names.known(channel) === 0))
      await names.read({ ask: (text, values = []) => tx.ask(text, values) });
    const rows = await tx.read(...reads.map(({ question }) => question()));
    for (const [at, call] of reads.entries()) answers.set(call, await call.read(rows[at] ?? [], ask));
  }

  /** Asks what appends and settlements have to know. What can be made ready meanwhile is, while the database works. */
  #asking(tx: Transaction, calls: readonly Arrival[], ...before: readonly string[]): Asked {
    const settles = calls.filter(isSettle);
    const routing = routingStatements(tx, settles);
    // Its snapshot is younger than the seqs: whatever was acknowledged before one of these messages was sent is seen.
    const own = [...new Set(calls.filter(isAppend).map(({ channel }) => channel))].filter(tx.state.hasChannel);
    const texts = [...before, ...routing, ...(own.length === 0 ? [] : [foreignStatement(tx.state, own)])];
    const answered = texts.length === 0 && tx.begun ? Promise.resolve([]) : tx.read(...texts);
    answered.catch(() => undefined);
    const foreignFrom = before.length + routing.length;
    const routed = async () => {
      const all = await answered;
      for (const rows of all.slice(foreignFrom)) noteForeign(tx, rows);
      return routedOf(all.slice(before.length, foreignFrom).flat());
    };
    return { answered, routed, prepared: this.#prepared(settles) };
  }

  #prepared(calls: readonly Arrival[]): Asked['prepared'] {
    const { names } = this.#state;
    const prepared = new Map<Work, readonly PreparedSettlement[]>();
    for (const call of calls.filter(isSettle))
      prepared.set(
        call,
        call.batch.map((settlement) => preparedSettlement(names, settlement)),
      );
    return prepared;
  }

  /** Appends and settlements. */
  async #arrive(tx: Transaction, calls: readonly Arrival[], answers: Map<Work, unknown>, asked: Asked): Promise<void> {
    const { names } = this.#state;
    const { prepared } = asked;
    const routed = await asked.routed();
    if (names.lacking) throw new NewWords();
    const appends = calls.filter(isAppend);
    const count = seqsOf(appends);
    const seqs = tx.takeSeqs(count);
    const settledBefore = settlementsBefore(calls, prepared);
    const found =
      count === 0
        ? appends.map(() => [])
        : await append(tx, appends, seqs, this.#attachmentBytes, (seq) => settledBefore.get(seq));
    appends.forEach((call, index) => void answers.set(call, found[index] ?? []));
    const batches = calls
      .filter(isSettle)
      .map((call) => ({ channel: names.id(call.channel), batch: prepared.get(call) ?? [] }));
    settle(tx, batches, routed);
  }

  /** Reads an answer that came with that of COMMIT: whatever fails here, the commit has come about. */
  async #read(session: PostgresSession, call: Read, rows: Answer): Promise<unknown> {
    const { names } = this.#state;
    try {
      for (;;) {
        const read = await call.read(rows, (text, values) => session.ask(text, values));
        if (!names.unread) return read;
        await names.read(session);
      }
    } catch (thrown) {
      return session.usable ? storeError(thrown, 'reading the message store') : askAgain;
    }
  }

  /**
   * What a commit answers: with the seqs that it was given, and of messages whether others stored some of their channel before, which are
   * to be sent first.
   */
  #ended(
    { foreigners, shift, counters }: Pick<Transaction, 'foreigners' | 'shift' | 'counters'>,
    calls: readonly Work[],
    answers: readonly unknown[],
    read: ReadonlyMap<Work, unknown>,
  ): Committed {
    const told = answers.map((answer, at) => {
      const call = calls[at]!;
      if (call.kind === 'read') return read.has(call) ? read.get(call) : answer;
      if (call.kind !== 'append') return answer;
      const foreign = foreigners.has(this.#state.names.id(call.channel));
      if (!foreign && shift === 0) return answer;
      return (answer as AppendAnswer).map((each) =>
        'seq' in each ? { ...each, seq: each.seq + shift, ...(foreign && { foreign }) } : each,
      );
    });
    return { answers: told, backlog: counters.backlog, readsLast: read.size > 0 };
  }

  #inDoubt(
    { foreigners, counters }: Transaction,
    calls: readonly Work[],
    answers: readonly unknown[],
    foreseen: Foreseen | undefined,
  ): InDoubt {
    const again = new Map(foreseen ? calls.filter(isRead).map((call) => [call as Work, askAgain]) : []);
    const appended = foreseen ? calls.filter(isAppend).find(({ batch }) => batch.length > 0) : undefined;
    return {
      first: appended?.batch[0]?.id,
      cameAbout: (seq) => {
        const shift = foreseen && seq !== undefined ? seq - foreseen.first : 0;
        return this.#ended({ foreigners, counters, shift }, calls, answers, again);
      },
    };
  }
}

type Arrival = Extract<Work, { readonly kind: 'append' | 'settle' }>;

/** What appends and settlements asked the database. */
interface Asked {
  readonly answered: Promise<readonly Answer[]>;
  /** Those of the settled messages that were not routed, by seq. */
  readonly routed: () => Promise<ReadonlyMap<number, Unrouted>>;
  readonly prepared: ReadonlyMap<Work, readonly PreparedSettlement[]>;
}

/** How messages stand by settlements that come before the last append. */
function settlementsBefore(calls: readonly Arrival[], prepared: Asked['prepared']) {
  const found = new Map<number, ReturnType<typeof standingAfter>>();
  const lastAppend = calls.findLastIndex((call) => call.kind === 'append' && call.batch.some(({ dedupe }) => dedupe));
  for (const call of calls.slice(0, Math.max(0, lastAppend)))
    for (const each of prepared.get(call) ?? []) found.set(each.settlement.seq, standingAfter(each));
  return found;
}

function fenceOf(call: Work): Fence | undefined {
  return call.kind === 'append' || call.kind === 'audit' || call.kind === 'read' ? undefined : call.fence;
}

function withName(fence: Fence | undefined): readonly (readonly [string, Fence])[] {
  return fence ? [[nameOf(fence), fence]] : [];
}

function nameOf({ lease, epoch }: Fence): string {
  return `${epoch}/${lease}`;
}

const isAppend = (call: Work) => call.kind === 'append';
const isSettle = (call: Work) => call.kind === 'settle';
const isUpdate = (call: Work) => call.kind === 'update';
const isAudit = (call: Work) => call.kind === 'audit';
const isRead = (call: Work) => call.kind === 'read';

/** Reads an answer to `foreignStatement`. */
function noteForeign(tx: Transaction, rows: Answer): void {
  for (const [channel, , first] of rows) tx.firsts.set(Number(channel), first === null ? undefined : Number(first));
  const found = rows.filter(([, foreign]) => foreign === 't').map(([channel]) => Number(channel));
  tx.foreigners = new Set([...tx.foreigners, ...found]);
}

function arrivals(calls: readonly Work[]): readonly Arrival[] {
  return calls.filter((call) => isAppend(call) || isSettle(call));
}

/** Where the calls end that are written together with the one at this place. */
function endOfRun(calls: readonly Work[], at: number): number {
  let end = at + 1;
  while (end < calls.length && runsWith(calls[at]!, calls[end]!)) end++;
  return end;
}

function runsWith(first: Work, next: Work): boolean {
  if (first.kind === 'append' || first.kind === 'settle') return next.kind === 'append' || next.kind === 'settle';
  return first.kind !== 'other' && first.kind === next.kind;
}

/** Whether something was not as it was taken to be, or another hub has settled a message at the same moment: it is made again. */
function isUnforeseen(thrown: unknown): boolean {
  const { code, table } = thrown as { readonly code?: string; readonly table?: string };
  return (
    code === unforeseenState ||
    hasOtherSeqs(thrown) ||
    (code === uniqueViolation && table?.startsWith('settlement_') === true)
  );
}

function hasOtherSeqs(thrown: unknown): boolean {
  return (thrown as { readonly code?: string }).code === otherSeqsState;
}

/** Whether the server has not answered COMMIT: the connection broke, or the server ended it. */
function isAboutConnection(session: PostgresSession, thrown: unknown): boolean {
  const { code, severity } = thrown as { code?: string; severity?: string };
  return !session.usable || code === undefined || severity === 'FATAL' || /^(08|57P)/.test(code);
}
