import { type Request, Router } from 'express';
import { z } from 'zod';
import { describeIssues } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import type { Found, SearchIndex, SearchQuery } from '../../core/search/search-index.ts';
import { KeyMarks } from '../../core/store/key-marks.ts';
import type { AdminContext } from './context.ts';
import { RequestFailure } from './failure.ts';
import { readerOf } from './reader.ts';

const time = z.union([
  z.coerce.number().int().nonnegative(),
  z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
]);

const query = z.strictObject({
  q: z.string().trim().min(1).max(1_000),
  in: z.enum(['identifiers', 'text']).default('identifiers'),
  path: z.string().trim().min(1).max(200).optional(),
  channel: z.string().optional(),
  from: time.optional(),
  to: time.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** What is found, and the subject under which this search, and every other for the same, is on the audit trail. */
export interface FindAnswer extends Found {
  readonly subject: string;
}

/**
 * `GET /find?q=…`: messages by what is in them; with `path`, by all of the value there. A search that nobody waits for ends. It tells of content, so it wants a name and a reason, and is on the audit trail with
 * the ids of the messages that were shown. What was looked for is there as a keyed hash, so that who has looked for whom is still
 * answered: the same identifier has the same subject, which each answer names.
 */
export function findRoutes({ engine, search }: AdminContext): Router {
  const routes = Router();
  const marks = new KeyMarks(engine.store);

  routes.get('/find', async (request, response) => {
    const by = readerOf(request);
    const wanted = queryOf(request);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const found = await (await opened(search)).find(wanted, gone.signal);
    const subject = await marks.mark(wanted.text);
    const shown = found.hops.map(({ id }) => id);
    await engine.store.audit({ ...by, at: Date.now(), action: 'find', subject: [subject, ...shown].join(' ') });
    response.json({ ...found, subject } satisfies FindAnswer);
  });

  return routes;
}

async function opened(search: Promise<SearchIndex> | undefined): Promise<SearchIndex> {
  const index = await search;
  if (index) return index;
  throw new HubError('not-found', 'permanent', 'finding messages: this hub has no search index');
}

function queryOf(request: Request): SearchQuery {
  const read = query.safeParse(request.query);
  if (!read.success) throw new RequestFailure(400, 'request-invalid', describeIssues(read.error));
  const { q: text, in: where, path, channel, from, to, limit } = read.data;
  return {
    text,
    ...(path === undefined ? { in: where } : { in: 'path', path }),
    limit,
    ...(channel !== undefined && { channel }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}
