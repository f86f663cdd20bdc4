/** The reader's thread: answers reads of people, and copies the write-ahead log into the database beside the writer. */
import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, workerData } from 'node:worker_threads';
import { serve } from '../../worker/serve.ts';
import type { ReaderCalls } from './calls.ts';
import { checkpoint, openForReading } from './database.ts';
import { Reader } from './reader.ts';
import { sqliteError } from './session.ts';

/** The writer copies as much as this itself, in under a millisecond. */
const remainderFrames = 64;

const { checkpoints } = workerData as { checkpoints: MessagePort };
let db: DatabaseSync | undefined;
let reader: Reader | undefined;

serve<ReaderCalls>(
  {
    open(directory) {
      const opened = openForReading(directory);
      db = opened;
      reader = new Reader(opened);
      checkpoints.on('message', () => {
        copyLog(opened);
        checkpoints.postMessage(null);
      });
    },
    find: (query) => reader!.find(query),
    content: (id) => reader!.content(id),
    counts: () => reader!.counts(),
    dailyCounts: (query) => reader!.dailyCounts(query),
    openErrors: (query) => reader!.openErrors(query),
    lanes: (query) => reader!.lanes(query),
    auditTrail: (query) => reader!.auditTrail(query),
  },
  (thrown, call) =>
    sqliteError(thrown, call === 'open' ? 'opening the message store' : 'reading from the message store'),
  () => {
    db?.close();
    checkpoints.close();
  },
);

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
