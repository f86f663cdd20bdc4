import { systemTimeZone } from '../local-days.ts';
import type { StoreFiles } from './calls.ts';

export interface SqliteStoreOptions {
  /** Made where it is not there. One opening at a time has it; the kernel holds the lock, so none is left by a crash. */
  readonly directory: string;
  /** The clock that times of the store (queued, resolved, audit) come from, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Ranges of `NewMessage.large` at least this long are kept beside the row. 64 KB. */
  readonly attachmentBytes?: number;
  /** Appends are refused while messages that are not settled hold this many bytes. 16 GB. */
  readonly maxBacklogBytes?: number;
  /** Appends are refused while the disk has less free than this. 256 MB. */
  readonly lowWaterBytes?: number;
  /** A file of this size is given back to the disk when even a settlement does not fit; not less than walBytes. 64 MB. */
  readonly reserveBytes?: number;
  /** The write-ahead log starts again from its beginning when it is about this large. 64 MB. */
  readonly walBytes?: number;
  /** How long content that was deleted may stay in the write-ahead log. 30 s. */
  readonly scrubAfterMs?: number;
  /** Of the days of `dailyCounts`; the system's if not given. */
  readonly timeZone?: string;
  /** Bounds the database file. */
  readonly maxDatabaseBytes?: number;
}

/** What both threads are told of it, with every default. */
export function storeFiles(options: SqliteStoreOptions): StoreFiles {
  return {
    directory: options.directory,
    maxBacklogBytes: options.maxBacklogBytes ?? 16 * 1024 ** 3,
    lowWaterBytes: options.lowWaterBytes ?? 256 * 1024 ** 2,
    reserveBytes: options.reserveBytes ?? 64 * 1024 ** 2,
    walBytes: options.walBytes ?? 64 * 1024 ** 2,
    scrubAfterMs: options.scrubAfterMs ?? 30_000,
    timeZone: options.timeZone ?? systemTimeZone(),
    ...(options.maxDatabaseBytes === undefined ? {} : { maxDatabaseBytes: options.maxDatabaseBytes }),
  };
}
