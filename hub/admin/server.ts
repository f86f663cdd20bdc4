import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { HubError } from '../../core/errors.ts';
import type { Settings } from '../settings.ts';
import type { UndeployReport } from '../undeploy.ts';
import { assertGuarded, hostCheck, tokenCheck } from './access.ts';
import { alarmRoutes } from './alarm-routes.ts';
import { alertRoutes } from './alert-routes.ts';
import { analystRoutes } from './analyst-routes.ts';
import { channelRoutes } from './channel-routes.ts';
import type { AdminContext } from './context.ts';
import { failureHandler, refuse } from './failure.ts';
import { findRoutes } from './find-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { lineageRoutes } from './lineage-routes.ts';
import { liveRoutes } from './live-routes.ts';
import { messageRoutes } from './message-routes.ts';
import { Metrics } from './metrics.ts';
import { searchStatus } from './search-figures.ts';
import { tableRoutes } from './table-routes.ts';
import { acceptWebSockets, asksForWebSocket } from './web-sockets.ts';

export interface AdminServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/**
 * Starts the admin API. Throws HubError `port-in-use`, or `config-invalid` for an address that is not loopback without a token.
 */
export async function startAdminServer(context: AdminContext, settings: Settings['admin']): Promise<AdminServer> {
  assertGuarded(settings.host, settings.token);
  const metrics = new Metrics(context);
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(hostCheck(settings.host));
  app.get('/health/live', (_request, response) => void response.json({ status: 'live' }));
  app.get('/health/ready', async (_request, response) => {
    const phase = context.phase();
    const full = phase === 'running' && (await context.engine.store.usage()).full === true;
    response.status(phase === 'running' && !full ? 200 : 503).json({ status: full ? 'store-full' : phase });
  });
  app.use(tokenCheck(settings.token));
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.text());
  });
  app.get('/api/status', async (_request, response) => {
    const { version, startedAt } = context;
    const [channels, away, store, search] = await Promise.all([
      context.engine.status(),
      context.undeploy.list(),
      context.engine.store.usage(),
      searchStatus(context.search),
    ]);
    const going = new Map(away.map(({ channel, gone }) => [channel, gone ? 'undeployed' : 'undeploying']));
    const all = [...channels.map(({ channel, state }) => going.get(channel) ?? state), ...gone(away)];
    const states = Object.entries(Object.groupBy(all, (state) => state)).map(([state, each = []]) => [
      state,
      each.length,
    ]);
    response.json({
      version,
      phase: context.phase(),
      startedAt,
      pid: process.pid,
      channels: Object.fromEntries(states),
      store,
      ...(search && { search }),
      ...(context.live && { live: context.live.status() }),
    });
  });
  app.use('/api', channelRoutes(context, settings.maxBodyBytes), messageRoutes(context), tableRoutes(context));
  app.use('/api', findRoutes(context), lineageRoutes(context));
  if (context.live) app.use('/api', liveRoutes(context.live));
  app.use('/api', jobRoutes(context));
  app.use('/api', alertRoutes(context));
  app.use('/api', alarmRoutes(context));
  app.use('/api', analystRoutes(context));
  app.use((_request, response) => refuse(response, 404, 'not-found', 'the admin API has no such address'));
  app.use(failureHandler(context.log));

  const server = createServer({ shouldUpgradeCallback: asksForWebSocket }, app);
  server.requestTimeout = 60_000;
  const webSockets = acceptWebSockets(server, app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (thrown) => reject(listenError(thrown, settings)));
    server.listen(settings.port, settings.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    host: settings.host,
    port,
    [Symbol.asyncDispose]: async () => {
      metrics[Symbol.dispose]();
      webSockets[Symbol.dispose]();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function gone(away: readonly UndeployReport[]): readonly 'undeployed'[] {
  return away.flatMap((each) => (each.gone ? ['undeployed' as const] : []));
}

function listenError(thrown: NodeJS.ErrnoException, { host, port }: Settings['admin']): HubError {
  const doing = `opening the admin API on ${host}:${port}`;
  if (thrown.code === 'EADDRINUSE')
    return new HubError('port-in-use', 'permanent', `${doing}: another program listens there`, { cause: thrown });
  return new HubError('config-invalid', 'permanent', `${doing}: ${thrown.code ?? 'failed'}`, { cause: thrown });
}
