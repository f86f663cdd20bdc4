import { z } from 'zod';
import type { Clock, Log } from '../core/component.ts';
import { describeThrown } from '../core/errors.ts';
import type { MessageStore } from '../core/store/message-store.ts';
import type { TableSet } from '../core/tables/table-set.ts';
import type { UnknownCodes } from '../core/tables/unknown-codes.ts';
import { ownName } from './own-name.ts';

const stateName = 'tables/unknown';
const keepEveryMs = 15_000;
/** Some 150 bytes each, in one entry of the store's state. */
const mostKept = 2_000;

const kept = z.object({
  hashes: z.record(z.string(), z.string()),
  codes: z.array(
    z.object({
      ...{ table: z.string(), code: z.string(), channel: z.string() },
      ...{ count: z.number(), firstSeen: z.number(), lastSeen: z.number() },
    }),
  ),
});

export interface KeptUnknownCodesOptions {
  readonly store: Pick<MessageStore, 'state' | 'setState' | 'shared'>;
  readonly codes: { readonly unknown: UnknownCodes; readonly tables: TableSet };
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps the worklist of unknown codes over a restart: the 2,000 most frequent, written at most every 15 seconds. */
export class KeptUnknownCodes implements AsyncDisposable {
  readonly #options: KeptUnknownCodesOptions;
  #revision = 0;
  #cancel: (() => void) | undefined;
  #started = false;
  #stopped = false;

  constructor(options: KeptUnknownCodesOptions) {
    this.#options = options;
  }

  /** Adds what an earlier run knew, but of tables that are others by now: their lists begin anew. Once the tables are in force. */
  async start(): Promise<void> {
    const { store, codes } = this.#options;
    const read = kept.safeParse(parsed(await store.state(ownName(store, stateName))));
    const { hashes = {}, codes: before = [] } = read.data ?? {};
    codes.unknown.restore(before.filter(({ table }) => hashes[table] === (codes.tables.get(table)?.hash ?? '')));
    this.#started = true;
    this.#next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    // What an earlier run kept is not known yet where the start has failed.
    if (this.#started) await this.#keep();
  }

  #next(): void {
    if (!this.#stopped)
      this.#cancel = this.#options.clock.timer(keepEveryMs, () => void this.#keep().then(() => this.#next()));
  }

  async #keep(): Promise<void> {
    const { store, codes, log } = this.#options;
    const { revision } = codes.unknown;
    if (revision === this.#revision) return;
    const list = codes.unknown.list().slice(0, mostKept);
    const names = new Set(list.map(({ table }) => table));
    const hashes = Object.fromEntries([...names].map((table) => [table, codes.tables.get(table)?.hash ?? '']));
    try {
      await store.setState(ownName(store, stateName), JSON.stringify({ hashes, codes: list }));
      this.#revision = revision;
    } catch (thrown) {
      log.warn({ error: describeThrown(thrown) }, 'keeping the unknown codes failed; it is tried again');
    }
  }
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
