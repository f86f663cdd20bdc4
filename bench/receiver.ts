/** An MLLP receiver that records what arrives, in order, and can be away or refuse one key: the far end in `bench:backlog` and `chaos:kill`. */
import { createServer, type Server, type Socket } from 'node:net';
import { MllpDecoder } from '../protocols/mllp/decoder.ts';
import type { Arrivals } from './arrivals.ts';
import { readControlId } from './frame.ts';
import { answerParent, settings } from './parent.ts';

const { port } = settings<{ readonly port: number }>();
const arrivals: Arrivals = { keys: [], numbers: [], at: [], lives: [] };
const sockets = new Set<Socket>();
let refused = -1;
let refusals = 0;
let life = 0;
let server: Server | undefined;

function accept(socket: Socket): void {
  const connectionLife = life;
  const decoder = new MllpDecoder(1024 ** 2);
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
  socket.on('data', (chunk: Buffer) => {
    for (const framed of decoder.decode(chunk)) {
      if (!Buffer.isBuffer(framed)) throw new Error('not a message');
      socket.write(answer(framed, connectionLife), 'latin1');
    }
  });
}

function answer(content: Buffer, connectionLife: number): string {
  const id = content.toString('latin1', 0, 256).split('|', 10)[9]!;
  const { key, n } = readControlId(id);
  if (key === refused) {
    refusals++;
    return `\x0bMSH|^~\\&|||||||ACK|R${id}|P|2.5.1\rMSA|AE|${id}\rERR||PID^1^3|206|E\r\x1c\r`;
  }
  arrivals.keys.push(key);
  arrivals.numbers.push(n);
  arrivals.at.push(Date.now());
  arrivals.lives.push(connectionLife);
  return `\x0bMSH|^~\\&|||||||ACK|R${id}|P|2.5.1\rMSA|AA|${id}\r\x1c\r`;
}

function open(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server = createServer({ noDelay: true }, accept).listen(port, '127.0.0.1', resolve);
  return promise;
}

function close(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server?.close(() => resolve());
  for (const socket of sockets) socket.destroy();
  return promise;
}

await open();
answerParent({
  open,
  close,
  /** Answers AE with ERR-3.1 206 (record locked) for this key from now on; -1 for none. */
  refuse: (key) => void (refused = Number(key)),
  /** Connections from now on count as those of this life of the server. */
  life: (number) => void (life = Number(number)),
  progress: () => ({ received: arrivals.keys.length, refusals }),
  arrivals: () => arrivals,
});
