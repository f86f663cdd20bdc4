import type { ServiceState } from '../../core/service.ts';
import { type OpenAlarm, openAlarms } from './alarm-report.ts';

/** What is raised, in figures without names of anybody. */
export interface AlarmFigures {
  readonly raised: readonly {
    readonly priority: OpenAlarm['priority'];
    readonly state: OpenAlarm['state'];
    readonly count: number;
  }[];
  /** When the oldest of those was raised that nobody has acknowledged; undefined where there is none. */
  readonly unacknowledged: readonly {
    readonly priority: OpenAlarm['priority'];
    readonly oldestRaisedAt: number | undefined;
  }[];
}

const priorities = ['high', 'medium', 'low'] as const;
const states = ['active', 'latched', 'acknowledged'] as const;

export function alarmFigures(state: Pick<ServiceState, 'get' | 'all'>): AlarmFigures {
  const open = openAlarms(state, false);
  return {
    raised: priorities.flatMap((priority) =>
      states.map((state) => ({
        ...{ priority, state },
        count: open.filter((alarm) => alarm.priority === priority && alarm.state === state).length,
      })),
    ),
    unacknowledged: priorities.map((priority) => {
      const times = open.filter((alarm) => alarm.priority === priority && alarm.state !== 'acknowledged');
      return {
        priority,
        oldestRaisedAt: times.length > 0 ? Math.min(...times.map(({ raisedAt }) => raisedAt)) : undefined,
      };
    }),
  };
}
