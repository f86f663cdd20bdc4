import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAck } from '../../protocols/hl7v2/read-ack.ts';
import { FrameFault, MllpDecoder } from '../../protocols/mllp/decoder.ts';
import { encodeFrame } from '../../protocols/mllp/encoder.ts';
import type { Sample } from './samples.ts';

export interface FeedOptions {
  readonly host: string;
  readonly port: number;
  /** When a sample is due, on the clock of `performance.now()`. */
  readonly due: (sample: Sample) => number;
  readonly signal: AbortSignal;
}

/** What a sender saw: for each sample the time until its acknowledgement, and what was not accepted. */
export interface FeedReport {
  readonly latenciesMs: number[];
  /** When each was first sent, on the clock of `performance.now()`. */
  readonly sentAt: Map<string, number>;
  /** Control ids that got another answer than AA. */
  readonly refused: string[];
  /** Samples that were sent once more because the connection had gone before the answer came. */
  resent: number;
}

export function feedReport(): FeedReport {
  return { latenciesMs: [], sentAt: new Map(), refused: [], resent: 0 };
}

const answerTimeoutMs = 30_000;
const reconnectMs = 200;

/**
 * One sender on one connection, as most systems in a hospital are: it sends a sample when it is due, waits for the answer, and
 * sends again what was not answered. Resolves when all are answered, or the signal aborts.
 */
export async function playFeed(samples: readonly Sample[], report: FeedReport, options: FeedOptions): Promise<void> {
  const { signal, due } = options;
  let line: Line | undefined;
  try {
    for (const sample of samples) {
      const wait = due(sample) - performance.now();
      if (wait > 1) await sleep(wait, undefined, { signal }).catch(() => undefined);
      const begun = performance.now();
      report.sentAt.set(sample.controlId, begun);
      let reply: Uint8Array | undefined;
      for (let first = true; !reply && !signal.aborted; first = false) {
        if (!first) report.resent++;
        line = line?.open ? line : await dial(options);
        reply = await line?.ask(sample.raw);
      }
      if (!reply) return;
      report.latenciesMs.push(performance.now() - begun);
      if (!isAccepted(reply, sample.controlId)) report.refused.push(sample.controlId);
    }
  } finally {
    line?.close();
  }
}

function isAccepted(reply: Uint8Array, controlId: string): boolean {
  try {
    const ack = readAck(reply);
    return ack.code === 'AA' && ack.controlId === controlId;
  } catch {
    return false;
  }
}

/** Connects; while nobody listens, again after a pause. Undefined when the signal aborts. */
async function dial({ host, port, signal }: FeedOptions): Promise<Line | undefined> {
  while (!signal.aborted) {
    const socket = connect({ host, port, noDelay: true });
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (connected) return new Line(socket, signal);
    await sleep(reconnectMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** A connection on which one message at a time waits for its answer. */
class Line {
  readonly #socket: Socket;
  readonly #decoder = new MllpDecoder(1024 * 1024);
  #answered: ((reply: Uint8Array | undefined) => void) | undefined;

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    const onAbort = () => socket.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) socket.destroy();
    socket.on('data', (chunk) => {
      for (const framed of this.#decoder.decode(chunk)) if (!(framed instanceof FrameFault)) this.#answered?.(framed);
    });
    socket.on('error', () => undefined);
    socket.setTimeout(answerTimeoutMs, () => this.#answered && socket.destroy());
    socket.on('close', () => {
      signal.removeEventListener('abort', onAbort);
      this.#answered?.(undefined);
    });
  }

  get open(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** The answer; undefined when the connection went first. */
  async ask(message: Uint8Array): Promise<Uint8Array | undefined> {
    if (!this.open) return undefined;
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    this.#answered = resolve;
    this.#socket.write(encodeFrame(message));
    const reply = await promise;
    this.#answered = undefined;
    return reply;
  }

  close(): void {
    this.#socket.end();
  }
}
