import express, { Router } from 'express';
import type { Reader } from '../../core/store/message-store.ts';
import { recordDeploy } from '../deploy-trail.ts';
import type { AdminContext } from './context.ts';
import { RequestFailure } from './failure.ts';
import { readerOf } from './reader.ts';

/** Verbs are idempotent by state: a channel that is stopped stays stopped, however often it is told. */
export function channelRoutes({ engine, deploy }: AdminContext, maxBodyBytes: number): Router {
  const routes = Router();

  routes.get('/channels', async (_request, response) => {
    response.json({ channels: await engine.status() });
  });

  routes.get('/channels/:channel', async (request, response) => {
    response.json(await oneChannel(request.params.channel));
  });

  routes.get('/channels/:channel/findings', async (request, response) => {
    const { channel } = request.params;
    await oneChannel(channel);
    response.json({ findings: engine.findings(channel) });
  });

  routes.post('/channels/:channel/:verb', async (request, response, next) => {
    const { channel, verb } = request.params;
    if (verb === 'send') return next();
    const by = readerOf(request);
    await oneChannel(channel);
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

  routes.post('/deploy', async (request, response) => {
    const by = readerOf(request);
    const report = await deploy();
    await recordDeploy(engine.store, report, by, Date.now());
    response.status(report.problems.length + report.refused.length > 0 ? 422 : 200).json(report);
  });

  async function oneChannel(name: string) {
    const found = (await engine.status()).find(({ channel }) => channel === name);
    if (!found) throw notFound(`there is no channel ${name}`);
    return found;
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
        throw notFound(`a channel knows start, stop, pause and halt, not ${verb}`);
    }
  }

  return routes;
}

function notFound(message: string): RequestFailure {
  return new RequestFailure(404, 'not-found', message);
}
