import express, { Router } from 'express';
import { z } from 'zod';
import { describeIssues } from '../../core/define.ts';
import { duration } from '../alerts/duration.ts';
import { namePattern } from '../alerts/name-pattern.ts';
import type { AdminContext } from './context.ts';
import { RequestFailure } from './failure.ts';
import { readerOf } from './reader.ts';

const weekMs = 7 * 24 * 3_600_000;

const maintenance = z.strictObject({
  channels: namePattern().refine((pattern) => typeof pattern === 'string', 'one name or pattern'),
  forMs: duration().refine((ms) => ms >= 60_000 && ms <= weekMs, 'a time span from 1min to 7d'),
});

/** Alerts, feeds that are silent, and maintenance. A window is opened and ended by somebody with a name and a reason. */
export function alertRoutes({ alerts }: AdminContext): Router {
  const routes = Router();
  const body = express.json({ limit: '16kb' });

  routes.get('/alerts', async (_request, response) => {
    response.json(await alerts.report());
  });

  routes.get('/alerts/history', (request, response) => {
    const limit = z.coerce.number().int().min(1).max(1_000).catch(100).parse(request.query.limit);
    response.json({ history: alerts.history(limit) });
  });

  routes.get('/silent', async (_request, response) => {
    response.json({ feeds: await alerts.silent() });
  });

  routes.post('/maintenance', body, async (request, response) => {
    const by = readerOf(request);
    const read = maintenance.safeParse(request.body ?? {});
    if (!read.success) throw new RequestFailure(400, 'request-invalid', describeIssues(read.error));
    const { channels, forMs } = read.data;
    response.json(await alerts.startMaintenance(String(channels), forMs, by));
  });

  routes.post('/maintenance/:window/end', async (request, response) => {
    const by = readerOf(request);
    response.json({ ended: await alerts.endMaintenance(request.params.window, by) });
  });

  return routes;
}
