import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HubError } from '../../errors.ts';
import { serve } from '../../worker/serve.ts';
import type { CommitBatch, TopicRow, WriterCalls } from './calls.ts';
import { callError } from './errors.ts';
import { maxStreams, openDatabase, rowId, schema, schemaVersion } from './schema.ts';

type Writer = Omit<WriterCalls, 'open'> & { close(): void };

function openWriter(directory: string): Writer & { readonly topics: readonly TopicRow[] } {
  mkdirSync(directory, { recursive: true });
  const lock = takeLock(directory);
  const database = openDatabase(directory, 'write');
  const version = database.prepare('PRAGMA user_version').get()?.user_version;
  if (version === 0) inTransaction(() => database.exec(schema));
  else if (version !== schemaVersion)
    throw new HubError(
      'event-log-failed',
      'permanent',
      `opening the event log: its version is ${version}, not ${schemaVersion}`,
    );

  const nextByStream = new Map<number, number>();
  for (const { stream, next } of database.prepare('SELECT stream, next FROM streams').all())
    nextByStream.set(Number(stream), Number(next));

  const insertEvent = database.prepare(
    'INSERT INTO events (row, at, key, id, headers, value) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const setNext = database.prepare('UPDATE streams SET next = ? WHERE stream = ?');
  const setPosition = database.prepare(
    'INSERT OR REPLACE INTO group_positions (consumer_group, stream, next) VALUES (?, ?, ?)',
  );
  const keepPosition = database.prepare(
    `INSERT OR IGNORE INTO group_positions (consumer_group, stream, next)
     SELECT ?, stream, iif(? = 'latest', next, first) FROM streams WHERE stream = ?`,
  );
  const getPosition = database.prepare('SELECT next FROM group_positions WHERE consumer_group = ? AND stream = ?');
  const getTopic = database.prepare('SELECT name, partitions, retention_ms, first_stream FROM topics WHERE name = ?');
  const getFirst = database.prepare('SELECT first FROM streams WHERE stream = ?');
  const setFirst = database.prepare('UPDATE streams SET first = ? WHERE stream = ?');
  const agesFrom = database.prepare('SELECT at FROM events WHERE row >= ? AND row < ? ORDER BY row');
  const deleteEvents = database.prepare('DELETE FROM events WHERE row >= ? AND row < ?');

  function inTransaction<T>(work: () => T): T {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw thrown;
    }
  }

  function topicRow(row: Record<string, unknown>): TopicRow {
    const { partitions, firstStream } = { partitions: Number(row.partitions), firstStream: Number(row.first_stream) };
    const ends = Array.from({ length: partitions }, (_, partition) => nextByStream.get(firstStream + partition)!);
    return { name: String(row.name), partitions, retentionMs: Number(row.retention_ms), firstStream, ends };
  }

  function insertAll(batch: CommitBatch): Map<number, number> {
    const { streams, keys, ids, headers, valueEnds, bytes, at, positions } = batch;
    const grown = new Map<number, number>();
    for (let index = 0; index < streams.length; index++) {
      const stream = streams[index]!;
      const offset = grown.get(stream) ?? nextByStream.get(stream)!;
      const begin = index === 0 ? 0 : valueEnds[index - 1]!;
      const value = new Uint8Array(bytes, begin, valueEnds[index]! - begin);
      insertEvent.run(rowId(stream, offset), at, keys[index]!, ids[index]!, headers[index]!, value);
      grown.set(stream, offset + 1);
    }
    for (const [stream, next] of grown) setNext.run(next, stream);
    for (const { group, stream, next } of positions) setPosition.run(group, stream, next);
    return grown;
  }

  return {
    topics: database.prepare('SELECT name, partitions, retention_ms, first_stream FROM topics').all().map(topicRow),

    declare({ name, partitions, retentionMs }) {
      const existing = getTopic.get(name);
      if (existing) {
        const has = Number(existing.partitions);
        if (has !== partitions)
          throw new HubError(
            'config-invalid',
            'permanent',
            `declaring topic ${name}: it has ${has} partitions, not ${partitions}`,
          );
        database.prepare('UPDATE topics SET retention_ms = ? WHERE name = ?').run(retentionMs, name);
        return topicRow({ ...existing, retention_ms: retentionMs });
      }
      const firstStream = nextByStream.size;
      if (firstStream + partitions > maxStreams)
        throw new HubError(
          'config-invalid',
          'permanent',
          `declaring topic ${name}: all topics have over ${maxStreams} partitions`,
        );
      inTransaction(() => {
        database
          .prepare('INSERT INTO topics (name, partitions, retention_ms, first_stream) VALUES (?, ?, ?, ?)')
          .run(name, partitions, retentionMs, firstStream);
        const insertStream = database.prepare('INSERT INTO streams (stream, first, next) VALUES (?, 0, 0)');
        for (let partition = 0; partition < partitions; partition++) insertStream.run(firstStream + partition);
      });
      for (let partition = 0; partition < partitions; partition++) nextByStream.set(firstStream + partition, 0);
      return topicRow(getTopic.get(name)!);
    },

    commit(batch) {
      const grown = inTransaction(() => insertAll(batch));
      for (const [stream, next] of grown) nextByStream.set(stream, next);
      return Array.from(grown, ([stream, next]) => ({ stream, next }));
    },

    start({ group, topic, from }) {
      const { firstStream, partitions } = topicRow(getTopic.get(topic)!);
      const streams = Array.from({ length: partitions }, (_, partition) => firstStream + partition);
      return inTransaction(() =>
        streams.map((stream) => {
          keepPosition.run(group, from, stream);
          return Number(getPosition.get(group, stream)!.next);
        }),
      );
    },

    expire({ stream, before, limit }) {
      const first = Number(getFirst.get(stream)!.first);
      const end = nextByStream.get(stream)!;
      let last = first;
      for (const { at } of agesFrom.iterate(rowId(stream, first), rowId(stream, end))) {
        if (Number(at) >= before || last - first === limit) break;
        last++;
      }
      if (last > first)
        inTransaction(() => {
          deleteEvents.run(rowId(stream, first), rowId(stream, last));
          setFirst.run(last, stream);
        });
      return last - first;
    },

    close() {
      database.close();
      lock.close();
    },
  };
}

/**
 * An exclusive transaction on a file of its own, held for as long as the log is open. The operating system ends it with the
 * process, however that dies; the log's own file cannot be held so, because the reader has it open too.
 */
function takeLock(directory: string): DatabaseSync {
  const lock = new DatabaseSync(join(directory, 'events.lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (thrown) {
    lock.close();
    if ((thrown as { errcode?: unknown }).errcode !== 5 /* SQLITE_BUSY */) throw thrown;
    throw new HubError('store-locked', 'permanent', `opening the event log in ${directory}: another hub has it open`);
  }
}

let writer: Writer | undefined;
serve<WriterCalls>(
  {
    open(directory) {
      const opened = openWriter(directory);
      writer = opened;
      return opened.topics;
    },
    declare: (topic) => writer!.declare(topic),
    commit: (batch) => writer!.commit(batch),
    start: (group) => writer!.start(group),
    expire: (step) => writer!.expire(step),
  },
  callError,
  () => writer?.close(),
);
