/** The writer's thread: takes what waits on its port, commits it, answers it; meanwhile the next batch gathers. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { errorRecord } from '../../errors.ts';
import { answeredElsewhere, type WriterBatch, type WriterOpening, type WriterReply } from './calls.ts';
import { sqliteError } from './session.ts';
import { Writer } from './writer.ts';

/** Bounds a commit: 16 MB take about as long as 100 commits of one message. */
const maxCommitBytes = 16 * 1024 * 1024;

const port = parentPort!;
const { checkpoints } = workerData as { checkpoints: MessagePort };

port.once('message', ({ id, files, now }: WriterOpening) => {
  try {
    const writer = new Writer(files, now, checkpoints);
    serve(writer);
    post({ done: Float64Array.of(id, answeredElsewhere.value), values: [writer.opened], errors: [] });
  } catch (thrown) {
    const error = errorRecord(sqliteError(thrown, 'opening the message store'));
    post({ done: Float64Array.of(id, answeredElsewhere.error), values: [], errors: [error] });
  }
});

function post(reply: WriterReply, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(reply, transfer);
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
    post(reply, transfer);
  });
}
