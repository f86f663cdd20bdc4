import express, { Router } from 'express';
import { z } from 'zod';
import { describeIssues } from '../../core/define.ts';
import type { ChannelStatus } from '../../core/runtime/engine.ts';
import type { Reader } from '../../core/store/message-store.ts';
import { recordDeploy } from '../deploy-trail.ts';
import type { UndeployReport } from '../undeploy.ts';
import type { AdminContext } from './context.ts';
import { RequestFailure } from './failure.ts';
import { findingReport } from './finding-report.ts';
import { readerOf } from './reader.ts';

/** Channels as they stand, and those that somebody has undeployed. */
export interface ChannelList {
  readonly channels: readonly ChannelStatus[];
  readonly undeployed: readonly UndeployReport[];
}

const deployment = z.strictObject({ channels: z.array(z.string()).min(1).max(10_000).optional() });

/** Verbs are idempotent by state: a channel that is stopped stays stopped, however often it is told. */
export function channelRoutes({ engine, deploy, undeploy }: AdminContext, maxBodyBytes: number): Router {
  const routes = Router();

  routes.get('/channels', async (_request, response) => {
    const [channels, undeployed] = await Promise.all([engine.status(), undeploy.list()]);
    response.json({ channels, undeployed } satisfies ChannelList);
  });

  routes.get('/channels/:channel', async (request, response) => {
    response.json(await oneChannel(request.params.channel));
  });

  routes.get('/channels/:channel/findings', async (request, response) => {
    const { channel } = request.params;
    await oneChannel(channel);
    response.json({ findings: engine.findings(channel) });
  });

  routes.get('/findings', async (request, response) => {
    const { channel } = request.query;
    const asked = typeof channel === 'string' ? [await oneChannel(channel)] : await engine.status();
    response.json(findingReport(engine, asked));
  });

  routes.post('/channels/:channel/:verb', async (request, response, next) => {
    const { channel, verb } = request.params;
    if (verb === 'send') return next();
    const by = readerOf(request);
    if (verb === 'undeploy') return void response.json(await undeploy.undeploy(channel, by));
    await oneChannel(channel);
    if (verb === 'start') await refuseGoing(channel);
    const report = await act(channel, verb, by);
    response.json({ ...report, channel: await oneChannel(channel) });
  });

  routes.post('/channels/:channel/destinations/:destination/:verb', async (request, response) => {
    const { channel, destination, verb } = request.params;
    const by = readerOf(request);
    const { destinations } = await oneChannel(channel);
    if (!destinations.some((each) => each.destination === destination))
      throw notFound(`channel ${channel} has no destination ${destination}`);
    if (verb === 'start') await engine.startDestination(channel, destination, by);
    else if (verb === 'stop') await engine.stopDestination(channel, destination, by);
    else throw notFound(`a destination knows start and stop, not ${verb}`);
    response.json({ channel: await oneChannel(channel) });
  });

  const body = express.raw({ type: () => true, limit: maxBodyBytes });
  routes.post('/channels/:channel/send', body, async (request, response) => {
    const by = readerOf(request);
    await oneChannel(request.params.channel);
    if (!Buffer.isBuffer(request.body) || request.body.length === 0)
      throw new RequestFailure(400, 'request-invalid', 'the body is the message; it is empty');
    const { reply, ...receipt } = await engine.send(request.params.channel, request.body, {}, by);
    response.json(reply ? { ...receipt, reply: Buffer.from(reply).toString('base64') } : receipt);
  });

  routes.post('/deploy', express.json({ limit: '1mb' }), async (request, response) => {
    const by = readerOf(request);
    const read = deployment.safeParse(request.body ?? {});
    if (!read.success) throw new RequestFailure(400, 'request-invalid', describeIssues(read.error));
    const { channels } = read.data;
    const report = await deploy(channels && { channels, by });
    await recordDeploy(engine.store, report, by, Date.now());
    response.status(report.problems.length + report.refused.length > 0 ? 422 : 200).json(report);
  });

  async function oneChannel(name: string) {
    const found = (await engine.status()).find(({ channel }) => channel === name);
    if (found) return found;
    const away = (await undeploy.list()).find(({ channel }) => channel === name);
    throw notFound(
      away
        ? `channel ${name} was undeployed by ${away.by.actor} (${away.by.reason}); weir deploy ${name} brings it back`
        : `there is no channel ${name}`,
    );
  }

  async function refuseGoing(name: string) {
    if ((await undeploy.list()).some(({ channel }) => channel === name))
      throw new RequestFailure(409, 'not-allowed', `channel ${name} is being undeployed; weir deploy ${name} keeps it`);
  }

  async function act(channel: string, verb: string, by: Reader): Promise<object | undefined> {
    switch (verb) {
      case 'start':
        await engine.start(channel, by);
        return undefined;
      case 'pause':
        await engine.pause(channel, by);
        return undefined;
      case 'stop':
        return { report: await engine.stop(channel, by) };
      case 'halt':
        return { report: await engine.halt(channel, by) };
      default:
        throw notFound(`a channel knows start, stop, pause, halt and undeploy, not ${verb}`);
    }
  }

  return routes;
}

function notFound(message: string): RequestFailure {
  return new RequestFailure(404, 'not-found', message);
}
