import type { Clock, ConnectionState, Log } from '../../core/component.ts';
import { asHubError, type HubError } from '../../core/errors.ts';
import { dial } from '../../core/net/dial.ts';
import type { ModbusRequest } from '../../protocols/modbus/message.ts';
import { keepOpen } from '../serial-port/keep-open.ts';
import { Line } from '../serial-port/line.ts';
import { deviceServer, openLine } from '../serial-port/open-line.ts';
import type { PortSettings } from '../serial-port/port-settings.ts';
import { type Answered, type Ask, type Exchanges, modbusError } from './ask.ts';
import { RtuRequests } from './rtu-requests.ts';
import { TcpRequests } from './tcp-requests.ts';

/** Where units are asked: over a connection of Modbus TCP, or a serial line, which may be behind a device server. */
export type EndpointSettings =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly maxOpen: number }
  | { readonly kind: 'rtu'; readonly port: PortSettings };

/** By it the same endpoint is known. */
export function addressOf(settings: EndpointSettings): string {
  return settings.kind === 'tcp' ? `${settings.host}:${settings.port}` : settings.port.path;
}

export interface AskOptions {
  /** How long the unit may take to answer. */
  readonly timeoutMs: number;
  /** On the monotonic clock: it is not sent later. */
  readonly notAfter: number;
  /** Of a unit that did not answer: the others come first. */
  readonly isProbe?: boolean;
}

/** Somebody who asks units at the endpoint. */
export interface EndpointUser {
  /** The longest that it waits for an answer: a serial line stays quiet for as long after one that did not come. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  report(state: ConnectionState): void;
  count(name: string, by?: number): void;
}

const connectTimeoutMs = 10_000;
const keepAliveMs = 10_000;
/** How long all units keep quiet after a request to all of them. */
const turnaroundMs = 100;
/** So many requests in a row without an answer, or a byte of anything, and the connection counts as dead. */
const DEAF_AFTER = 2;
const MOST_WAITING = 10_000;
/** How long a timer waits at the most: what is asked meanwhile may have less time. */
const longestSweepMs = 250;

/**
 * The one connection to an address, for all who ask units there. It is opened again whenever it is lost, without end, after pauses that
 * grow from 0.5 s to 30 s. Requests wait while another is under way to the same unit, and while the connection is being opened for the
 * first time or again; once an attempt has failed they are not sent, and that is told at once.
 */
export class ModbusEndpoint {
  readonly where: string;
  readonly #settings: EndpointSettings;
  readonly #users = new Set<EndpointUser>();
  readonly #waiting: Ask[] = [];
  readonly #probes: Ask[] = [];
  readonly #end = new AbortController();
  readonly #clock: Clock;
  #exchanges: Exchanges | undefined;
  #line: Line | undefined;
  #down: HubError | undefined;
  #state: ConnectionState = 'connecting';
  #deafFor = 0;
  #connections = 0;
  #cancelSweep: (() => void) | undefined;

  /** Resolves when it is closed and somebody else may open the line. */
  readonly closed: Promise<void>;

  /** @param after what has to be closed before */
  constructor(settings: EndpointSettings, user: EndpointUser, after: Promise<void> = Promise.resolve()) {
    this.#settings = settings;
    this.where = addressOf(settings);
    this.#clock = user.clock;
    this.attach(user);
    this.closed = after.then(() => this.#keepOpen(user));
  }

  /** How often it has been connected: what was true of units before may have changed. */
  get connections(): number {
    return this.#connections;
  }

  attach(user: EndpointUser): void {
    this.#users.add(user);
    user.report(this.#state);
  }

  /** Whether nobody is left: then it closes. */
  detach(user: EndpointUser): boolean {
    this.#users.delete(user);
    if (this.#users.size > 0) return false;
    this.#end.abort();
    return true;
  }

  /** Never rejects. Of each caller and unit one request at a time. */
  ask(unit: number, request: ModbusRequest, { timeoutMs, notAfter, isProbe }: AskOptions): Promise<Answered> {
    const { promise, resolve } = Promise.withResolvers<Answered>();
    const ask: Ask = { unit, request, timeoutMs, notAfter, settle: resolve };
    if (this.#down) resolve({ kind: 'unsent', error: this.#down });
    else if (this.#exchanges?.isFree(unit) && this.#waiting.length === 0) this.#exchanges.send(ask);
    else if (this.#waiting.length + this.#probes.length >= MOST_WAITING)
      resolve({ kind: 'unsent', error: this.#error('refused', 'too many requests wait') });
    else {
      (isProbe ? this.#probes : this.#waiting).push(ask);
      this.#sweepLater();
    }
    return promise;
  }

  async #keepOpen({ clock, random, log }: EndpointUser): Promise<void> {
    const settings = this.#settings;
    await keepOpen({
      ...{ clock, random, signal: this.#end.signal },
      ...(settings.kind === 'rtu' && { path: settings.port.path }),
      open: async (signal) => {
        try {
          return await open(settings, clock, signal);
        } catch (thrown) {
          this.#fail(asHubError(thrown, 'refused', `connecting to ${this.where}`, 'transient'));
          throw thrown;
        }
      },
      use: (line) => this.#use(line),
      report: (state) => {
        this.#state = state;
        for (const user of this.#users) user.report(state);
      },
      failed: ({ code, message }) => log.warn({ code }, message),
    });
    this.#fail(this.#error('draining', 'ended'));
  }

  async #use(line: Line): Promise<void> {
    this.#down = undefined;
    this.#line = line;
    this.#deafFor = 0;
    this.#connections += 1;
    this.#count('modbus_connections_total');
    const told = {
      free: () => this.#pump(),
      heard: () => {
        this.#deafFor = 0;
      },
      timedOut: () => this.#timedOut(),
      broken: (error: HubError) => {
        // What is asked from now on waits for the next connection.
        this.#exchanges = undefined;
        line.destroy(error);
      },
      count: (name: string, by?: number) => this.#count(name, by),
    };
    const settings = this.#settings;
    const exchanges =
      settings.kind === 'tcp'
        ? new TcpRequests(line, settings.maxOpen, this.#clock, told)
        : new RtuRequests(line, this.#rtuLine(settings.port), this.#clock, told);
    this.#exchanges = exchanges;
    this.#pump();
    await lost(line, this.#end.signal);
    this.#exchanges = undefined;
    this.#line = undefined;
    const { reason } = line.lost as { readonly reason?: unknown };
    exchanges.end(asHubError(reason, 'connection-lost', `connected to ${this.where}`, 'transient'));
  }

  #rtuLine({ baud, parity, stopBits }: PortSettings) {
    const users = this.#users;
    return {
      baud,
      bitsPerCharacter: 1 + 8 + (parity === 'none' ? 0 : 1) + stopBits,
      turnaroundMs,
      get responseTimeoutMs() {
        return Math.max(...[...users].map(({ timeoutMs }) => timeoutMs), 1);
      },
    };
  }

  /** A far end that has gone without a word: nothing comes any more, of nobody. A serial port stays what it is. */
  #timedOut(): void {
    this.#count('modbus_timeouts_total');
    this.#deafFor += 1;
    const settings = this.#settings;
    const isNetwork = settings.kind === 'tcp' || deviceServer(settings.port.path) !== undefined;
    if (isNetwork && this.#deafFor >= DEAF_AFTER)
      this.#line?.destroy(this.#error('connection-lost', 'nothing comes any more'));
  }

  #pump(): void {
    this.#pumpFrom(this.#waiting);
    // Units that did not answer would keep the others waiting for as long as a timeout takes.
    if (this.#waiting.length === 0) this.#pumpFrom(this.#probes);
  }

  #pumpFrom(waiting: Ask[]): void {
    const now = this.#clock.monotonic();
    for (let at = 0; at < waiting.length && this.#exchanges; ) {
      const ask = waiting[at]!;
      if (ask.notAfter > now && !this.#exchanges.isFree(ask.unit)) {
        at += 1;
        continue;
      }
      waiting.splice(at, 1);
      if (ask.notAfter > now) this.#exchanges.send(ask);
      else this.#tooLate(ask);
    }
  }

  #tooLate(ask: Ask): void {
    ask.settle({ kind: 'unsent', error: this.#error('reply-timeout', `unit ${ask.unit} could not be asked in time`) });
  }

  /** What waits although nothing else happens is given up when its time is over. */
  #sweepLater(): void {
    const all = [...this.#waiting, ...this.#probes];
    if (this.#cancelSweep || all.length === 0) return;
    const first = Math.min(...all.map(({ notAfter }) => notAfter));
    const waitMs = Math.min(Math.max(1, Math.ceil(first - this.#clock.monotonic())), longestSweepMs);
    this.#cancelSweep = this.#clock.timer(waitMs, () => {
      this.#cancelSweep = undefined;
      const now = this.#clock.monotonic();
      for (const waiting of [this.#waiting, this.#probes]) {
        const late = waiting.filter(({ notAfter }) => notAfter <= now);
        waiting.splice(0, waiting.length, ...waiting.filter(({ notAfter }) => notAfter > now));
        for (const ask of late) this.#tooLate(ask);
      }
      this.#sweepLater();
    });
  }

  #fail(error: HubError): void {
    this.#down = error;
    for (const ask of [...this.#waiting.splice(0), ...this.#probes.splice(0)]) ask.settle({ kind: 'unsent', error });
  }

  #count(name: string, by = 1): void {
    // The first of them: a connection that two channels share is not counted twice.
    const [first] = this.#users;
    first?.count(name, by);
  }

  #error(code: HubError['code'], what: string): HubError {
    return modbusError(code, `connected to ${this.where}: ${what}`);
  }
}

async function open(settings: EndpointSettings, clock: Clock, signal: AbortSignal): Promise<Line> {
  const options = { clock, timeoutMs: connectTimeoutMs, signal };
  if (settings.kind === 'rtu') return openLine(settings.port, options);
  const { host, port } = settings;
  const socket = await dial({ host, port }, options);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  return new Line(socket, addressOf(settings), async () => void socket.destroy());
}

/** Resolves when the line is lost or `end` aborts. */
function lost(line: Line, end: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const signal = AbortSignal.any([line.lost, end]);
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
