import express, { type Request, Router } from 'express';
import { z } from 'zod';
import { describeIssues } from '../../core/define.ts';
import type { DailyCounts, DailyQuery } from '../../core/store/daily-counts.ts';
import { dayNumber, dayText, LocalDays } from '../../core/store/local-days.ts';
import type { StoredAuditEntry } from '../../core/store/message-store.ts';
import type { OpenError } from '../../core/store/open-error.ts';
import { type ChannelChange, channelChange } from '../deploy-trail.ts';
import { type CertificateReport, certificateReports } from './certificates.ts';
import { type ConnectionReport, connectionReports } from './connections.ts';
import type { AdminContext } from './context.ts';
import { type ErrorGroups, errorGroups, errorsOfCause } from './error-groups.ts';
import { RequestFailure } from './failure.ts';
import { given } from './given.ts';
import { type LaneReport, laneReport } from './lane-reasons.ts';
import { readerOf } from './reader.ts';

/** Counts of days; `days` are what was asked for, in the time zone of the hub. */
export interface DailyReport {
  readonly timeZone: string;
  readonly from: string;
  readonly to: string;
  readonly by: DailyQuery['by'];
  readonly counts: readonly DailyCounts[];
}

/** Open errors without the keys that they hold: how many those are. */
export interface ErrorList {
  readonly errors: readonly (Omit<OpenError, 'holds'> & { readonly blockedKeys: number })[];
  readonly cursor?: string;
}

export interface KeyReport {
  readonly lanes: readonly LaneReport[];
}

/** An entry of the audit trail; of a deployment with its versions. */
export type Change = StoredAuditEntry & Partial<ChannelChange>;

export interface ChangeList {
  readonly changes: readonly Change[];
}

export interface ConnectionList {
  readonly connections: readonly ConnectionReport[];
}

export interface CertificateList {
  readonly certificates: readonly CertificateReport[];
}

const mostDays = 366;
const day = z.string().refine((text) => dayNumber(text) !== undefined, 'a day like 2026-11-20');
const dailyQuery = z.strictObject({
  from: day.optional(),
  to: day.optional(),
  by: z.enum(['channel', 'destination', 'type']).default('channel'),
  channel: z.string().optional(),
});
const errorQuery = z.strictObject({
  channel: z.string().optional(),
  destination: z.string().optional(),
  error: z.string().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(50),
  cursor: z.string().optional(),
});
const groupQuery = z.strictObject({ channel: z.string().optional() });
const keyQuery = z.strictObject({
  key: z.string().max(1_000),
  channel: z.string().optional(),
  limit: z.int().min(1).max(1_000).default(20),
});
const changeQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(50),
  before: z.coerce.number().int().positive().optional(),
});

/** What analysts ask every day. Nothing of it shows content; what is asked by a patient's identifier names who asks and why. */
export function analystRoutes({ engine, wiring }: AdminContext): Router {
  const routes = Router();
  const { store } = engine;
  const days = new LocalDays(store.timeZone);

  routes.get('/report', async (request, response) => {
    const { from, to, by, channel } = read(dailyQuery, request.query);
    const today = dayText(days.of(Date.now()));
    const range = { from: from ?? to ?? today, to: to ?? from ?? today };
    refuseLongRange(range);
    const counts = await store.dailyCounts({ ...range, by, ...(channel === undefined ? {} : { channel }) });
    response.json({ timeZone: store.timeZone, ...range, by, counts } satisfies DailyReport);
  });

  routes.get('/errors', async (request, response) => {
    const { error, ...query } = given(read(errorQuery, request.query));
    const page = await (error === undefined ? store.openErrors(query) : errorsOfCause(store, error, query));
    const errors = page.errors.map(({ holds, ...error }) => ({ ...error, blockedKeys: holds.length }));
    response.json({ ...page, errors } satisfies ErrorList);
  });

  routes.get('/errors/groups', async (request, response) => {
    response.json((await errorGroups(store, read(groupQuery, request.query).channel)) satisfies ErrorGroups);
  });

  // An identifier has no place in an address, which others write to their logs.
  routes.post('/keys', express.json({ limit: '16kb' }), async (request, response) => {
    const by = readerOf(request);
    const query = given(read(keyQuery, request.body ?? {}));
    const [lanes, channels] = await Promise.all([store.lanes(query, by), engine.status()]);
    response.json({ lanes: lanes.map((lane) => laneReport(lane, channels, wiring())) } satisfies KeyReport);
  });

  routes.get('/changes', async (request, response) => {
    const entries = await store.auditTrail({ ...given(read(changeQuery, request.query)), changes: true });
    const changes = entries.map((entry) => ({
      ...entry,
      ...(entry.action === 'deploy' && channelChange(entry.subject)),
    }));
    response.json({ changes } satisfies ChangeList);
  });

  routes.get('/connections', async (_request, response) => {
    response.json({ connections: connectionReports(wiring(), await engine.status()) } satisfies ConnectionList);
  });

  routes.get('/certificates', async (_request, response) => {
    response.json({ certificates: await certificateReports(wiring(), Date.now()) } satisfies CertificateList);
  });

  return routes;
}

function refuseLongRange({ from, to }: { readonly from: string; readonly to: string }): void {
  const range = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  if (range < 0) throw new RequestFailure(400, 'request-invalid', `the days end before they begin: ${from} to ${to}`);
  if (range >= mostDays) throw new RequestFailure(400, 'request-invalid', `at most ${mostDays} days are told at once`);
}

function read<S extends z.ZodType>(schema: S, input: Request['query'] | unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (!result.success) throw new RequestFailure(400, 'request-invalid', describeIssues(result.error));
  return result.data;
}
