import type { Socket } from 'node:net';
import type { Clock, ComponentContext, ConnectionState } from '../../core/component.ts';
import type { HubError } from '../../core/errors.ts';
import { dial } from '../../core/net/dial.ts';
import { until } from '../../core/until.ts';
import type { LinkOptions } from '../../protocols/astm/link-options.ts';
import { keepOpen } from '../serial-port/keep-open.ts';
import { Line, lineError } from '../serial-port/line.ts';
import { deviceServer, openLine } from '../serial-port/open-line.ts';
import type { Where } from './config.ts';
import { LinkDriver, type Receiving } from './driver.ts';

/** Who has hold of a link: told how it stands. */
export interface Holder {
  report(state: ConnectionState): void;
  failed(error: HubError): void;
}

type Context = Pick<ComponentContext, 'endpoint' | 'clock' | 'random'>;

const connectMs = 10_000;
const keepAliveMs = 10_000;
const lingerMs = 2_000;

/**
 * The links of this process, by what they lead to. A cable has one end here, and a source and a destination of one analyzer must
 * take turns on it: what one of them holds the other one finds here. Nothing else is shared between components in this way.
 */
const links = new Map<string, SharedLink>();
const closing = new Map<string, Promise<void>>();

/**
 * Takes hold of the link to an analyzer: the one that another component has hold of, or a new one. Links that are dialled or are
 * serial ports are opened, and opened again, for as long as somebody has hold of them; a listening one has the lines that its source
 * adopts. Throws HubError `config-invalid`.
 * @param options of the link where nobody receives on it
 */
export function holdLink(where: Where, context: Context, options: LinkOptions, holder: Holder): HeldLink {
  const { key, open, path } = opening(where, context);
  let link = links.get(key);
  if (!link) links.set(key, (link = new SharedLink(key, context, options, open, path)));
  return new HeldLink(link, holder);
}

/** A hold on a link; disposing of it lets go, and closes the link where nobody else has hold of it. */
export class HeldLink implements AsyncDisposable {
  readonly #link: SharedLink;
  readonly #holder: Holder;
  #receiving: Receiving | undefined;

  constructor(link: SharedLink, holder: Holder) {
    this.#link = link;
    this.#holder = holder;
    link.add(holder);
  }

  /** What runs on the line, where there is one now. */
  get driver(): LinkDriver | undefined {
    return this.#link.driver;
  }

  /** From now on what comes in is for `receiving`, by these rules; undefined: nobody receives, and an analyzer is told so. */
  receive(receiving: Receiving | undefined, options?: LinkOptions): void {
    if (receiving === undefined && this.#receiving === undefined) return;
    this.#link.receive(receiving, options, this.#receiving);
    this.#receiving = receiving;
  }

  /** Takes a line that an analyzer has opened. A second one of the same peer takes the first one's place; false for any other. */
  adopt(line: Line, peer: string): boolean {
    return this.#link.adopt(line, peer);
  }

  /** What runs on the line, once there is one; why there is none after `withinMs`. */
  ready(withinMs: number, signal: AbortSignal): Promise<LinkDriver | HubError> {
    return this.#link.ready(withinMs, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.receive(undefined);
    await this.#link.remove(this.#holder);
  }
}

class SharedLink {
  driver: LinkDriver | undefined;
  readonly #key: string;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #open: ((signal: AbortSignal) => Promise<Line>) | undefined;
  readonly #path: string | undefined;
  readonly #holders = new Set<Holder>();
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #options: LinkOptions;
  #receiving: Receiving | undefined;
  #peer: string | undefined;
  #running: Promise<void> | undefined;
  #state: ConnectionState = 'idle';
  #error: HubError | undefined;

  constructor(
    key: string,
    { clock, random }: Context,
    options: LinkOptions,
    open: ((signal: AbortSignal) => Promise<Line>) | undefined,
    path: string | undefined,
  ) {
    this.#key = key;
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
    this.#open = open;
    this.#path = path;
  }

  add(holder: Holder): void {
    this.#holders.add(holder);
    holder.report(this.#state);
    if (this.#open && !this.#running) this.#running = this.#run(this.#open);
  }

  async remove(holder: Holder): Promise<void> {
    if (!this.#holders.delete(holder)) return;
    if (this.#holders.size > 0) return;
    links.delete(this.#key);
    this.#stop.abort();
    const closed = Promise.all([this.#running, this.driver?.close()]).then(() => {
      if (closing.get(this.#key) === closed) closing.delete(this.#key);
    });
    closing.set(this.#key, closed);
    await closed;
  }

  receive(receiving: Receiving | undefined, options: LinkOptions | undefined, before: Receiving | undefined): void {
    // A source that ends does not take the line away from the one that has followed it.
    if (receiving === undefined && this.#receiving !== before) return;
    this.#receiving = receiving;
    const differs = options !== undefined && JSON.stringify(options) !== JSON.stringify(this.#options);
    if (differs) {
      this.#options = options;
      this.driver?.destroy(lineError('connection-lost', 'the rules of the link have changed'));
    } else this.driver?.receive(receiving);
  }

  adopt(line: Line, peer: string): boolean {
    if (this.driver && !this.driver.lost.aborted) {
      if (peer !== this.#peer) return false;
      this.driver.destroy(lineError('connection-lost', `connected to ${peer}: the analyzer has connected anew`));
    }
    this.#peer = peer;
    this.#drive(line, true);
    line.lost.addEventListener('abort', () => this.#report('idle'), { once: true });
    this.#report('connected');
    return true;
  }

  async ready(withinMs: number, signal: AbortSignal): Promise<LinkDriver | HubError> {
    const none = () => this.#error ?? lineError('refused', 'sending to an analyzer: it has not connected');
    const until = this.#clock.monotonic() + withinMs;
    while (!signal.aborted) {
      if (this.driver && !this.driver.lost.aborted) return this.driver;
      const left = until - this.#clock.monotonic();
      if (left <= 0) return none();
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      const cancel = this.#clock.timer(left, wake);
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      await promise;
      cancel();
      this.#waiting.delete(wake);
      signal.removeEventListener('abort', wake);
    }
    return none();
  }

  async #run(open: (signal: AbortSignal) => Promise<Line>): Promise<void> {
    // The port of a link that was let go a moment ago is still being closed.
    await closing.get(this.#key);
    await keepOpen({
      clock: this.#clock,
      random: this.#random,
      signal: this.#stop.signal,
      ...(this.#path !== undefined && { path: this.#path }),
      open,
      use: (line) => this.#use(line),
      report: (state) => this.#report(state),
      failed: (error) => {
        this.#error = error;
        for (const holder of this.#holders) holder.failed(error);
      },
    });
  }

  async #use(line: Line): Promise<void> {
    this.#drive(line, this.#path === undefined);
    await until(line.lost, this.#stop.signal);
  }

  #drive(line: Line, dropsLine: boolean): void {
    const driver = new LinkDriver(line, this.#options, this.#clock, dropsLine);
    this.driver = driver;
    driver.receive(this.#receiving);
    for (const wake of this.#waiting) wake();
  }

  #report(state: ConnectionState): void {
    this.#state = state;
    for (const holder of this.#holders) holder.report(state);
  }
}

interface Opening {
  readonly key: string;
  /** Absent where others connect to us. */
  readonly open?: (signal: AbortSignal) => Promise<Line>;
  /** Of a port of this machine. */
  readonly path?: string;
}

function opening({ endpoint, connect, port }: Where, { endpoint: find, clock }: Context): Opening {
  if (port !== undefined) {
    const settings = find('serial', port);
    const open = (signal: AbortSignal) => openLine(settings, { clock, timeoutMs: connectMs, signal });
    const isServer = deviceServer(settings.path) !== undefined;
    return { key: `serial ${settings.path}`, open, ...(!isServer && { path: settings.path }) };
  }
  if (connect !== undefined) {
    const far = find('tcp-connect', connect);
    const where = `${far.host}:${far.port}`;
    const open = async (signal: AbortSignal): Promise<Line> =>
      socketLine(await dial(far, { clock, timeoutMs: connectMs, signal }), where, clock);
    return { key: `tcp ${where}`, open };
  }
  const { host, listen } = find('tcp-listen', endpoint ?? '');
  return { key: `listening ${endpoint} ${host}:${listen}` };
}

/** A connection of TCP as a line. It ends in order, so that what was written last arrives, and in any case soon. */
export function socketLine(socket: Socket, where: string, clock: Clock): Line {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  return new Line(socket, where, async () => {
    if (socket.destroyed) return;
    socket.end();
    // Unread input would turn the close into a reset, which can overtake the last answer.
    socket.resume();
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.timer(lingerMs, () => socket.destroy());
    socket.once('close', () => resolve());
    await promise;
    cancel();
  });
}
