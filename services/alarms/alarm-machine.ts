import { type Condition, holds, type PointState } from '../../contracts/device-profile/condition.ts';

/** How long what has to last, and whether the alarm stays until somebody has seen it. */
export interface AlarmTiming {
  readonly raiseAfterMs: number;
  readonly clearAfterMs: number;
  readonly latching: boolean;
}

/**
 * `pending`: the condition holds, not long enough yet. `clearing`: it is over, not long enough yet. `latched`: it is over, and
 * nobody has acknowledged it.
 */
export type Phase = 'idle' | 'pending' | 'active' | 'clearing' | 'acknowledged' | 'acknowledged-clearing' | 'latched';

/**
 * `holds`, `over`: what raises, what clears the alarm. `between`: neither of them (hysteresis). What cannot be told, because values
 * are missing, is no event: a sensor that fails neither raises an alarm nor ends one; that is for a technical alarm.
 */
type Event = 'holds' | 'over' | 'between' | 'raise-due' | 'clear-due' | 'clear-due-latching' | 'acknowledge';

/** What becomes of each phase; the compiler asks for every cell. */
const transitions: Readonly<Record<Phase, Readonly<Record<Event, Phase | 'ignore'>>>> = {
  idle: row({ holds: 'pending' }),
  pending: row({ over: 'idle', between: 'idle', 'raise-due': 'active' }),
  active: row({ over: 'clearing', acknowledge: 'acknowledged' }),
  clearing: row({
    ...{ holds: 'active', between: 'active', acknowledge: 'acknowledged-clearing' },
    ...{ 'clear-due': 'idle', 'clear-due-latching': 'latched' },
  }),
  acknowledged: row({ over: 'acknowledged-clearing' }),
  'acknowledged-clearing': row({
    ...{ holds: 'acknowledged', between: 'acknowledged' },
    ...{ 'clear-due': 'idle', 'clear-due-latching': 'idle' },
  }),
  latched: row({ holds: 'active', acknowledge: 'idle' }),
};

function row(known: Partial<Record<Event, Phase>>): Record<Event, Phase | 'ignore'> {
  return {
    ...{ holds: 'ignore', over: 'ignore', between: 'ignore', 'raise-due': 'ignore' },
    ...{ 'clear-due': 'ignore', 'clear-due-latching': 'ignore', acknowledge: 'ignore' },
    ...known,
  };
}

/** Where one alarm of one device stands. Plain data. Times are milliseconds since 1970. */
export interface AlarmState {
  readonly phase: Phase;
  /** When it came into the phase. */
  readonly since: number;
  /** Of the incident that is not over. */
  readonly raisedAt?: number;
}

export const idle: AlarmState = Object.freeze({ phase: 'idle', since: 0 });

/** What people are told; those of one incident have one `raisedAt`. */
export interface AlarmNotice {
  readonly state: 'active' | 'acknowledged' | 'latched' | 'cleared';
  readonly raisedAt: number;
  readonly at: number;
}

export type AlarmInput = 'holds' | 'over' | 'between' | 'unknown' | 'acknowledge' | 'tick';

export interface Stepped {
  readonly state: AlarmState;
  readonly notices: readonly AlarmNotice[];
}

/**
 * The alarm after an input. What was due before the input came comes first, so that it does not matter how often `tick` is called.
 * @param now not before the last step; a clock that went back is taken as standing still
 */
export function stepped(timing: AlarmTiming, state: AlarmState, input: AlarmInput, now: number): Stepped {
  const notices: AlarmNotice[] = [];
  let current = due(timing, state, Math.max(now, state.since), notices);
  const at = Math.max(now, current.since);
  if (input !== 'unknown' && input !== 'tick') current = moved(current, input, at, notices);
  return { state: due(timing, current, at, notices), notices };
}

/** When `tick` has something to do next; undefined where only an input can change anything. */
export function nextDue(timing: AlarmTiming, { phase, since }: AlarmState): number | undefined {
  switch (phase) {
    case 'pending':
      return since + timing.raiseAfterMs;
    case 'clearing':
    case 'acknowledged-clearing':
      return since + timing.clearAfterMs;
    case 'idle':
    case 'active':
    case 'acknowledged':
    case 'latched':
      return undefined;
    default:
      return phase satisfies never;
  }
}

function due(timing: AlarmTiming, state: AlarmState, now: number, notices: AlarmNotice[]): AlarmState {
  const at = nextDue(timing, state);
  if (at === undefined || at > now) return state;
  const event = state.phase === 'pending' ? 'raise-due' : timing.latching ? 'clear-due-latching' : 'clear-due';
  return moved(state, event, at, notices);
}

function moved(state: AlarmState, event: Event, at: number, notices: AlarmNotice[]): AlarmState {
  const phase = transitions[state.phase][event];
  if (phase === 'ignore') return state;
  const raisedAt = state.raisedAt ?? (phase === 'active' ? at : undefined);
  const told = noticeOf(state.phase, phase);
  if (told !== undefined && raisedAt !== undefined) notices.push({ state: told, raisedAt, at });
  return { phase, since: at, ...(phase !== 'idle' && raisedAt !== undefined && { raisedAt }) };
}

function noticeOf(from: Phase, to: Phase): AlarmNotice['state'] | undefined {
  switch (to) {
    case 'active':
      return from === 'clearing' ? undefined : 'active';
    case 'acknowledged':
    case 'acknowledged-clearing':
      return from === 'active' || from === 'clearing' ? 'acknowledged' : undefined;
    case 'latched':
      return 'latched';
    case 'idle':
      return from === 'pending' ? undefined : 'cleared';
    case 'pending':
    case 'clearing':
      return undefined;
    default:
      return to satisfies never;
  }
}

/** What the last readings of a device mean to an alarm with conditions. Without `clearWhen` it is over when `when` does not hold. */
export function inputOf(
  { when, clearWhen }: { readonly when: Condition; readonly clearWhen?: Condition },
  stateOf: (point: string) => PointState | undefined,
): 'holds' | 'over' | 'between' | 'unknown' {
  const raises = holds(when, stateOf);
  if (raises) return 'holds';
  const clears = clearWhen ? holds(clearWhen, stateOf) : raises === undefined ? undefined : !raises;
  if (clears) return 'over';
  return raises === undefined || clears === undefined ? 'unknown' : 'between';
}

/** What silence means to an alarm with `noDataMs`. */
export function silenceOf(noDataMs: number, lastHeardAt: number, now: number): 'holds' | 'over' {
  return now - lastHeardAt >= noDataMs ? 'holds' : 'over';
}
