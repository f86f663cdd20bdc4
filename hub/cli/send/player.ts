import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointOf } from '../../../core/endpoint.ts';
import { dial } from '../../../core/net/dial.ts';
import { ackMode } from '../../../protocols/hl7v2/ack.ts';
import { readHeader } from '../../../protocols/hl7v2/header.ts';
import { readAck } from '../../../protocols/hl7v2/read-ack.ts';
import { FrameFault, MllpDecoder } from '../../../protocols/mllp/decoder.ts';
import { encodeFrame } from '../../../protocols/mllp/encoder.ts';
import { systemClock } from '../../system-clock.ts';
import type { Tally } from './tally.ts';

export interface PlayOptions {
  readonly to: EndpointOf<'tcp-connect'>;
  readonly connections: number;
  /** Messages on their way on one connection; 1 is stop-and-wait. */
  readonly pipeline: number;
  /** Messages a second over all connections; as fast as it goes if absent. */
  readonly rate?: number;
  /** How often the whole list is sent. */
  readonly repeat: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Outstanding {
  readonly controlId: string;
  /** Enhanced mode: after the commit accept comes an answer of the application. */
  readonly twice: boolean;
  readonly sentAt: number;
}

/**
 * How long a connection stays open at its end for answers of the application after a commit accept. Engines that answer on
 * receipt send none, whatever MSH-16 asks for.
 */
const followUpMs = 1_000;

const maxReplyBytes = 16 * 1024 * 1024;

/** Hands out the messages once each, at the rate, to whichever connection asks next. */
class Schedule {
  readonly #messages: readonly Uint8Array[];
  readonly #total: number;
  readonly #everyMs: number;
  readonly #signal: AbortSignal;
  readonly #startedAt = performance.now();
  #next = 0;

  constructor(messages: readonly Uint8Array[], options: PlayOptions) {
    this.#messages = messages;
    this.#total = messages.length * options.repeat;
    this.#everyMs = options.rate ? 1_000 / options.rate : 0;
    this.#signal = options.signal;
  }

  async take(): Promise<Uint8Array | undefined> {
    if (this.#next >= this.#total || this.#signal.aborted) return undefined;
    const index = this.#next++;
    const wait = this.#startedAt + index * this.#everyMs - performance.now();
    if (wait > 1) await sleep(wait, undefined, { signal: this.#signal }).catch(() => undefined);
    return this.#signal.aborted ? undefined : this.#messages[index % this.#messages.length];
  }
}

/**
 * Plays the messages and counts in `tally`. Resolves when each is answered, or given up for unanswered; a connection that breaks
 * is made anew and goes on with the next message. Rejects when a connection cannot be made.
 */
export async function play(messages: readonly Uint8Array[], options: PlayOptions, tally: Tally): Promise<void> {
  const schedule = new Schedule(messages, options);
  await Promise.all(
    Array.from({ length: options.connections }, async () => {
      let more = true;
      while (more) more = await playOn(await connected(options), schedule, options, tally);
    }),
  );
}

async function connected({ to, timeoutMs, signal }: PlayOptions): Promise<Socket> {
  const socket = await dial(to, { clock: systemClock, timeoutMs, signal });
  return socket.setNoDelay(true);
}

/** @returns whether the connection broke while there may be more to send */
function playOn(socket: Socket, schedule: Schedule, options: PlayOptions, tally: Tally): Promise<boolean> {
  const { pipeline, timeoutMs, signal } = options;
  return new Promise((resolve) => {
    const decoder = new MllpDecoder(maxReplyBytes);
    const outstanding: Outstanding[] = [];
    const followUps = new Map<string, number>();
    let asking = 0;
    let exhausted = false;
    let timer: NodeJS.Timeout | undefined;
    let ending: NodeJS.Timeout | undefined;

    const watch = () => {
      clearTimeout(timer);
      const [head] = outstanding;
      if (head) timer = setTimeout(() => socket.destroy(), Math.max(0, head.sentAt + timeoutMs - performance.now()));
    };
    const fill = () => {
      while (!exhausted && !socket.destroyed && outstanding.length + asking < pipeline) {
        asking++;
        void schedule.take().then(sendOne);
      }
      if (!exhausted || asking > 0 || outstanding.length > 0) return;
      if (followUps.size === 0) socket.end();
      else ending ??= setTimeout(() => socket.end(), Math.min(followUpMs, timeoutMs));
    };
    const sendOne = (message: Uint8Array | undefined) => {
      asking--;
      if (!message) exhausted = true;
      else if (socket.destroyed) tally.unanswered++;
      else {
        const header = readHeader(message);
        const mode = header && ackMode(header);
        const twice = mode?.mode === 'enhanced' && mode.accept !== 'NE' && mode.application === 'AL';
        outstanding.push({ controlId: header?.controlId ?? '', twice, sentAt: performance.now() });
        tally.sent++;
        socket.write(encodeFrame(message));
        if (outstanding.length === 1) watch();
      }
      fill();
    };
    const answer = (reply: Uint8Array) => {
      const { code, controlId } = ackOf(reply);
      const owed = followUps.get(controlId);
      if (owed !== undefined && code.startsWith('A')) {
        if (owed === 1) followUps.delete(controlId);
        else followUps.set(controlId, owed - 1);
        tally.followedUp(code);
      } else {
        const head = outstanding.shift();
        if (!head) tally.stray++;
        else {
          tally.answered(code, performance.now() - head.sentAt);
          if (head.twice && code === 'CA') followUps.set(head.controlId, (followUps.get(head.controlId) ?? 0) + 1);
        }
      }
      watch();
    };

    socket.on('data', (chunk) => {
      for (const framed of decoder.decode(chunk)) {
        if (framed instanceof FrameFault) tally.stray++;
        else answer(framed);
      }
      fill();
    });
    // The reason is told by what stays unanswered.
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(timer);
      clearTimeout(ending);
      signal.removeEventListener('abort', onAbort);
      tally.unanswered += outstanding.length;
      outstanding.length = 0;
      resolve(!exhausted && !signal.aborted);
    });
    const onAbort = () => socket.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    fill();
  });
}

function ackOf(reply: Uint8Array): { readonly code: string; readonly controlId: string } {
  try {
    return readAck(reply);
  } catch {
    return { code: 'unreadable', controlId: '' };
  }
}
