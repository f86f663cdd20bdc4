import { Counter, Gauge, type Registry } from 'prom-client';
import type { AlarmsService } from '../services/alarms-service.ts';

/** Figures of the alarms service, of this hub’s run of it; the result sets them for one scrape. No label names anybody. */
export function alarmFigures(alarms: Pick<AlarmsService, 'figures'> | undefined, registry: Registry): () => void {
  if (!alarms) return () => undefined;
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers });
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const running = gauge('weir_service_running', '1 at the hub that runs the service, else 0.', 'service');
  const behind = gauge('weir_service_behind_seconds', 'How far it is behind what is published.', 'service');
  const outbox = gauge('weir_service_outbox', 'Events of a service that wait to be published.', 'service');
  const events = counter(
    'weir_service_events_total',
    'Events that a service was given, since it runs here: handled, known already (repeated), or not to be read (refused).',
    ...(['service', 'outcome'] as const),
  );
  const raised = gauge('weir_alarms', 'Alarms of devices that are not over.', ...(['priority', 'state'] as const));
  const oldest = gauge(
    'weir_alarms_unacknowledged_age_seconds',
    'For how long the oldest alarm that nobody has acknowledged is raised; 0 where there is none.',
    'priority',
  );
  const readings = counter(
    'weir_alarm_readings_total',
    'Readings that were judged by the alarms of their device, and those that came too late for it.',
    'outcome',
  );
  const computed = counter('weir_scores_computed_total', 'Early-warning scores that were computed.', 'score');
  const missing = counter(
    'weir_scores_missing_total',
    'Early-warning scores that could not be computed, by each input that was missing or too old.',
    ...(['score', 'input'] as const),
  );
  const all = [running, behind, outbox, events, raised, oldest, readings, computed, missing];
  return () => {
    for (const each of all) each.reset();
    const { service, now, here, ...done } = alarms.figures();
    running.set({ service }, here ? 1 : 0);
    for (const [outcome, count] of Object.entries(done.readings)) readings.inc({ outcome }, count);
    for (const { score, count } of done.computed) computed.inc({ score }, count);
    for (const { score, input, count } of done.missing) missing.inc({ score, input }, count);
    // What is raised says the hub that knows it.
    if (!here) return;
    behind.set({ service }, here.behindMs / 1_000);
    outbox.set({ service }, here.outbox);
    for (const outcome of ['handled', 'repeated', 'refused'] as const) events.inc({ service, outcome }, here[outcome]);
    for (const { priority, state, count } of here.raised) raised.set({ priority, state }, count);
    for (const { priority, oldestRaisedAt = now } of here.unacknowledged)
      oldest.set({ priority }, Math.max(0, now - oldestRaisedAt) / 1_000);
  };
}
