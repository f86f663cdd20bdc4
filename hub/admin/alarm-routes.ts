import express, { type Request, Router } from 'express';
import { z } from 'zod';
import { identifier } from '../../contracts/clinical-person.ts';
import type { VitalAlarm } from '../../contracts/vitals.ts';
import { describeIssues } from '../../core/define.ts';
import type { Threshold } from '../../services/alarms/documents.ts';
import type { AlarmsService } from '../services/alarms-service.ts';
import type { AdminContext } from './context.ts';
import { RequestFailure } from './failure.ts';
import { hasReader, readerOf } from './reader.ts';
import { Viewers } from './viewers.ts';

const acknowledgement = z.strictObject({ incident: z.string().min(1).max(300) });
const association = z.strictObject({ patient: identifier, from: z.int().optional() });
const condition = z.string().min(1).max(500);
const delay = z.int().min(0).max(86_400_000);
const threshold = z.strictObject({
  patient: identifier,
  alarm: z.string().min(1).max(100),
  /** Absent: as the profile says again. */
  threshold: z
    .strictObject({
      when: condition.optional(),
      clearWhen: condition.optional(),
      raiseAfterMs: delay.optional(),
      clearAfterMs: delay.optional(),
      priority: z.enum(['low', 'medium', 'high']).optional(),
      off: z.boolean().optional(),
    })
    .optional(),
});
const charted = z.strictObject({
  patient: identifier,
  consciousness: z.enum(['A', 'C', 'V', 'P', 'U']).optional(),
  onOxygen: z.boolean().optional(),
  scale2: z.boolean().optional(),
});
const asked = z.strictObject({ patient: identifier });

/**
 * Alarms of devices, with whom they are, and early-warning scores. What fires is told to whoever asks; patients and values only to
 * somebody with a name and a reason (rule 33).
 */
export function alarmRoutes({ alarms }: AdminContext): Router {
  const routes = Router();
  const body = express.json({ limit: '16kb' });
  const viewers = new Viewers('live alarms');
  const service = (): AlarmsService => {
    if (alarms) return alarms;
    throw new RequestFailure(
      404,
      'not-found',
      'this hub watches for no alarms: `services: { alarms: {} }` in weir.yaml turns it on',
    );
  };
  const optional = (request: Request) => (hasReader(request) ? readerOf(request) : undefined);

  routes.get('/alarms', async (request, response) => {
    response.json({ alarms: await service().open(optional(request)) });
  });

  routes.post('/alarms/acknowledge', body, async (request, response) => {
    const by = readerOf(request);
    const { incident } = read(acknowledgement, request.body);
    response.json({ acknowledged: await service().acknowledge(incident, by) });
  });

  routes.post('/alarms/thresholds', body, async (request, response) => {
    const by = readerOf(request);
    const given = read(threshold, request.body);
    await service().setThreshold(given.patient, given.alarm, given.threshold satisfies Threshold | undefined, by);
    response.json(await service().thresholds(given.patient, by));
  });

  // A patient is asked for in a body: addresses are logged by proxies.
  routes.post('/alarms/thresholds/list', body, async (request, response) => {
    const by = readerOf(request);
    response.json(await service().thresholds(read(asked, request.body).patient, by));
  });

  routes.post('/scores', body, async (request, response) => {
    const by = readerOf(request);
    response.json(await service().scores(read(asked, request.body).patient, by));
  });

  routes.get('/scores', async (request, response) => {
    response.json({ patients: await service().allScores(readerOf(request)) });
  });

  routes.post('/scores/chart', body, async (request, response) => {
    const by = readerOf(request);
    const { patient, ...given } = read(charted, request.body);
    response.json(await service().chart(patient, given, by));
  });

  routes.get('/devices', async (request, response) => {
    response.json({ devices: await service().devices(optional(request)) });
  });

  routes.post('/devices/:device/associate', body, async (request, response) => {
    const by = readerOf(request);
    const { patient, from } = read(association, request.body);
    response.json(await service().associate(String(request.params.device), patient, from, by));
  });

  routes.post('/devices/:device/dissociate', async (request, response) => {
    const by = readerOf(request);
    response.json(await service().dissociate(String(request.params.device), by));
  });

  /**
   * Changes of alarms as they come, and of scores (`score`), as server-sent events or by WebSocket. A viewer that misses one is let go:
   * at its return it asks what fires.
   */
  routes.get('/live/alarms', async (request, response) => {
    const { bus } = service();
    const by = optional(request);
    if (by) await service().looks(by);
    const viewer = await viewers.admit(request, response, bus.status());
    if (!viewer) return;
    const subscription = bus.subscribe((told) => {
      if (viewer.isSlow) return viewer.cut();
      viewer.say(bus.status());
      if ('alarm' in told) viewer.tell(by ? told : { ...told, alarm: withoutContent(told.alarm) });
      // A score is about a patient, whoever it is told to.
      else if (by) viewer.tell(told, 'score');
    });
    viewer.onGone(() => subscription[Symbol.dispose]());
  });

  return routes;
}

function withoutContent({ patient: _patient, reading: _reading, ...rest }: VitalAlarm): VitalAlarm {
  return rest;
}

function read<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const given = schema.safeParse(body ?? {});
  if (given.success) return given.data;
  throw new RequestFailure(400, 'request-invalid', describeIssues(given.error));
}
