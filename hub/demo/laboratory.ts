import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AckInput, acknowledge } from '../../protocols/hl7v2/ack.ts';
import { readHeader } from '../../protocols/hl7v2/header.ts';
import { FrameFault, MllpDecoder } from '../../protocols/mllp/decoder.ts';
import { encodeFrame } from '../../protocols/mllp/encoder.ts';

type Answer = Pick<AckInput, 'code' | 'errors'> | 'hang up';

const accepted: Answer = { code: 'AA' };
const recordLocked: Answer = {
  code: 'AE',
  errors: [{ code: '206', severity: 'E', text: 'The record is locked, try later' }],
};
const rejected: Answer = { code: 'AR', errors: [{ code: '207', severity: 'E', text: 'Starting up' }] };

/**
 * A laboratory system as they are: mostly it accepts at once, sometimes it takes its time, says that a record is locked or that
 * it cannot just now; what it refused once it accepts the next time. And now and then it takes a message and hangs up without
 * a word: the sender cannot know, sends the message again, and the laboratory knows it by its MSH-10.
 */
export class Laboratory implements AsyncDisposable {
  readonly port: number;
  /** Control ids that it accepted, with the time (`performance.now()`). */
  readonly accepted = new Map<string, number>();
  /** Answers AE and AR, and times it hung up. */
  refusals = 0;
  hangUps = 0;
  /** Messages that came again after they had been accepted. */
  repeats = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #refused = new Set<string>();
  readonly #closed = new AbortController();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  /** Listens on a free port. */
  static async open(): Promise<Laboratory> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Laboratory(server);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const decoder = new MllpDecoder(1024 * 1024);
    let turn: Promise<void> = Promise.resolve();
    socket.on('data', (chunk) => {
      for (const framed of decoder.decode(chunk)) {
        if (!(framed instanceof FrameFault)) turn = turn.then(() => this.#answer(Buffer.from(framed), socket));
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  async #answer(message: Buffer, socket: Socket): Promise<void> {
    const controlId = readHeader(message)?.controlId ?? '';
    const number = Number(controlId.replaceAll(/\D/g, ''));
    if (number % 90 === 0) await sleep(150, undefined, { signal: this.#closed.signal }).catch(() => undefined);
    if (socket.destroyed) return;
    const answer = this.#decide(controlId, number);
    if (answer === 'hang up') {
      socket.destroy();
      return;
    }
    const reply = acknowledge(message, { ...answer, controlId: `LIS-${controlId}-${this.refusals}`, now: Date.now() });
    socket.write(encodeFrame(reply));
  }

  #decide(controlId: string, number: number): Answer {
    if (this.accepted.has(controlId)) {
      this.repeats++;
      return accepted;
    }
    const answer = this.#refused.has(controlId) ? accepted : firstAnswer(number);
    if (answer === accepted || answer === 'hang up') {
      this.accepted.set(controlId, performance.now());
      if (answer === 'hang up') this.hangUps++;
      return answer;
    }
    this.#refused.add(controlId);
    this.refusals++;
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function firstAnswer(number: number): Answer {
  if (number % 400 === 0) return 'hang up';
  if (number % 250 === 0) return rejected;
  return number % 75 === 0 ? recordLocked : accepted;
}
