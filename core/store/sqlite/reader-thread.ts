/** The reader's thread: answers reads of people, and copies the write-ahead log into the database beside the writer. */
import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { errorRecord } from '../../errors.ts';
import { checkpoint, openForReading } from './database.ts';
import { Reader, type ReaderCall } from './reader.ts';
import { sqliteError } from './session.ts';

/** The writer copies as much as this itself, in under a millisecond. */
const remainderFrames = 64;

const port = parentPort!;
const { directory, checkpoints } = workerData as { directory: string; checkpoints: MessagePort };

// Starts beside the writer's thread, and opens when that has made the tables.
port.once('message', () => {
  try {
    serve(openForReading(directory));
    port.postMessage({ opened: true });
  } catch (thrown) {
    port.postMessage({ failed: errorRecord(sqliteError(thrown, 'opening the message store')) });
  }
});

function serve(db: DatabaseSync): void {
  const reader = new Reader(db);
  port.on('message', (message: { readonly id: number; readonly call: ReaderCall } | 'close') => {
    if (message === 'close') {
      db.close();
      checkpoints.close();
      port.close();
      return;
    }
    const { id, call } = message;
    try {
      port.postMessage({ id, value: reader.run(call) });
    } catch (thrown) {
      port.postMessage({ id, error: errorRecord(sqliteError(thrown, 'reading from the message store')) });
    }
  });
  checkpoints.on('message', () => {
    copyLog(db);
    checkpoints.postMessage(null);
  });
}

/** While it copies, the writer appends: each round leaves less than the one before. */
function copyLog(db: DatabaseSync): void {
  try {
    let copied = 0;
    for (let round = 0; round < 4; round++) {
      const { log } = checkpoint(db, 'PASSIVE');
      if (log - copied <= remainderFrames) return;
      copied = log;
    }
  } catch {
    // The disk is full or failing; the writer's own commits report it, and it asks again.
  }
}
