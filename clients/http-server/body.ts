import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Buffered } from './buffered.ts';
import { Gone, Refusal, tooLong } from './refusal.ts';

export interface BodyOptions {
  readonly packed: boolean;
  readonly maxBytes: number;
  /** What this body holds of the memory that all have together. */
  readonly buffered: Buffered;
  /** Its reason is thrown when it aborts. */
  readonly signal: AbortSignal;
}

/**
 * The whole body, unpacked. Throws Refusal where it is too long (413), cannot be unpacked (400), or memory is short (503);
 * Gone where the connection ends before it does. The rest of the body is then still in the request, unread.
 */
export async function readBody(request: IncomingMessage, options: BodyOptions): Promise<Buffer> {
  if (!options.packed) return collect(request, request, options);
  const unpacking = createGunzip();
  let packedBytes = 0;
  const count = (chunk: Buffer) => {
    packedBytes += chunk.length;
    if (packedBytes > options.maxBytes) unpacking.destroy(tooLong());
  };
  request.on('data', count);
  request.pipe(unpacking);
  try {
    return await collect(unpacking, request, options);
  } finally {
    request.unpipe(unpacking);
    request.off('data', count);
    unpacking.on('error', () => undefined).destroy();
  }
}

function collect(
  stream: Readable,
  request: IncomingMessage,
  { maxBytes, buffered, signal }: BodyOptions,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let length = 0;
  const data = (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBytes) return reject(tooLong());
    if (!buffered.take(chunk.length)) return reject(new Refusal(503, 'too many requests are being read'));
    chunks.push(chunk);
  };
  const end = () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length));
  const failed = (error: Error) =>
    reject(error instanceof Refusal ? error : new Refusal(400, 'the body cannot be unpacked'));
  const gone = () => {
    if (!request.complete) reject(new Gone());
  };
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  if (request.destroyed && !request.complete) gone();
  signal.addEventListener('abort', abort, { once: true });
  stream.on('data', data);
  stream.on('end', end);
  if (stream !== request) stream.on('error', failed);
  request.on('close', gone);
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    stream.off('data', data).off('end', end).off('error', failed);
    request.off('close', gone);
    stream.pause();
  });
}
