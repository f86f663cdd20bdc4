import type { PostgresServer } from '../../../clients/postgres/server.ts';
import type { Log } from '../../../core/component.ts';
import { systemTimeZone } from '../../../core/store/local-days.ts';

export interface PostgresStoreOptions {
  readonly server: PostgresServer;
  /** Who accepts the messages: one opening at a time has this name in the store. */
  readonly hub: string;
  /** The clock that times of the store (queued, resolved, audit) come from, in milliseconds since the epoch. */
  readonly now: () => number;
  readonly log?: Log;
  /** Schema of the tables; made where it is not there. `weir`. */
  readonly schema?: string;
  /** Of the days of `dailyCounts`; the system's if not given. */
  readonly timeZone?: string;
  /** Ranges of `NewMessage.large` at least this long are kept beside the row. 64 KB. */
  readonly attachmentBytes?: number;
  /** Appends are refused while messages that are not settled hold this many bytes. 16 GB. */
  readonly maxBacklogBytes?: number;
  /** Appends are refused while the tables take this many bytes; no limit if not given. The database's disk is out of our sight. */
  readonly maxBytes?: number;
  /** So long a call waits for a database that is away before it is rejected. 5 s. */
  readonly patienceMs?: number;
  /** So long one answer of the database may take before the connection is given up. 30 s. */
  readonly answerTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** An opening of this hub that was not seen for so long is taken for dead. 6 s. */
  readonly leaseMs?: number;
  /** So long after it is past its age a partition is waited for, to be dropped as a whole. 24 h. */
  readonly dropDelayMs?: number;
  /** Connections that read for people. 3. */
  readonly readers?: number;
}

export type Settings = Required<Omit<PostgresStoreOptions, 'maxBytes' | 'log'>> &
  Pick<PostgresStoreOptions, 'maxBytes' | 'log'>;

/** The options with every default. */
export function settingsOf(options: PostgresStoreOptions): Settings {
  return {
    schema: 'weir',
    attachmentBytes: 64 * 1024,
    maxBacklogBytes: 16 * 1024 ** 3,
    patienceMs: 5_000,
    answerTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    leaseMs: 6_000,
    dropDelayMs: 24 * 3_600_000,
    readers: 3,
    ...options,
    timeZone: options.timeZone ?? systemTimeZone(),
  };
}
