import { Router } from 'express';
import { z } from 'zod';
import { describeIssues } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import { type LineageReport, lineageReport } from '../lineage/lineage-report.ts';
import type { AdminContext } from './context.ts';
import { RequestFailure } from './failure.ts';
import { readerOf } from './reader.ts';

const query = z.strictObject({
  destination: z.string().optional(),
  values: z.stringbool().default(false),
});

/**
 * `GET /messages/:id/lineage`: where each value of a stored message went in the transforms of its channel, as that is deployed now.
 * It reads content, so it wants a name and a reason, and is on the audit trail; the values themselves are told with `values=true`.
 */
export function lineageRoutes({ engine, definition }: AdminContext): Router {
  const routes = Router();

  routes.get('/messages/:id/lineage', async (request, response) => {
    const read = query.safeParse(request.query);
    if (!read.success) throw new RequestFailure(400, 'request-invalid', describeIssues(read.error));
    const { id } = request.params;
    const doing = `telling the lineage of ${id}`;
    const message = await engine.store.content(id, readerOf(request));
    if (!message) throw new HubError('not-found', 'permanent', `${doing}: there is none, or it was pruned`);
    const { raw, ...about } = message;
    if (!raw) throw new HubError('not-found', 'permanent', `${doing}: its content is not kept, or was pruned`);
    const asked = definition(message.channel);
    if (!asked) throw new HubError('not-found', 'permanent', `${doing}: its channel ${message.channel} is gone`);
    const { destination } = read.data;
    const known = asked.definition.destinations.map(({ name }) => name);
    if (destination !== undefined && !known.includes(destination))
      throw new HubError('not-found', 'permanent', `${doing}: ${message.channel} has no destination ${destination}`);
    response.json((await lineageReport(asked, { ...about, raw }, read.data)) satisfies LineageReport);
  });

  return routes;
}
