import { setTimeout as pause } from 'node:timers/promises';
import { numbers, texts } from '../../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import type { Fence, Leases } from '../../../core/store/leases.ts';
import type { Recovered } from '../../../core/store/message-store.ts';
import { outcomeOf } from '../../../core/store/outcome-elsewhere.ts';
import type {
  Notices,
  OutcomeElsewhere,
  OutcomeQuestion,
  SharedMessage,
  SharedPage,
  SharedStore,
} from '../../../core/store/shared-store.ts';
import type { Read } from './calls.ts';
import { content } from './content.ts';
import { recover, unrouted } from './inbox.ts';
import type { PostgresLeases } from './leases.ts';
import type { Settings } from './options.ts';
import { Readers } from './readers.ts';
import { messageColumns, summaries } from './summaries.ts';
import type { StoreState, Transaction } from './transaction.ts';

/**
 * What others store while one page is processed shares the next: of a channel that was read to its end there is one so often at most.
 * A page costs the server more than a millisecond, whatever is on it.
 */
const pageEveryMs = 50;

/** Asks which of these channels have unrouted messages of other openings. */
export function foreignStatement({ quoted, epoch, names, horizon }: StoreState, channels: readonly string[]): string {
  const ids = channels.map((channel) => names.id(channel));
  const above = ids.map((id) => horizon.of(id));
  return `SELECT * FROM ${quoted}.foreign_above(${epoch}, ${numbers(ids, 'int4')}, ${numbers(above, 'int8')})`;
}

/** Asks which of these leases are in force; they stay so until the transaction ends. */
export function inForce({ quoted, epoch }: StoreState, fences: readonly Fence[]): string {
  const epochs = numbers(
    fences.map((fence) => fence.epoch),
    'int8',
  );
  return `SELECT o_name, o_epoch FROM ${quoted}.in_force(${epoch}, ${texts(fences.map(({ lease }) => lease))}, ${epochs})`;
}

/** In order with everything else that is written and read. */
type InOrder = <T>(run: (tx: Transaction) => Promise<T>, fence?: Fence) => Promise<T>;
type ReadInOrder = <T>(read: Read) => Promise<T>;

/** What hubs that have the same schema open know of each other. Leases and the rest are asked about on a connection of their own each. */
export class PostgresShared implements SharedStore {
  readonly hub: string;
  readonly leases: Leases;
  readonly #held: PostgresLeases;
  readonly #state: StoreState;
  readonly #inOrder: InOrder;
  readonly #readInOrder: ReadInOrder;
  readonly #readers: Readers;
  /** When channels were last read to their ends. */
  readonly #readAt = new Map<string, number>();

  constructor(
    settings: Settings,
    state: StoreState,
    held: PostgresLeases,
    { inOrder, readInOrder }: { readonly inOrder: InOrder; readonly readInOrder: ReadInOrder },
  ) {
    this.hub = settings.hub;
    this.leases = held;
    this.#held = held;
    this.#state = state;
    this.#inOrder = inOrder;
    this.#readInOrder = readInOrder;
    this.#readers = new Readers({ ...settings, readers: 1 });
  }

  async foreign(channels: readonly string[]): Promise<ReadonlySet<string>> {
    const { names } = this.#state;
    const isKnown = (channel: string) => names.known(channel) !== 0;
    return await this.#readers.read(async (session) => {
      // The first message of a channel may have come to another hub.
      if (!channels.every(isKnown)) await names.read(session);
      const known = channels.filter(isKnown);
      if (known.length === 0) return new Set();
      const rows = await session.ask(foreignStatement(this.#state, known));
      const found = new Set(rows.filter(([, foreign]) => foreign === true).map(([id]) => Number(id)));
      return new Set(known.filter((channel) => found.has(names.known(channel))));
    });
  }

  async unrouted(channel: string, asked: SharedPage): Promise<readonly SharedMessage[]> {
    const wait = (this.#readAt.get(channel) ?? 0) + pageEveryMs - performance.now();
    if (wait > 0) await pause(wait);
    const { limit, maxBytes } = asked;
    const page = unrouted(this.#state, { channel, limit, maxBytes }, asked);
    const messages = await this.#readInOrder<readonly SharedMessage[]>(page);
    if (messages.length < limit) this.#readAt.set(channel, performance.now());
    else this.#readAt.delete(channel);
    return messages;
  }

  countRecoveries(channel: string, upTo: number, limit: number, fence: Fence): Promise<readonly Recovered[]> {
    return this.#inOrder((tx) => recover(tx, channel, { notOf: 0, upTo, limit, by: fence.epoch }), fence);
  }

  outcomes(
    channel: string,
    seqs: readonly number[],
    question: OutcomeQuestion,
  ): Promise<ReadonlyMap<number, OutcomeElsewhere>> {
    const { quoted, names } = this.#state;
    return this.#readers.read(async (session) => {
      await names.read(session);
      const rows = await session.ask(
        `SELECT ${messageColumns} FROM ${quoted}.message m JOIN ${quoted}.settlement s ON s.seq = m.seq
         WHERE m.channel = $1 AND m.seq = ANY(${numbers(seqs, 'int8')}) AND s.seq = ANY(${numbers(seqs, 'int8')})`,
        [names.known(channel)],
      );
      const outcomes = new Map<number, OutcomeElsewhere>();
      for (const summary of await summaries(session, quoted, names, rows)) {
        const outcome = outcomeOf(summary, question, () => undefined);
        outcomes.set(summary.seq, await this.#withReply(session, summary.id, outcome, question));
      }
      return outcomes;
    });
  }

  /** Its reply is read once, when the message has ended. */
  async #withReply(session: PostgresSession, id: string, outcome: OutcomeElsewhere, { replyFrom }: OutcomeQuestion) {
    if (replyFrom === undefined || outcome.status === 'queued') return outcome;
    const { quoted, names } = this.#state;
    const kept = await content(session, quoted, names, id);
    const reply = kept?.contents.find(({ destination }) => destination === replyFrom)?.reply;
    return reply ? { ...outcome, reply } : outcome;
  }

  async announce(subjects: readonly string[]): Promise<void> {
    if (subjects.length === 0) return;
    const { quoted, epoch } = this.#state;
    await this.#readers.read((session) => session.ask(`SELECT ${quoted}.tell(${epoch}, ${texts(subjects)})`));
  }

  notices(after: number | undefined): Promise<Notices> {
    const { quoted, epoch } = this.#state;
    return this.#readers.read(async (session) => {
      const [end] = await session.ask(`SELECT n FROM ${quoted}.notice_end`);
      const upTo = Number(end?.[0] ?? 0);
      if (after === undefined || after >= upTo) return { upTo, subjects: [] };
      const rows = await session.ask(
        `SELECT n, opening, subject FROM ${quoted}.notice WHERE n > $1 AND n <= $2 ORDER BY n`,
        [after, upTo],
      );
      if (rows.length < upTo - after) return { upTo, subjects: undefined };
      const others = rows.filter(([, opening]) => Number(opening) !== epoch);
      return { upTo, subjects: others.map(([, , subject]) => String(subject)) };
    });
  }

  async close(): Promise<void> {
    await this.#held.close();
    await this.#readers.close();
  }
}
