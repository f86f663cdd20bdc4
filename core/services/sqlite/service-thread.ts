import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HubError } from '../../errors.ts';
import { serve } from '../../worker/serve.ts';
import type { ServiceCommit } from '../service-store.ts';
import type { ServiceCalls } from './calls.ts';
import { callError } from './errors.ts';
import { schema, schemaVersion } from './schema.ts';

type Served = Omit<ServiceCalls, 'open'> & { close(): void };

/** Forgotten with each commit beyond twice what it remembers, so that the inbox shrinks while little comes. */
const forgottenRows = 100;

function openDatabase(directory: string): Served {
  mkdirSync(directory, { recursive: true });
  const db = new DatabaseSync(join(directory, 'services.sqlite'), { timeout: 5_000 });
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;');
  const version = db.prepare('PRAGMA user_version').get()?.user_version;
  if (version === 0) inTransaction(() => db.exec(schema));
  else if (version !== schemaVersion) {
    const what = `its version is ${version}, not ${schemaVersion}`;
    throw new HubError('store-failed', 'permanent', `opening the store of services: ${what}`);
  }

  const begin = db.prepare(
    `INSERT INTO service (name, instance, epoch, last_seq) VALUES (?, ?, 1, 0)
     ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING instance, epoch, last_seq`,
  );
  const epochOf = db.prepare('SELECT epoch FROM service WHERE name = ?');
  const setSeq = db.prepare('UPDATE service SET last_seq = ? WHERE name = ?');
  const documents = db.prepare('SELECT collection, key, text FROM document WHERE service = ?');
  const cursors = db.prepare('SELECT topic, partition, next, at FROM cursor WHERE service = ?');
  const outbox = db.prepare('SELECT seq, topic, key, headers, value FROM outbox WHERE service = ? ORDER BY seq');
  const putDocument = db.prepare(
    `INSERT INTO document (service, collection, key, text) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET text = excluded.text`,
  );
  const removeDocument = db.prepare('DELETE FROM document WHERE service = ? AND collection = ? AND key = ?');
  const putCursor = db.prepare(
    'INSERT OR REPLACE INTO cursor (service, topic, partition, next, at) VALUES (?, ?, ?, ?, ?)',
  );
  const remember = db.prepare('INSERT OR IGNORE INTO inbox (service, generation, id) VALUES (?, ?, ?)');
  const isKnown = db.prepare('SELECT 1 FROM inbox WHERE service = ? AND generation IN (?, ?) AND id = ?');
  const forget = db.prepare(
    `DELETE FROM inbox WHERE (service, generation, id) IN
       (SELECT service, generation, id FROM inbox WHERE service = ? AND generation < ? LIMIT ?)`,
  );
  const putOutbox = db.prepare(
    'INSERT INTO outbox (service, seq, topic, key, headers, value) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const published = db.prepare('DELETE FROM outbox WHERE service = ? AND seq <= ?');

  function inTransaction<T>(work: () => T): T {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (thrown) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw thrown;
    }
  }

  function put(service: string, commit: ServiceCommit): void {
    for (const { collection, key, text } of commit.documents)
      if (text === undefined) removeDocument.run(service, collection, key);
      else putDocument.run(service, collection, key, text);
    for (const { topic, partition, next, at } of commit.cursors) putCursor.run(service, topic, partition, next, at);
    for (const id of commit.ids) remember.run(service, commit.generation, id);
    forget.run(service, commit.generation - 1, commit.ids.length * 2 + forgottenRows);
    for (const { seq, topic, key, headers, value } of commit.outbox)
      putOutbox.run(service, seq, topic, key, JSON.stringify(headers), value);
    const last = commit.outbox.at(-1);
    if (last) setSeq.run(last.seq, service);
    published.run(service, commit.publishedUpTo);
  }

  return {
    image: (service) =>
      inTransaction(() => {
        const { instance, epoch, last_seq } = begin.get(service, randomUUID())!;
        return {
          ...{ instance: String(instance), epoch: Number(epoch), lastSeq: Number(last_seq) },
          documents: documents.all(service) as { collection: string; key: string; text: string }[],
          cursors: cursors.all(service) as { topic: string; partition: number; next: number; at: number }[],
          outbox: outbox.all(service).map(({ seq, topic, key, headers, value }) => ({
            ...{ seq: Number(seq), topic: String(topic), key: String(key), headers: JSON.parse(String(headers)) },
            value: value as Uint8Array,
          })),
        };
      }),
    known: ({ service, ids, generation }) =>
      ids.filter((id) => isKnown.get(service, generation, generation - 1, id) !== undefined),
    commit({ service, epoch, ...commit }) {
      inTransaction(() => {
        if (Number(epochOf.get(service)?.epoch) !== epoch)
          throw new HubError('lease-lost', 'transient', `committing ${service}: it was opened anew`);
        put(service, commit);
      });
    },
    close: () => db.close(),
  };
}

let served: Served | undefined;
serve<ServiceCalls>(
  {
    open(directory) {
      served = openDatabase(directory);
    },
    image: (service) => served!.image(service),
    known: (question) => served!.known(question),
    commit: (commit) => served!.commit(commit),
  },
  callError,
  () => served?.close(),
);
