import type { Request, Response } from 'express';
import type { WebSocket } from 'ws';
import type { LiveStatus } from '../live/live-bus.ts';
import { refuse } from './failure.ts';
import { asksForWebSocket, webSocketOf } from './web-sockets.ts';

/** Those that look at once. */
const maxViewers = 50;
/** A viewer for whom more waits is too slow. */
const maxWaitingBytes = 512 * 1024;
const aliveEveryMs = 15_000;

/** Somebody who looks: by server-sent events, or by WebSocket, where each text message is `{ event, data }` with the same events. */
export interface Viewer {
  tell(data: unknown, event?: string): void;
  /** How the bus stands, where that is not what was said last. */
  say(status: LiveStatus): void;
  /** So much waits that something has to be left out. */
  readonly isSlow: boolean;
  /** Lets go of it. */
  cut(): void;
  /** Once, however it ends. */
  onGone(done: () => void): void;
}

/** How a viewer is reached. */
interface Wire {
  send(event: string | undefined, data: string): void;
  /** Every 15 s. */
  keepAlive(): void;
  readonly waitingBytes: number;
  cut(): void;
  onGone(done: () => void): void;
}

/** Whoever looks at one thing, as long as there is room. */
export class Viewers {
  readonly #of: string;
  #count = 0;

  constructor(of: string) {
    this.#of = of;
  }

  /** Undefined where it has gone meanwhile, and, with an answer, where there are enough. */
  async admit(request: Request, response: Response, status: LiveStatus): Promise<Viewer | undefined> {
    if (request.socket.destroyed) return undefined;
    if (this.#count >= maxViewers) {
      refuse(response, 503, 'busy', `${maxViewers} look at ${this.#of} already`);
      return undefined;
    }
    this.#count += 1;
    const wire = await wireTo(request, response);
    if (!wire) {
      this.#count -= 1;
      return undefined;
    }
    request.socket.setNoDelay(true);
    const tell = (data: unknown, event?: string): void => wire.send(event, JSON.stringify(data));
    tell(status, 'bus');
    let said = status.state;
    const alive = setInterval(() => wire.keepAlive(), aliveEveryMs);
    alive.unref();
    wire.onGone(() => {
      this.#count -= 1;
      clearInterval(alive);
    });
    return {
      tell,
      say: (now) => {
        if (now.state !== said) tell(now, 'bus');
        said = now.state;
      },
      get isSlow() {
        return wire.waitingBytes > maxWaitingBytes;
      },
      cut: () => wire.cut(),
      onGone: (done) => wire.onGone(done),
    };
  }
}

async function wireTo(request: Request, response: Response): Promise<Wire | undefined> {
  if (!asksForWebSocket(request)) return eventStreamWire(response);
  const socket = await webSocketOf(request);
  return socket && webSocketWire(socket);
}

function eventStreamWire(response: Response): Wire {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  return {
    send: (event, data) => void response.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`),
    keepAlive: () => {
      if (response.writableLength === 0) response.write(': alive\n\n');
    },
    get waitingBytes() {
      return response.writableLength;
    },
    cut: () => void response.destroy(),
    onGone: (done) => void response.once('close', done),
  };
}

/** Where one ping is not answered until the next, nobody is there any more. */
function webSocketWire(socket: WebSocket): Wire {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  return {
    send: (event = 'message', data) => socket.send(`{"event":${JSON.stringify(event)},"data":${data}}`),
    keepAlive: () => {
      if (!answered) return socket.terminate();
      answered = false;
      socket.ping();
    },
    get waitingBytes() {
      return socket.bufferedAmount;
    },
    cut: () => socket.terminate(),
    onGone: (done) => void socket.once('close', done),
  };
}
