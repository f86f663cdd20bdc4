/** How a channel stands. `stopped` and `paused` are wishes that survive a restart; `failed` waits for somebody. */
export type ChannelState = 'stopped' | 'starting' | 'running' | 'paused' | 'draining' | 'failed';

export type ChannelEvent = 'start' | 'started' | 'pause' | 'stop' | 'drained' | 'halt' | 'fail';

/** The whole state machine: the compiler asks for every cell. */
const transitions: Record<ChannelState, Record<ChannelEvent, ChannelState | 'ignore'>> = {
  stopped: {
    start: 'starting',
    started: 'ignore',
    pause: 'starting',
    stop: 'ignore',
    drained: 'ignore',
    halt: 'ignore',
    fail: 'failed',
  },
  starting: {
    start: 'ignore',
    started: 'running',
    pause: 'paused',
    stop: 'draining',
    drained: 'ignore',
    halt: 'stopped',
    fail: 'failed',
  },
  running: {
    start: 'ignore',
    started: 'ignore',
    pause: 'paused',
    stop: 'draining',
    drained: 'ignore',
    halt: 'stopped',
    fail: 'failed',
  },
  paused: {
    start: 'starting',
    started: 'ignore',
    pause: 'ignore',
    stop: 'draining',
    drained: 'ignore',
    halt: 'stopped',
    fail: 'failed',
  },
  draining: {
    start: 'ignore',
    started: 'ignore',
    pause: 'ignore',
    stop: 'ignore',
    drained: 'stopped',
    halt: 'stopped',
    fail: 'failed',
  },
  failed: {
    start: 'starting',
    started: 'ignore',
    pause: 'ignore',
    stop: 'stopped',
    drained: 'stopped',
    halt: 'stopped',
    fail: 'ignore',
  },
};

/** The state after an event; the same one where the event changes nothing. */
export function nextState(state: ChannelState, event: ChannelEvent): ChannelState {
  const next = transitions[state][event];
  return next === 'ignore' ? state : next;
}
