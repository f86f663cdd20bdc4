import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { readHeader } from '../../../protocols/hl7v2/header.ts';
import { type ReceivedAck, readAck } from '../../../protocols/hl7v2/read-ack.ts';
import { FrameFault, MllpDecoder } from '../../../protocols/mllp/decoder.ts';

/** A sender under a test's control: it writes what it is told to, framed or not, and keeps every answer. */
export interface Peer {
  readonly socket: Socket;
  /** Acknowledgements in the order in which they came. */
  readonly acks: readonly ReceivedAck[];
  /** The frames behind them. */
  readonly replies: readonly Buffer[];
  /** How many writes the answers came in. */
  readonly chunks: number;
  write(bytes: string | Uint8Array): void;
  /** Resolves when so many answers are there; rejects when the connection closes before that. */
  answers(count: number): Promise<readonly ReceivedAck[]>;
  /** Resolves when the connection is closed, with what closed it. */
  readonly closed: Promise<'end' | 'error'>;
}

export async function connectPeer(port: number): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return peerOn(socket);
}

export function peerOn(socket: Socket): Peer {
  const decoder = new MllpDecoder(64 * 1024 ** 2);
  const acks: ReceivedAck[] = [];
  const replies: Buffer[] = [];
  let chunks = 0;
  let wake = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    chunks++;
    for (const framed of decoder.decode(chunk)) {
      if (framed instanceof FrameFault) throw new Error(`the answer broke the framing: ${framed.code}`);
      replies.push(framed);
      if (readHeader(framed)) acks.push(readAck(framed));
    }
    wake.resolve();
    wake = Promise.withResolvers<void>();
  });
  let failed = false;
  socket.on('error', () => {
    failed = true;
  });
  const { promise: closed, resolve } = Promise.withResolvers<'end' | 'error'>();
  socket.on('end', () => socket.end());
  socket.on('close', () => resolve(failed ? 'error' : 'end'));
  return {
    socket,
    acks,
    replies,
    get chunks() {
      return chunks;
    },
    closed,
    write: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    answers: async (count) => {
      while (acks.length < count) {
        const more = await Promise.race([wake.promise.then(() => true), closed.then(() => false)]);
        if (!more && acks.length < count) throw new Error(`closed after ${acks.length} of ${count} answers`);
      }
      return acks;
    },
  };
}

/** A message with this number for MSH-10, and with what else its header is to have. */
export function numbered(
  number: number | string,
  header: { readonly version?: string; readonly ack?: string } = {},
): string {
  const { version = '2.5.1', ack = '' } = header;
  return (
    `MSH|^~\\&|EHR|NORTH|WEIR|LAB|20260101120000||ADT^A01^ADT_A01|${number}|P|${version}|||${ack}\r` +
    `PID|1||P${number}^^^NORTH^MR||Doe^Jane\r`
  );
}

export const framed = (content: string): string => `\x0b${content}\x1c\r`;
