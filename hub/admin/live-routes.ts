import { type Request, type Response, Router } from 'express';
import type { LiveBus, LiveStatus } from '../live/live-bus.ts';
import { refuse } from './failure.ts';

/** Those that look at once. */
const maxViewers = 50;
/** A viewer for whom more waits is too slow. */
export const maxWaitingBytes = 512 * 1024;
const aliveEveryMs = 15_000;

/** `GET /api/live`: reports of all hubs as they come, as server-sent events. A viewer that is slow misses some. */
export function liveRoutes(live: LiveBus): Router {
  const router = Router();
  const viewers = new Viewers('live figures');
  router.get('/live', (request, response) => {
    const viewer = viewers.admit(request, response, live.status());
    if (!viewer) return;
    const subscription = live.subscribe((report) => {
      if (response.writableLength > maxWaitingBytes) return;
      viewer.say(live.status());
      viewer.tell(report);
    });
    response.on('close', () => subscription[Symbol.dispose]());
  });
  return router;
}

interface Viewer {
  /** How the bus stands, where that is not what was said last. */
  say(status: LiveStatus): void;
  tell(data: unknown, event?: string): void;
}

/** Whoever has a stream of server-sent events open, as long as there is room. */
export class Viewers {
  readonly #of: string;
  #count = 0;

  constructor(of: string) {
    this.#of = of;
  }

  /** Undefined, and an answer, where there are enough. */
  admit(request: Request, response: Response, status: LiveStatus): Viewer | undefined {
    if (this.#count >= maxViewers) {
      refuse(response, 503, 'busy', `${maxViewers} look at ${this.#of} already`);
      return undefined;
    }
    this.#count += 1;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const tell = (data: unknown, event?: string) =>
      void response.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
    tell(status, 'bus');
    let said = status.state;
    const alive = setInterval(() => {
      if (response.writableLength === 0) response.write(': alive\n\n');
    }, aliveEveryMs);
    alive.unref();
    response.on('close', () => {
      this.#count -= 1;
      clearInterval(alive);
    });
    request.socket.setNoDelay(true);
    return {
      tell,
      say: (now) => {
        if (now.state !== said) tell(now, 'bus');
        said = now.state;
      },
    };
  }
}
