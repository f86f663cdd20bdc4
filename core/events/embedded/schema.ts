import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * An event's row id is its stream and offset in one number, so that a partition is one range of one B-tree: appending, reading
 * and expiring need no index. 2^40 offsets last 34 years at 1,000 events a second in one partition; 2^13 streams is what the
 * 53 bits of a safe integer leave.
 */
const offsetsPerStream = 2 ** 40;
export const maxStreams = 2 ** 13;

export function rowId(stream: number, offset: number): number {
  return stream * offsetsPerStream + offset;
}

export function offsetOf(row: number): number {
  return row % offsetsPerStream;
}

/** Bumped with every change of the tables. */
export const schemaVersion = 1;

export const schema = `
  CREATE TABLE topics (
    name TEXT PRIMARY KEY,
    partitions INTEGER NOT NULL,
    retention_ms INTEGER NOT NULL,
    first_stream INTEGER NOT NULL
  ) STRICT;

  -- Offsets first .. next - 1 are there; 'next' outlives its events, so that an offset is never given twice.
  CREATE TABLE streams (
    stream INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    next INTEGER NOT NULL
  ) STRICT;

  -- 'at' comes first and 'value' last: expiring reads 'at' only, and never the overflow pages of a large value.
  CREATE TABLE events (
    row INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    headers TEXT NOT NULL,
    value BLOB
  ) STRICT;

  CREATE TABLE group_positions (
    consumer_group TEXT NOT NULL,
    stream INTEGER NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, stream)
  ) STRICT, WITHOUT ROWID;

  PRAGMA user_version = ${schemaVersion};
`;

/** Opens the log's database in `directory`. Every commit is in the write-ahead log on disk before it returns. */
export function openDatabase(directory: string, mode: 'write' | 'read'): DatabaseSync {
  const database = new DatabaseSync(join(directory, 'events.sqlite'), { readOnly: mode === 'read', timeout: 5000 });
  if (mode === 'read') return database;
  database.exec(`
    PRAGMA page_size = 8192;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 2000;
    PRAGMA journal_size_limit = 67108864;
  `);
  return database;
}
