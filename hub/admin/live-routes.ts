import { Router } from 'express';
import type { LiveBus } from '../live/live-bus.ts';
import { Viewers } from './viewers.ts';

/** `GET /api/live`: reports of all hubs as they come, as server-sent events or by WebSocket. A viewer that is slow misses some. */
export function liveRoutes(live: LiveBus): Router {
  const router = Router();
  const viewers = new Viewers('live figures');
  router.get('/live', async (request, response) => {
    const viewer = await viewers.admit(request, response, live.status());
    if (!viewer) return;
    const subscription = live.subscribe((report) => {
      if (viewer.isSlow) return;
      viewer.say(live.status());
      viewer.tell(report);
    });
    viewer.onGone(() => subscription[Symbol.dispose]());
  });
  return router;
}
