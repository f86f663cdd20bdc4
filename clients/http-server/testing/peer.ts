import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface PeerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A sender under a test's control: it writes what it is told to, HTTP or not, and keeps every answer. */
export interface Peer {
  readonly socket: Socket;
  /** Final answers in the order in which they came. */
  readonly answers: readonly PeerAnswer[];
  /** Interim answers, 100 Continue. */
  readonly interim: readonly number[];
  write(bytes: string | Uint8Array): void;
  /** Resolves when so many answers are there; rejects when the connection closes before that. */
  answered(count: number): Promise<readonly PeerAnswer[]>;
  readonly closed: Promise<void>;
}

export async function connectPeer(port: number): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  return peerOn(socket);
}

export function peerOn(socket: Socket): Peer {
  const answers: PeerAnswer[] = [];
  const interim: number[] = [];
  let rest = '';
  let wake = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1');
    for (let answer = first(rest); answer; answer = first(rest)) {
      rest = rest.slice(answer.length);
      if (answer.status < 200) interim.push(answer.status);
      else answers.push(answer);
    }
    wake.resolve();
    wake = Promise.withResolvers<void>();
  });
  socket.on('error', () => undefined);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.on('close', () => resolve());
  return {
    socket,
    answers,
    interim,
    closed,
    write: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    answered: async (count) => {
      while (answers.length < count) {
        const more = await Promise.race([wake.promise.then(() => true), closed.then(() => false)]);
        if (!more && answers.length < count) throw new Error(`closed after ${answers.length} of ${count} answers`);
      }
      return answers;
    },
  };
}

function first(text: string): (PeerAnswer & { readonly length: number }) | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...fields] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  const length = end + 4 + Number(headers['content-length'] ?? 0);
  if (text.length < length) return undefined;
  return { status: Number(line.split(' ')[1]), headers, body: text.slice(end + 4, length), length };
}

export function post(body: string, headers: Readonly<Record<string, string>> = {}, target = '/'): string {
  const lines = Object.entries({ Host: 'weir', 'Content-Length': String(body.length), ...headers });
  return `POST ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}
