import express, { type Request, Router } from 'express';
import { z } from 'zod';
import { describeIssues } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import type { ActionReport } from '../../core/runtime/engine.ts';
import { Turns } from '../../core/runtime/turns.ts';
import type { MessageContent, MessageQuery, Reader } from '../../core/store/message-store.ts';
import type { AdminContext } from './context.ts';
import { RequestFailure } from './failure.ts';
import { given } from './given.ts';
import { readerOf } from './reader.ts';

const time = z.union([
  z.coerce.number().int().nonnegative(),
  z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
]);

const query = z.strictObject({
  channel: z.string().optional(),
  destination: z.string().optional(),
  status: z.enum(['received', 'queued', 'error', 'sent', 'filtered', 'open-error']).optional(),
  id: z.string().optional(),
  from: time.optional(),
  to: time.optional(),
  replayOf: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(50),
  ascending: z.stringbool().optional(),
  cursor: z.string().optional(),
});

/** Two replays of one message by one person within it are one: Enter was pressed twice. */
const sameEnterMs = 1_000;

const action = z.strictObject({ destination: z.string().optional(), confirmed: z.boolean().optional() });

/**
 * Finding shows no content; reading one message does, to somebody with a name and a reason, and is on the audit trail.
 * Fields of meta are asked for as `meta.<name>`, e.g. `meta.hl7.controlId=ADT00001`.
 */
export function messageRoutes({ engine }: AdminContext): Router {
  const routes = Router();

  routes.get('/messages', async (request, response) => {
    response.json(await engine.store.find(queryOf(request)));
  });

  routes.get('/messages/:id', async (request, response) => {
    const content = await engine.store.content(request.params.id, readerOf(request));
    if (!content) throw missing(request.params.id);
    response.json(inBase64(content));
  });

  routes.post('/messages/:id/:verb', express.json({ limit: '16kb' }), async (request, response) => {
    const { id, verb } = request.params;
    const by = readerOf(request);
    const options = given(actionOf(request));
    response.json(await turns.take(id, () => act(id, verb, by, options)));
  });

  routes.get('/audit', async (request, response) => {
    const limit = z.coerce.number().int().min(1).max(1_000).catch(100).parse(request.query.limit);
    response.json({ entries: await engine.store.auditTrail({ limit }) });
  });

  const replays = new Map<string, { readonly at: number; readonly report: ActionReport }>();
  // The second of two replays sees what the first has done.
  const turns = new Turns();

  function act(
    id: string,
    verb: string,
    by: ReturnType<typeof readerOf>,
    options: { destination?: string; confirmed?: boolean },
  ) {
    const { confirmed: _, ...where } = options;
    switch (verb) {
      case 'retry':
        return engine.retry(id, by, options);
      case 'replay':
        return replayOnce(id, by, where);
      case 'skip':
        return engine.skip(id, by, where);
      default:
        throw new RequestFailure(404, 'not-found', `a message knows retry, replay and skip, not ${verb}`);
    }
  }

  /** A replay leaves no state that tells the second Enter from a second wish; the time between them does. */
  async function replayOnce(id: string, by: Reader, where: { destination?: string }): Promise<ActionReport> {
    const name = JSON.stringify([id, by.actor, where.destination]);
    const last = replays.get(name);
    if (last && performance.now() - last.at < sameEnterMs) return last.report;
    const report = await engine.replay(id, by, where);
    const at = performance.now();
    for (const [each, { at: before }] of replays) if (at - before >= sameEnterMs) replays.delete(each);
    replays.set(name, { at, report });
    return report;
  }

  return routes;
}

function queryOf(request: Request): MessageQuery {
  const meta: Record<string, string> = {};
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(request.query)) {
    if (name.startsWith('meta.') && typeof value === 'string') meta[name.slice('meta.'.length)] = value;
    else plain[name] = value;
  }
  const read = query.safeParse(plain);
  if (!read.success) throw new RequestFailure(400, 'request-invalid', describeIssues(read.error));
  return given({ ...read.data, meta: Object.keys(meta).length > 0 ? meta : undefined });
}

function actionOf(request: Request): z.output<typeof action> {
  const read = action.safeParse(request.body ?? {});
  if (!read.success) throw new RequestFailure(400, 'request-invalid', describeIssues(read.error));
  return read.data;
}

function missing(id: string): HubError {
  return new HubError('not-found', 'permanent', `reading message ${id}: there is none, or it was pruned`);
}

/** Bytes travel as base64: they may be in any character set. */
function inBase64({ raw, contents, ...summary }: MessageContent): object {
  const text = (bytes: Uint8Array | undefined) => (bytes ? Buffer.from(bytes).toString('base64') : undefined);
  return {
    ...summary,
    raw: text(raw),
    contents: contents.map(({ bytes, reply, ...part }) => ({ ...part, bytes: text(bytes), reply: text(reply) })),
  };
}
