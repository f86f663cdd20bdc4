import { createServer, type Server } from 'node:net';
import { MllpDecoder } from '../protocols/mllp/decoder.ts';
import { Frame, readControlId } from './frame.ts';
import { Sender } from './sender.ts';

/** Milliseconds of live messages: until their acknowledgement, and until they were at the far end. */
export interface Latencies {
  readonly acknowledged: number[];
  readonly delivered: number[];
}

interface Connection {
  readonly frame: Frame;
  readonly sender: Sender;
  readonly keys: readonly number[];
  turn: number;
  sentAt: number;
}

/** An MLLP far end that answers at once, and says of each arrival which it was. */
export async function farEnd(port: number, arrived: (key: number, n: number) => void): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    const decoder = new MllpDecoder(1024 ** 2);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const framed of decoder.decode(chunk)) {
        if (!Buffer.isBuffer(framed)) throw new Error('not a message');
        const id = framed.toString('latin1', 0, 256).split('|', 10)[9]!;
        socket.write(`\x0bMSH|^~\\&|||||||ACK|R${id}|P|2.5.1\rMSA|AA|${id}\r\x1c\r`, 'latin1');
        const { key, n } = readControlId(id);
        arrived(key, n);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

/** Senders that keep a rate, each with keys of its own, whose messages are timed. */
export class LiveTraffic {
  /** Where what is timed now goes; nowhere between rounds. */
  latencies: Latencies | undefined;
  readonly #idle: Connection[] = [];
  readonly #senders: Sender[] = [];
  readonly #numbers = new Map<number, number>();
  readonly #sentAt = new Map<string, number>();
  readonly #tick: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  #sent = 0;

  /** @param numbers the last number that each key had before */
  constructor(port: number, rate: number, connections: number, numbers: readonly number[]) {
    for (let each = 0; each < connections; each++) {
      const frame = new Frame('adt-a01.hl7');
      const own = [...numbers.keys()].filter((key) => key % connections === each);
      for (const key of own) this.#numbers.set(key, numbers[key]!);
      const sender: Sender = new Sender(port, frame, {
        answered: () => {
          this.latencies?.acknowledged.push(performance.now() - connection.sentAt);
          this.#idle.push(connection);
        },
        lost: () => undefined,
      });
      const connection: Connection = { frame, sender, keys: own, turn: 0, sentAt: 0 };
      this.#senders.push(sender);
      void sender.connected.then(() => this.#idle.push(connection));
    }
    this.#tick = setInterval(() => {
      const due = ((performance.now() - this.#startedAt) * rate) / 1000;
      for (; this.#sent < due; this.#sent++) this.#send();
    }, 1);
  }

  #send(): void {
    const connection = this.#idle.shift();
    if (!connection) return;
    const key = connection.keys[connection.turn++ % connection.keys.length]!;
    const n = this.#numbers.get(key)! + 1;
    this.#numbers.set(key, n);
    connection.frame.set(key, n);
    connection.sentAt = performance.now();
    if (this.latencies) this.#sentAt.set(`${key}/${n}`, connection.sentAt);
    connection.sender.send();
  }

  arrived(key: number, n: number): void {
    const sentAt = this.#sentAt.get(`${key}/${n}`);
    if (sentAt === undefined) return;
    this.#sentAt.delete(`${key}/${n}`);
    this.latencies?.delivered.push(performance.now() - sentAt);
  }

  stop(): void {
    clearInterval(this.#tick);
    for (const sender of this.#senders) sender.close();
  }
}
