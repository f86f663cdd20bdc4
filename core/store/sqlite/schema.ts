import type { DatabaseSync } from 'node:sqlite';
import { HubError } from '../../errors.ts';

/**
 * Forward-only: a released migration is never changed, a change is the next one.
 *
 * `seq` is one sequence of the whole store, so what belongs to a message is found by its rowid, and new rows go to the right
 * end of every table. Payload (`raw`, `contents`, `part_content`, `attachment`) is written once and apart from status. Texts
 * that recur are ids of `name`. Statuses of `part`: 0 ready, 1 waiting, 2 blocked, 3 sent, 4 error, 5 error that was resolved.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE hub (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, seq_floor INTEGER NOT NULL);
  INSERT INTO hub VALUES (1, 0, 0);
  CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

  CREATE TABLE message (
    channel INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, received_at INTEGER NOT NULL, size INTEGER NOT NULL,
    meta_fields INTEGER, meta TEXT, key TEXT, replay_of BLOB, only_to TEXT, attached INTEGER,
    PRIMARY KEY (channel, seq)
  ) WITHOUT ROWID;
  CREATE INDEX message_id ON message (id);
  CREATE INDEX message_replay ON message (replay_of) WHERE replay_of IS NOT NULL;

  CREATE TABLE raw (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TABLE attachment (seq INTEGER NOT NULL, start INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE INDEX attachment_of ON attachment (seq, start);

  -- Messages whose first pass has not ended.
  CREATE TABLE unrouted (
    channel INTEGER NOT NULL, seq INTEGER NOT NULL, size INTEGER NOT NULL, recoveries INTEGER NOT NULL,
    PRIMARY KEY (channel, seq)
  ) WITHOUT ROWID;

  CREATE TABLE dedupe (
    channel INTEGER NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (channel, key, hash)
  ) WITHOUT ROWID;
  CREATE INDEX dedupe_of ON dedupe (seq);

  -- shape and meta_fields: an id of name, or the text itself.
  CREATE TABLE settlement (
    seq INTEGER PRIMARY KEY, version INTEGER, shape INTEGER, keep INTEGER NOT NULL, at INTEGER, type TEXT,
    times TEXT, meta_fields INTEGER, meta TEXT, error TEXT, resolved TEXT
  );
  CREATE INDEX settlement_open ON settlement (seq) WHERE error IS NOT NULL AND resolved IS NULL;

  CREATE TABLE contents (seq INTEGER PRIMARY KEY, packed BLOB NOT NULL);

  CREATE TABLE part (
    id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, destination INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL,
    status INTEGER NOT NULL, attempts INTEGER NOT NULL, size INTEGER, queued_at INTEGER, retry_at INTEGER, sent_at INTEGER,
    keys TEXT, error TEXT, resolved TEXT
  );
  CREATE UNIQUE INDEX part_of ON part (seq, destination, n);
  CREATE INDEX part_queue ON part (channel, destination, status, seq, n, size, queued_at) WHERE status < 3;
  CREATE INDEX part_due ON part (channel, destination, retry_at) WHERE status = 1;
  CREATE INDEX part_open ON part (channel, destination, seq) WHERE status = 4;
  CREATE TABLE part_content (part INTEGER PRIMARY KEY, bytes BLOB, reply BLOB);
  -- A row for every key of every queued part.
  CREATE TABLE part_key (
    channel INTEGER NOT NULL, destination INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL,
    part INTEGER NOT NULL,
    PRIMARY KEY (channel, destination, key, seq, n)
  ) WITHOUT ROWID;

  -- destination 0 is the channel itself.
  CREATE TABLE counter (
    channel INTEGER NOT NULL, destination INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0, reused_keys INTEGER NOT NULL DEFAULT 0,
    unrouted INTEGER NOT NULL DEFAULT 0, backlog INTEGER NOT NULL DEFAULT 0,
    filtered INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0, errored INTEGER NOT NULL DEFAULT 0,
    open_errors INTEGER NOT NULL DEFAULT 0, queued INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, destination)
  ) WITHOUT ROWID;

  CREATE TABLE audit (
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    reason TEXT NOT NULL, ticket TEXT, hash TEXT NOT NULL
  );
  CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- Content up to seq is pruned, but for the messages of prune_later, which were not settled or had open errors.
  CREATE TABLE prune_mark (channel INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
  CREATE TABLE prune_later (channel INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (channel, seq)) WITHOUT ROWID;
  `,
  `
  -- Destination 0 without a type is the channel, with a type its messages of that type. Rows of one day lie side by side: a
  -- commit writes one page of it.
  CREATE TABLE daily (
    day INTEGER NOT NULL, channel INTEGER NOT NULL, destination INTEGER NOT NULL, type TEXT NOT NULL,
    received INTEGER NOT NULL, filtered INTEGER NOT NULL, sent INTEGER NOT NULL, errored INTEGER NOT NULL,
    queued INTEGER NOT NULL, duplicates INTEGER NOT NULL,
    PRIMARY KEY (day, channel, destination, type)
  ) WITHOUT ROWID;
  -- The day that a message is counted for; null for what was received before days were counted.
  ALTER TABLE unrouted ADD COLUMN day INTEGER;
  ALTER TABLE part ADD COLUMN day INTEGER;
  `,
];

/**
 * Brings the schema to a version, the last one if not given, each migration in a transaction of its own. Throws `store-failed`
 * where the file is of a later one.
 */
export function migrate(db: DatabaseSync, now: number, to: number = migrations.length): void {
  db.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, at INTEGER NOT NULL)');
  const row = db.prepare('SELECT max(version) AS version FROM schema_version').get() as { version: number | null };
  const version = row.version ?? 0;
  if (version > migrations.length) {
    const found = `its schema is version ${version}, this Weir knows ${migrations.length}`;
    throw new HubError('store-failed', 'permanent', `opening the message store: ${found}`);
  }
  for (let next = version + 1; next <= to; next++) {
    db.exec('BEGIN IMMEDIATE');
    db.exec(migrations[next - 1]!);
    db.prepare('INSERT INTO schema_version VALUES (?, ?)').run(next, now);
    db.exec('COMMIT');
  }
}
