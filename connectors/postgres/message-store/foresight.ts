import { numbers, texts } from '../../../clients/postgres/quote.ts';
import { PassingMap } from '../../../core/passing-map.ts';
import type { Fence } from '../../../core/store/leases.ts';
import type { Arrived, Counted } from './counted.ts';
import type { Horizon } from './horizon.ts';

/** So many commits ask first after one that was wrong about something that others change. */
const askingCommits = 100;
/** So many commits leave it to the database which seqs they get, after others were seen to take some. */
const sharingCommits = 1_000;
const mostRouted = 50_000;

/** A message that is not routed. */
export interface Unrouted {
  /** Its number. */
  readonly channel: number;
  readonly size: number;
  readonly day: number;
  /** Where it is known how many of its messages are not settled. */
  readonly arrived?: Arrived | undefined;
}

/** What a commit takes for granted. */
export interface Foreseen {
  readonly seqs: number;
  /** Where they begin, unless others have taken seqs meanwhile. */
  readonly first: number;
  /** They have to begin there: rows are written with them. */
  readonly exactly: boolean;
  readonly fences: readonly Fence[];
  readonly routed: ReadonlyMap<number, Unrouted>;
  /** Of which the last messages are settled. */
  readonly gone: readonly Arrived[];
  /** Channels of appends whose leases this opening has. */
  readonly own: readonly number[];
  /** How many transactions of the hub there have to be, where one that is on its way has to come about first. */
  readonly after: number | undefined;
}

/**
 * What a hub knows without asking, so that a commit of appends and settlements is one round trip and not two: its leases, and the
 * messages that it has stored itself or read. The database looks whether it is so before anything takes effect.
 */
export class Foresight {
  readonly #unrouted = new PassingMap<number, Unrouted>();
  #last: number | undefined;
  #asking = 0;
  #sharing = 0;

  /** Whether to try: once a commit was wrong, the next ones ask. */
  dares(): boolean {
    if (this.#asking === 0) return true;
    this.#asking--;
    return false;
  }

  /** Whether `dares` would say so. */
  get isSure(): boolean {
    return this.#asking === 0;
  }

  /** The next seq; undefined where nothing was given yet. */
  get next(): number | undefined {
    return this.#last === undefined ? undefined : this.#last + 1;
  }

  /** A message that this hub has stored and not settled. */
  unrouted(seq: number): Unrouted | undefined {
    return this.#unrouted.get(seq);
  }

  /** A message that was read from the store: another hub has stored it, or an earlier opening, or its lease was elsewhere. */
  read(seq: number, message: Unrouted): void {
    if (this.#unrouted.size < mostRouted || this.#unrouted.has(seq)) this.#unrouted.set(seq, message);
  }

  /** How many messages are not settled of what arrived with this one is for the database to say. */
  mingles(seq: number): void {
    const message = this.#unrouted.get(seq);
    if (message?.arrived) this.#unrouted.set(seq, { ...message, arrived: undefined });
  }

  /** The last seq that was given to anybody, as far as this hub was told. */
  gave(last: number): void {
    this.#last = last;
  }

  /**
   * Whether a commit that takes seqs may say which: rows that are written with theirs cost the database a fifth less of the commit.
   * Where other hubs store as well, seqs of theirs come between.
   */
  takesSeqs(): boolean {
    if (this.#sharing === 0) return true;
    this.#sharing--;
    return false;
  }

  /** Others have taken seqs. */
  shares(): void {
    this.#sharing = sharingCommits;
  }

  /** It was not so. */
  wasWrong(): void {
    this.#asking = askingCommits;
  }

  /** A commit has come about with messages that are to be routed, and some that are. */
  committed(stored: ReadonlyMap<number, Unrouted>, settled: Iterable<number>): void {
    for (const seq of settled) {
      const arrived = this.#unrouted.get(seq)?.arrived;
      if (arrived) arrived.left--;
      this.#unrouted.delete(seq);
    }
    // Those that another hub routed stay here.
    if (this.#unrouted.size + stored.size > mostRouted) this.#unrouted.clear();
    for (const [seq, message] of stored) this.#unrouted.set(seq, message);
  }
}

interface Of {
  readonly quoted: string;
  readonly hub: number;
  readonly epoch: number;
  readonly connection: number;
  readonly horizon: Horizon;
}

/** Answers with a row of `pid`, `last`, `xid`, `oldest`, `given`, `foreigners`, `firsts`. */
export function beginForeseen(
  { quoted, hub, epoch, connection, horizon }: Of,
  { seqs, first, exactly, fences, gone, own, after }: Foreseen,
  { arrivals, counts, daily }: Counted,
): string {
  const given = [
    ...[hub, epoch, connection, after ?? 'NULL', seqs, first, exactly, texts(fences.map(({ lease }) => lease))],
    ...[numbersOf(fences, 'int8', (fence) => fence.epoch)],
    numbers(
      gone.flatMap(({ channel, last }) => [channel, last]),
      'int8',
    ),
    numbers(own, 'int4'),
    numbersOf(own, 'int8', (channel) => horizon.of(channel)),
    ...[arrivals, ...counts, ...daily],
  ];
  return `SELECT pid, last, xid, oldest, given, foreigners, firsts FROM ${quoted}.begin_commit(${given.join(',')})`;
}

function numbersOf<T>(values: readonly T[], type: 'int8' | 'int4', of: (value: T) => number): string {
  return numbers(values.map(of), type);
}
