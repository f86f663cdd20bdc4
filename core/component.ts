import type { Socket } from 'node:net';
import type { z } from 'zod';
import type { NamedDevices } from './device-profile.ts';
import type { EndpointKind, EndpointOf } from './endpoint.ts';

/** What every component says of itself: from it come validation, JSON Schema, reference page, check and registration. */
export interface ComponentBasics<C extends z.ZodType> {
  /** A noun of the protocol: `mllp`, `modbus-tcp`; transforms are `from-to-to`. */
  readonly type: string;
  /** One sentence, with the clause of the standard it follows. */
  readonly summary: string;
  /** A strict object; every field has `.describe()`, saying what changes when it changes. */
  readonly config: C;
  readonly examples: readonly [ComponentExample<C>, ...ComponentExample<C>[]];
  /** What two channels cannot both have. `endpoint:<name>` for a listening endpoint. */
  resources?(config: z.output<C>): readonly string[];
  /** The device profiles that it names: only those `context.deviceProfile` has. Each is part of the channel's version. */
  deviceProfiles?(config: z.output<C>): readonly string[];
}

export interface ComponentExample<C extends z.ZodType> {
  readonly title: string;
  readonly config: z.input<C>;
}

/** How a connection stands, as the console shows it. */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'reading' | 'retrying' | 'stopped';

/** Structured logging. Fields hold ids and numbers, never content. */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, text: string): void;
  info(fields: Readonly<Record<string, unknown>>, text: string): void;
  warn(fields: Readonly<Record<string, unknown>>, text: string): void;
  error(fields: Readonly<Record<string, unknown>>, text: string): void;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds, monotonic. */
  monotonic(): number;
  /** Calls `due` once, `afterMs` later; the result cancels it. Does not keep the process alive by itself. */
  timer(afterMs: number, due: () => void): () => void;
}

export interface ComponentContext {
  readonly channel: string;
  /**
   * Where several hubs share a store: the lease that this component works under, by the same name at each of them, so that a far end
   * that fences can refuse whoever had it before. Undefined at a hub of its own, and where it is at work on every hub at once.
   */
  readonly lease?: string | undefined;
  /** The endpoint of that name in the environment. Throws HubError `config-invalid` if there is none, or of another kind. */
  endpoint<K extends EndpointKind>(kind: K, name: string): EndpointOf<K>;
  /**
   * A device profile that the configuration names, as the channel's version was read with it. Throws HubError `config-invalid` if
   * there is none of that name. `contracts/device-profile/profile-in-use.ts` has it with its type.
   */
  deviceProfile(name: string): NamedDevices;
  readonly clock: Clock;
  /** [0, 1): jitter and ids, injected so that tests repeat. */
  readonly random: () => number;
  readonly log: Log;
  /** Shown as the connection's state; `connections` where there can be several. */
  report(state: ConnectionState, connections?: number): void;
  /** Adds to a named counter of this component, e.g. `mllp_refused_total`. */
  count(name: string, by?: number): void;
}

/** A listening TCP socket that stays open while sources behind it change. */
export interface TcpListener {
  readonly host: string;
  readonly port: number;
  /**
   * Hands every new connection to `handler`, paused, until the result is disposed of; connections made while nobody handles
   * wait in the kernel's queue.
   */
  handle(handler: (socket: Socket) => void): Disposable;
}
