import { numbers, texts } from '../../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import type { Fence } from '../../../core/store/leases.ts';
import { append, seqsOf } from './appending.ts';
import type { Work } from './calls.ts';
import { leaseLostError } from './errors.ts';
import { type PreparedSettlement, preparedSettlement } from './prepared.ts';
import { routingStatements, settle, standingAfter } from './settling.ts';
import { foreignStatement } from './shared.ts';
import { addToTrail } from './trail.ts';
import { CopyTables, type StoreState, Transaction } from './transaction.ts';
import { update } from './updating.ts';

/** How a transaction went that came to its end. */
export interface Committed {
  /** In the order of the calls. */
  readonly answers: readonly unknown[];
  /** The change of the backlog in bytes. */
  readonly backlog: number;
}

/** A transaction that failed. */
export class CommitFailure extends Error {
  /** Whether it may nevertheless have come about: COMMIT was sent, and the answer lost. */
  readonly inDoubt: Committed | undefined;
  /** The server's process; 0 where it was not told. */
  readonly pid: number;

  constructor(cause: unknown, pid: number, inDoubt: Committed | undefined) {
    super('committing', { cause });
    this.inDoubt = inDoubt;
    this.pid = pid;
  }
}

/** Thrown where words have to be learnt or read first: outside of the transaction, which may not come about. */
class NewWords extends Error {}

/** Runs calls in one transaction. */
export class Commits {
  readonly #state: StoreState;
  readonly #attachmentBytes: number;
  readonly #copies: CopyTables;

  constructor(state: StoreState, attachmentBytes: number) {
    this.#state = state;
    this.#attachmentBytes = attachmentBytes;
    this.#copies = new CopyTables(state.quoted);
  }

  /**
   * Takes effect in call order. Appends, settlements and updates that follow each other are written together; what asks the database
   * comes after all of that. Rejects with `CommitFailure`; nothing has changed then, unless it says that this is in doubt.
   */
  async run(session: PostgresSession, calls: readonly Work[]): Promise<Committed> {
    const { names } = this.#state;
    for (;;) {
      const tx = new Transaction(session, this.#state, this.#copies, seqsOf(calls.filter(isAppend)));
      let answers: unknown[] | undefined;
      try {
        for (const call of calls) if (call.kind === 'append' || call.kind === 'settle') names.id(call.channel);
        if (!names.complete) await names.learn(session);
        if (names.unread) await names.read(session);
        answers = await this.#runFenced(tx, calls);
        if (names.unread) throw new NewWords();
        return { answers, backlog: await tx.commit() };
      } catch (thrown) {
        const inDoubt =
          tx.committing && answers && isAboutConnection(session, thrown)
            ? { answers, backlog: tx.counters.backlog }
            : undefined;
        if (!inDoubt) await tx.rollback().catch(() => undefined);
        if (thrown instanceof NewWords) continue;
        throw new CommitFailure(thrown, tx.pid, inDoubt);
      }
    }
  }

  /** Calls whose lease another hub has are refused; the others run without them. */
  async #runFenced(tx: Transaction, calls: readonly Work[]): Promise<unknown[]> {
    const fences = calls.map(fenceOf);
    const named = new Map(fences.flatMap((fence) => (fence ? [[nameOf(fence), fence] as const] : [])));
    if (named.size === 0) return await this.#runAll(tx, calls);
    const { quoted, epoch } = tx.state;
    const asked = [...named.values()];
    const epochs = numbers(
      asked.map((fence) => fence.epoch),
      'int8',
    );
    const [rows = []] = await tx.read(
      `SELECT o_name, o_epoch FROM ${quoted}.in_force(${epoch}, ${texts(asked.map(({ lease }) => lease))}, ${epochs})`,
    );
    const inForce = new Set(rows.map(([lease, of]) => nameOf({ lease: lease ?? '', epoch: Number(of) })));
    const goes = fences.map((fence) => !fence || inForce.has(nameOf(fence)));
    const ran = await this.#runAll(
      tx,
      calls.filter((_, at) => goes[at]),
    );
    let next = 0;
    return goes.map((may, at) => (may ? ran[next++] : leaseLostError(fences[at]!)));
  }

  async #runAll(tx: Transaction, calls: readonly Work[]): Promise<unknown[]> {
    const answers: unknown[] = new Array(calls.length).fill(undefined);
    for (let at = 0; at < calls.length; ) {
      const call = calls[at]!;
      let end = at + 1;
      while (end < calls.length && runsWith(call, calls[end]!)) end++;
      const run = calls.slice(at, end);
      if (call.kind === 'other') answers[at] = await call.run(tx);
      else if (call.kind === 'update') await update(tx, run.filter(isUpdate));
      else if (call.kind === 'audit')
        await addToTrail(
          tx,
          run.filter(isAudit).map(({ entry }) => entry),
        );
      else await this.#arrive(tx, run, at, answers);
      at = end;
    }
    return answers;
  }

  /** Appends and settlements. What can be made ready meanwhile is, while the database works. */
  async #arrive(tx: Transaction, calls: readonly Work[], from: number, answers: unknown[]): Promise<void> {
    const { names } = this.#state;
    const appends = calls.filter(isAppend);
    const settles = calls.filter(isSettle);
    const count = seqsOf(appends);
    const routing = routingStatements(tx, settles);
    // Its snapshot is younger than the seqs: whatever was acknowledged before one of these messages was sent is seen.
    const own = [...new Set(appends.map(({ channel }) => channel))].filter(tx.state.hasChannel);
    const foreign = own.length === 0 ? [] : [foreignStatement(tx.state, own)];
    const asked = routing.length + foreign.length === 0 && tx.begun ? undefined : tx.read(...routing, ...foreign);
    asked?.catch(() => undefined);
    const prepared = new Map<Work, readonly PreparedSettlement[]>();
    for (const call of settles)
      prepared.set(
        call,
        call.batch.map((settlement) => preparedSettlement(names, settlement)),
      );
    const answered = (await asked) ?? [];
    const rows = answered.slice(0, routing.length);
    const foreignIn = new Set(answered.slice(routing.length).flatMap((ids) => ids.map(([id]) => Number(id))));
    if (names.lacking) throw new NewWords();
    const seqs = tx.takeSeqs(count);
    const settledBefore = settlementsBefore(calls, prepared);
    const found =
      count === 0
        ? appends.map(() => [])
        : await append(tx, appends, seqs, this.#attachmentBytes, (seq) => settledBefore.get(seq));
    let next = 0;
    calls.forEach((call, index) => {
      if (call.kind !== 'append') return;
      const appended = found[next++] ?? [];
      const isBehind = foreignIn.size > 0 && foreignIn.has(names.id(call.channel));
      answers[from + index] = isBehind
        ? appended.map((each) => ('seq' in each ? { ...each, foreign: true } : each))
        : appended;
    });
    const batches = settles.map((call) => ({ channel: names.id(call.channel), batch: prepared.get(call) ?? [] }));
    settle(tx, batches, rows.flat());
  }
}

/** How messages stand by settlements that come before the last append. */
function settlementsBefore(calls: readonly Work[], prepared: ReadonlyMap<Work, readonly PreparedSettlement[]>) {
  const found = new Map<number, ReturnType<typeof standingAfter>>();
  const lastAppend = calls.findLastIndex((call) => call.kind === 'append' && call.batch.some(({ dedupe }) => dedupe));
  for (const call of calls.slice(0, Math.max(0, lastAppend)))
    for (const each of prepared.get(call) ?? []) found.set(each.settlement.seq, standingAfter(each));
  return found;
}

function fenceOf(call: Work): Fence | undefined {
  return call.kind === 'append' || call.kind === 'audit' ? undefined : call.fence;
}

function nameOf({ lease, epoch }: Fence): string {
  return `${epoch}/${lease}`;
}

const isAppend = (call: Work) => call.kind === 'append';
const isSettle = (call: Work) => call.kind === 'settle';
const isUpdate = (call: Work) => call.kind === 'update';
const isAudit = (call: Work) => call.kind === 'audit';

function runsWith(first: Work, next: Work): boolean {
  if (first.kind === 'append' || first.kind === 'settle') return next.kind === 'append' || next.kind === 'settle';
  return first.kind !== 'other' && first.kind === next.kind;
}

/** Whether the server has not answered COMMIT: the connection broke, or the server ended it. */
function isAboutConnection(session: PostgresSession, thrown: unknown): boolean {
  const { code, severity } = thrown as { code?: string; severity?: string };
  return !session.usable || code === undefined || severity === 'FATAL' || /^(08|57P)/.test(code);
}
