import express, { type Request, Router } from 'express';
import { z } from 'zod';
import { describeIssues } from '../../core/define.ts';
import type { HoldRequest, JobRequest, JobStatus } from '../../core/runtime/jobs/job.ts';
import type { AdminContext } from './context.ts';
import { RequestFailure } from './failure.ts';
import { hasReader, readerOf } from './reader.ts';

const time = z.union([z.int().nonnegative(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))]);

const filter = z.strictObject({
  channel: z.string().optional(),
  destination: z.string().optional(),
  status: z.enum(['received', 'queued', 'error', 'sent', 'filtered', 'open-error']).optional(),
  from: time.optional(),
  to: time.optional(),
  type: z.string().min(1).optional(),
  meta: z.record(z.string(), z.string()).optional(),
  error: z.string().optional(),
  errorText: z.string().min(1).optional(),
  ids: z.array(z.string()).min(1).max(10_000).optional(),
});

const paced = {
  id: z.uuid().optional(),
  rate: z.number().positive().max(100_000).optional(),
  preview: z.boolean().optional(),
};

const job = z.discriminatedUnion('verb', [
  z.strictObject({
    ...paced,
    verb: z.literal(['retry', 'replay', 'skip']),
    filter,
    confirmed: z.boolean().optional(),
  }),
  z.strictObject({ ...paced, verb: z.literal('release'), hold: z.string() }),
]);

const hold = z
  .strictObject({
    channel: z.string(),
    destination: z.string().optional(),
    key: z.string().min(1).optional(),
    type: z.string().min(1).optional(),
    all: z.literal(true).optional(),
  })
  .refine(({ key, type, all }) => [key, type, all].filter((each) => each !== undefined).length === 1, {
    message: 'exactly one of key, type and all is needed',
  });

/**
 * Jobs: a verb on all messages of a filter. With `preview` nothing is done, and the answer says what would be. Creating takes an `id`
 * made by the caller, so that a request that is sent twice makes one job. And the holds that a job with the verb `release` ends.
 */
export function jobRoutes({ engine: { jobs, holds, store } }: AdminContext): Router {
  const routes = Router();
  const body = express.json({ limit: '1mb' });

  // What a filter looks for may identify a patient (rule 33): values are for a reader only.
  routes.get('/jobs', (_request, response) => {
    response.json({ jobs: jobs.list().map(withoutValues) });
  });

  routes.get('/jobs/:id', async (request, response) => {
    const found = jobs.get(request.params.id);
    if (!hasReader(request)) {
      response.json(withoutValues(found));
      return;
    }
    await store.audit({ ...readerOf(request), at: Date.now(), action: 'read job', subject: `job/${found.id}` });
    response.json(found);
  });

  routes.post('/jobs', body, async (request, response) => {
    const { preview, ...wish } = read(job, request);
    const asked = stripped(wish) as JobRequest;
    response.json(preview ? await jobs.preview(asked) : await jobs.create(asked, readerOf(request)));
  });

  routes.post('/jobs/:id/:verb', async (request, response) => {
    const { id, verb } = request.params;
    const by = readerOf(request);
    if (verb === 'pause') response.json(await jobs.pause(id, by));
    else if (verb === 'resume') response.json(await jobs.resume(id, by));
    else if (verb === 'cancel') response.json(await jobs.cancel(id, by));
    else throw new RequestFailure(404, 'not-found', `a job knows pause, resume and cancel, not ${verb}`);
  });

  // A hold may be about a key, which identifies a patient (rule 33).
  routes.get('/holds', async (request, response) => {
    const by = readerOf(request);
    const list = holds.list();
    const shown = list.map(({ id }) => `hold/${id}`).join(' ') || 'none';
    await store.audit({ ...by, at: Date.now(), action: 'read holds', subject: shown });
    response.json({ holds: list });
  });

  routes.post('/holds', body, async (request, response) => {
    response.json(await holds.add(stripped(read(hold, request)) as HoldRequest, readerOf(request)));
  });

  return routes;
}

function withoutValues(status: JobStatus): JobStatus {
  const { meta, errorText, ...others } = status.filter;
  const names = meta && Object.fromEntries(Object.keys(meta).map((name) => [name, withheld]));
  const filter = { ...others, ...(names && { meta: names }), ...(errorText !== undefined && { errorText: withheld }) };
  return { ...status, filter };
}

const withheld = '(for a reader with a reason)';

function read<S extends z.ZodType>(schema: S, request: Request): z.output<S> {
  const result = schema.safeParse(request.body ?? {});
  if (!result.success) throw new RequestFailure(400, 'request-invalid', describeIssues(result.error));
  return result.data;
}

/** Without the keys that are undefined, also in what is nested. */
function stripped(value: object): object {
  const given = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    given.map(([name, each]) => [
      name,
      typeof each === 'object' && each !== null && !Array.isArray(each) ? stripped(each) : each,
    ]),
  );
}
