import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { ACK, ENQ, EOT, ETX, NAK } from '../../../protocols/astm/control.ts';
import { cutIntoFrames, encodeFrame, type Packing } from '../../../protocols/astm/frame.ts';

/** The instrument's end of a line under a test's control: it writes what it is told to, byte for byte, and keeps what comes. */
export class Analyzer {
  readonly stream: Duplex;
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  #wake = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(stream: Duplex) {
    this.stream = stream;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    stream.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.#isClosed = true;
      resolve();
    });
  }

  static async connect(port: number): Promise<Analyzer> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.setNoDelay(true);
    return new Analyzer(socket);
  }

  /** What came and has not been taken by `next`. */
  get unread(): string {
    return this.#received.toString('latin1');
  }

  write(bytes: string | Uint8Array): void {
    this.stream.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The next byte; rejects when there is none in time, or the line is closed. */
  async next(withinMs = 5_000): Promise<number> {
    const late = Date.now() + withinMs;
    while (this.#received.length === 0) {
      if (this.#isClosed) throw new Error('the line was closed');
      if (Date.now() > late) throw new Error('nothing came');
      await Promise.race([this.#wake.promise, this.closed, new Promise((resolve) => setTimeout(resolve, 20).unref())]);
    }
    const byte = this.#received[0]!;
    this.#received = this.#received.subarray(1);
    return byte;
  }

  /** Sends one message as the standard has it; what its last frame was answered with at last, `EOT` where it gave up. */
  async send(content: string, packing: Packing = 'record'): Promise<'ACK' | 'NAK'> {
    this.write(Buffer.of(ENQ));
    if ((await this.next()) !== ACK) return 'NAK';
    for (const frame of framesOf(content, packing)) {
      for (let attempt = 1; ; attempt++) {
        this.write(frame);
        if ((await this.next()) === ACK) break;
        if (attempt < 6) continue;
        this.write(Buffer.of(EOT));
        return 'NAK';
      }
    }
    this.write(Buffer.of(EOT));
    return 'ACK';
  }

  /** Takes one message of the host, acknowledging every frame; its records. */
  async take(withinMs = 5_000): Promise<string> {
    let text = '';
    const bids = await this.next(withinMs);
    if (bids !== ENQ) throw new Error(`0x${bids.toString(16)} came in place of ENQ`);
    this.write(Buffer.of(ACK));
    for (;;) {
      const first = await this.next();
      if (first === EOT) return text;
      text += (await this.frame()).slice(1);
      this.write(Buffer.of(ACK));
    }
  }

  /** The rest of a frame whose STX has been taken: its number and its text. */
  async frame(): Promise<string> {
    let frame = '';
    while (!frame.endsWith('\n')) frame += String.fromCharCode(await this.next());
    return frame.slice(0, frame.search(/[\x03\x17]/));
  }

  close(): void {
    this.stream.destroy();
  }
}

export function framesOf(content: string, packing: Packing = 'record'): readonly Buffer[] {
  const bytes = Buffer.from(content, 'latin1');
  return cutIntoFrames(bytes, 240, packing).map(({ start, end, last }, at) =>
    encodeFrame(at + 1, bytes.subarray(start, end), last),
  );
}

/** A result of one test, with its number for the specimen. */
export function numbered(number: number | string): string {
  return `H|\\^&|||CHEM^1.0||||||||LIS2-A2|20260302091500\rP|1||P${number}\rO|1|S${number}||^^^NA\rR|1|^^^NA|139|mmol/L\rL|1|N\r`;
}

export function numberIn(content: Uint8Array): number {
  return Number(/\|S(\d+)\|/.exec(Buffer.from(content).toString('latin1'))?.[1]);
}

export { ACK, ENQ, EOT, ETX, NAK };
