import { Router } from 'express';
import type { LiveBus } from '../live/live-bus.ts';
import { refuse } from './failure.ts';

/** Those that look at once. */
const maxViewers = 50;
/** A viewer that reads more slowly misses reports. */
const maxWaitingBytes = 512 * 1024;
const aliveEveryMs = 15_000;

/** `GET /api/live`: reports of all hubs as they come, as server-sent events. */
export function liveRoutes(live: LiveBus): Router {
  const router = Router();
  let viewers = 0;
  router.get('/live', (request, response) => {
    if (viewers >= maxViewers) return refuse(response, 503, 'busy', `${maxViewers} look at live figures already`);
    viewers += 1;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write(`event: bus\ndata: ${JSON.stringify(live.status())}\n\n`);
    let said = live.status().state;
    const subscription = live.subscribe((report) => {
      if (response.writableLength > maxWaitingBytes) return;
      const status = live.status();
      if (status.state !== said) response.write(`event: bus\ndata: ${JSON.stringify(status)}\n\n`);
      said = status.state;
      response.write(`data: ${JSON.stringify(report)}\n\n`);
    });
    const alive = setInterval(() => {
      if (response.writableLength === 0) response.write(': alive\n\n');
    }, aliveEveryMs);
    alive.unref();
    response.on('close', () => {
      viewers -= 1;
      clearInterval(alive);
      subscription[Symbol.dispose]();
    });
    request.socket.setNoDelay(true);
  });
  return router;
}
