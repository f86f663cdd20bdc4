import { MessageChannel } from 'node:worker_threads';
import { HubError } from '../../errors.ts';
import { CallThread } from '../../worker/call-thread.ts';
import { Thread } from '../../worker/thread.ts';
import { answeredElsewhere, type ReaderCalls, type StoreFiles, type WriterOpened, type WriterReply } from './calls.ts';

/** The two threads of an open store. They speak with each other over a port of their own, about checkpoints. */
export interface StoreThreads {
  readonly writer: Thread;
  readonly reader: CallThread<ReaderCalls>;
  readonly opened: WriterOpened;
}

/** Starts both threads at once, and opens the files in turn. Rejects with `store-locked` or `store-failed`; both have ended then. */
export async function startThreads(files: StoreFiles, now: number): Promise<StoreThreads> {
  const { port1, port2 } = new MessageChannel();
  const options = (role: string, port: typeof port1) => ({
    name: `message-store-${role}`,
    workerData: { checkpoints: port },
    transferList: [port],
  });
  const writer: Thread = new Thread(
    new URL('./writer-thread.ts', import.meta.url),
    options('writer', port1),
    lostError,
    (reply: WriterReply) => answer(writer, reply),
  );
  const reader = new CallThread<ReaderCalls>(
    new URL('./reader-thread.ts', import.meta.url),
    options('reader', port2),
    lostError,
  );
  try {
    const opened = await writer.add<WriterOpened>((id) => writer.post({ id, files, now }));
    await reader.call('open', files.directory);
    return { writer, reader, opened };
  } catch (thrown) {
    await Promise.all([writer.terminate(), reader.terminate()]);
    throw thrown;
  }
}

/** In the order of the calls: what a page of rows says is older than what a later write of the same commit did. */
function answer(writer: Thread, { done, values, errors }: WriterReply): void {
  let value = 0;
  let error = 0;
  for (let at = 0; at < done.length; at += 2) {
    const id = done[at]!;
    const said = done[at + 1]!;
    if (said === answeredElsewhere.value) writer.resolve(id, values[value++]);
    else if (said === answeredElsewhere.error) writer.reject(id, errors[error++]!);
    else writer.resolve(id, said);
  }
}

/** Transient for those who wait for an acknowledgement: another opening of the store will take what they send again. */
function lostError(what: string, cause?: unknown): HubError {
  return new HubError('store-failed', 'transient', `calling the message store: ${what}`, { cause });
}
