import { Counter, Gauge, type Registry } from 'prom-client';
import type { AlertsOfOne } from '../alerts/alerts-of-one.ts';
import { severities } from '../alerts/condition.ts';
import { conditions } from '../alerts/conditions/index.ts';

/** How many alerts fire, and how telling of them goes; the result sets them for one scrape. */
export function alertFigures(alerts: Pick<AlertsOfOne, 'figures'>, registry: Registry): () => void {
  const firing = new Gauge({
    name: 'weir_alerts_firing',
    help: 'Alerts that fire now, those in maintenance included.',
    labelNames: ['condition', 'severity'],
    registers: [registry],
  });
  const notices = new Counter({
    name: 'weir_alert_notices_total',
    help: 'Notices of alerts by where they went and what became of them.',
    labelNames: ['sink', 'outcome'],
    registers: [registry],
  });
  const types = [...conditions.map(({ type }) => type), 'noTraffic'];
  return () => {
    const report = alerts.figures();
    firing.reset();
    notices.reset();
    for (const condition of types) for (const severity of severities) firing.set({ condition, severity }, 0);
    for (const { condition, severity } of report.firing) firing.inc({ condition, severity });
    for (const { sink, outcome, count } of report.notices) notices.inc({ sink, outcome }, count);
  };
}
