import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import type { AlarmsServiceFigures } from '../services/alarms-service.ts';
import { alarmFigures } from './alarm-figures.ts';

it('the alarms service tells what is raised and what it has done, and a hub that does not run it only that', async () => {
  const registry = new Registry();
  const figures: { -readonly [K in keyof AlarmsServiceFigures]: AlarmsServiceFigures[K] } = {
    ...{ service: 'alarms', now: 100_000, readings: { judged: 12, late: 1 } },
    computed: [{ score: 'NEWS2', count: 3 }],
    missing: [{ score: 'NEWS2', input: 'onOxygen', count: 4 }],
    here: {
      ...{ handled: 13, repeated: 2, refused: 1, outbox: 5, behindMs: 1_500 },
      raised: [{ priority: 'high', state: 'active', count: 2 }],
      unacknowledged: [
        { priority: 'high', oldestRaisedAt: 40_000 },
        { priority: 'low', oldestRaisedAt: undefined },
      ],
    },
  };
  const set = alarmFigures({ figures: () => figures }, registry);
  const lines = async () => {
    set();
    return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  };
  const done = [
    'weir_alarm_readings_total{outcome="judged"} 12',
    'weir_alarm_readings_total{outcome="late"} 1',
    'weir_scores_computed_total{score="NEWS2"} 3',
    'weir_scores_missing_total{score="NEWS2",input="onOxygen"} 4',
  ];
  expect(await lines()).toEqual([
    'weir_service_running{service="alarms"} 1',
    'weir_service_behind_seconds{service="alarms"} 1.5',
    'weir_service_outbox{service="alarms"} 5',
    'weir_service_events_total{service="alarms",outcome="handled"} 13',
    'weir_service_events_total{service="alarms",outcome="repeated"} 2',
    'weir_service_events_total{service="alarms",outcome="refused"} 1',
    'weir_alarms{priority="high",state="active"} 2',
    'weir_alarms_unacknowledged_age_seconds{priority="high"} 60',
    'weir_alarms_unacknowledged_age_seconds{priority="low"} 0',
    ...done,
  ]);
  figures.here = undefined;
  expect(await lines()).toEqual(['weir_service_running{service="alarms"} 0', ...done]);
});
