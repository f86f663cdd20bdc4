/** The writer's thread: takes what waits on its port, commits it, answers it; meanwhile the next batch gathers. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { errorRecord } from '../../errors.ts';
import type { StoreFiles, WriterBatch } from './calls.ts';
import { sqliteError } from './session.ts';
import { Writer } from './writer.ts';

/** Bounds a commit: 16 MB take about as long as 100 commits of one message. */
const maxCommitBytes = 16 * 1024 * 1024;

const port = parentPort!;
const { files, now, checkpoints } = workerData as { files: StoreFiles; now: number; checkpoints: MessagePort };

try {
  serve(new Writer(files, now, checkpoints));
} catch (thrown) {
  checkpoints.close();
  port.postMessage({ failed: errorRecord(sqliteError(thrown, 'opening the message store')) });
}

function serve(writer: Writer): void {
  const timer = setInterval(() => writer.tick(), 1000);
  port.on('message', (first: WriterBatch | 'close') => {
    if (first === 'close') {
      clearInterval(timer);
      writer.close();
      checkpoints.close();
      port.close();
      return;
    }
    const batches = [first];
    let bytes = first.slab.byteLength;
    while (bytes < maxCommitBytes) {
      const next = receiveMessageOnPort(port) as { message: WriterBatch | 'close' } | undefined;
      if (next === undefined) break;
      if (next.message === 'close') throw new Error('a store is closed when its last call has been answered');
      batches.push(next.message);
      bytes += next.message.slab.byteLength;
    }
    const { reply, transfer } = writer.run(batches);
    port.postMessage(reply, transfer);
  });
  port.postMessage({ opened: writer.opened });
}
