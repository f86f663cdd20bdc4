import { createConnection, type Socket } from 'node:net';
import type { Frame } from './frame.ts';

export interface SenderEvents {
  /** The answer to what was sent last. */
  answered(positive: boolean): void;
  /** The connection broke; called once. What was sent last and not answered is in doubt. */
  lost(): void;
}

/** One stop-and-wait MLLP connection, framed by hand: it costs little beside the server it measures. */
export class Sender {
  readonly #socket: Socket;
  readonly #frame: Frame;
  readonly #events: SenderEvents;
  #part: Buffer | undefined;
  /** Resolves once connected; never where the connection is lost before. */
  readonly connected: Promise<void>;

  constructor(port: number, frame: Frame, events: SenderEvents) {
    this.#frame = frame;
    this.#events = events;
    const callback = (length: number, buffer: Uint8Array) => this.#read(buffer as Buffer, length);
    this.#socket = createConnection({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(4096), callback },
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.connected = promise;
    this.#socket.on('connect', resolve);
    this.#socket.on('error', () => undefined);
    this.#socket.on('end', () => this.#socket.destroy());
    this.#socket.on('close', () => events.lost());
  }

  /** Sends the frame as it now is; it must not change before the answer. */
  send(): void {
    this.#socket.write(this.#frame.bytes);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(buffer: Buffer, length: number): boolean {
    let answer = buffer.subarray(0, length);
    if (this.#part) answer = Buffer.concat([this.#part, answer]);
    if (answer[answer.length - 2] === 0x1c && answer[answer.length - 1] === 0x0d) {
      this.#part = undefined;
      this.#events.answered(answer.includes(this.#frame.positive));
    } else {
      this.#part = Buffer.from(answer);
    }
    return true;
  }
}
