import type { Clock, ComponentContext, ConnectionState, Log, TcpListener } from '../component.ts';
import type { DestinationContext } from '../destination.ts';
import type { NamedDevices } from '../device-profile.ts';
import { type Endpoint, endpointKinds } from '../endpoint.ts';
import { HubError } from '../errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { noEventLog } from '../events/no-event-log.ts';
import type { AckPoint } from '../outcome.ts';
import type { SourceContext } from '../source.ts';
import { wallClock } from './fake-clock.ts';

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** What a component told its context, for a test to look at. */
export interface Recorded {
  readonly logged: readonly LoggedLine[];
  /** Every state reported, in order. */
  readonly reported: readonly { readonly state: ConnectionState; readonly connections?: number }[];
  /** Counters by name. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface FakeContextOptions {
  /** `lab-in` unless given. */
  readonly channel?: string;
  /** None unless given: as at a hub of its own. */
  readonly lease?: string;
  /** Endpoints by name; their optional fields are filled in as the environment's loader does. */
  readonly endpoints?: Readonly<Record<string, EndpointInput>>;
  /** Device profiles, each under its own name. */
  readonly deviceProfiles?: readonly NamedDevices[];
  /** Real time unless given. */
  readonly clock?: Clock;
  /** A repeatable sequence unless given. */
  readonly random?: () => number;
  /** Every call fails unless given. */
  readonly events?: EventLog;
}

export type EndpointInput = { readonly kind: Endpoint['kind'] } & Readonly<Record<string, unknown>>;

export type FakeSourceContext = SourceContext & Recorded;
export type FakeDestinationContext = DestinationContext & Recorded;

/** A context for a source under test. `listen` answers with the given listeners by endpoint name. */
export function fakeSourceContext(
  options: FakeContextOptions & {
    /** `stored` unless given. */
    readonly ackAfter?: AckPoint;
    readonly listeners?: Readonly<Record<string, TcpListener>>;
  } = {},
): FakeSourceContext {
  return {
    ...fakeComponentContext(options),
    ackAfter: options.ackAfter ?? 'stored',
    events: options.events ?? noEventLog('using the event log in a test'),
    listen: async (endpoint) => {
      const listener = options.listeners?.[endpoint];
      if (!listener) throw new HubError('config-invalid', 'permanent', `listening on ${endpoint}: no such listener`);
      return listener;
    },
  };
}

/** A context for a destination under test, called `out` unless told otherwise. */
export function fakeDestinationContext(
  options: FakeContextOptions & { readonly destination?: string; readonly give?: DestinationContext['give'] } = {},
): FakeDestinationContext {
  return {
    ...fakeComponentContext(options),
    destination: options.destination ?? 'out',
    events: options.events ?? noEventLog('using the event log in a test'),
    give: async (channel, message) => {
      if (!options.give)
        throw new HubError('not-found', 'transient', `giving to ${channel}: there is none`, { scope: 'destination' });
      await options.give(channel, message);
    },
  };
}

export function fakeComponentContext(options: FakeContextOptions = {}): ComponentContext & Recorded {
  const counts: Record<string, number> = {};
  const reported: { state: ConnectionState; connections?: number }[] = [];
  const { log, logged } = recordingLog();
  return {
    channel: options.channel ?? 'lab-in',
    lease: options.lease,
    endpoint: (kind, name) => {
      const endpoint = options.endpoints?.[name];
      if (endpoint?.kind !== kind)
        throw new HubError('config-invalid', 'permanent', `finding endpoint ${name}: there is none of kind ${kind}`);
      const { kind: _, ...fields } = endpoint;
      return endpointKinds[kind].parse(fields) as never;
    },
    deviceProfile: (name) => {
      const found = options.deviceProfiles?.find((each) => each.name === name);
      if (!found) throw new HubError('config-invalid', 'permanent', `finding device profile ${name}: there is none`);
      return found;
    },
    clock: options.clock ?? wallClock,
    random: options.random ?? repeatableRandom(),
    log,
    report: (state, connections) => void reported.push(connections === undefined ? { state } : { state, connections }),
    count: (name, by = 1) => {
      counts[name] = (counts[name] ?? 0) + by;
    },
    logged,
    reported,
    counts,
  };
}

export function recordingLog(): { readonly log: Log; readonly logged: readonly LoggedLine[] } {
  const logged: LoggedLine[] = [];
  const at = (level: LoggedLine['level']) => (fields: LoggedLine['fields'], text: string) =>
    void logged.push({ level, fields, text });
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, logged };
}

/** [0, 1), the same sequence for the same seed (mulberry32). */
export function repeatableRandom(seed = 1): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
