import { Frame } from './frame.ts';
import { Sender } from './sender.ts';

export interface KeyedLoadOptions {
  /** Of several, each connection takes the next one whenever it connects. */
  readonly port: number | readonly number[];
  readonly connections: number;
  readonly fixture: string;
  readonly firstKey?: number;
  /** Connection i sends the keys `firstKey` + i, i + connections, …: each key has one sender. */
  readonly keys: number;
  /** Messages per second of all connections together; as fast as they are acknowledged if absent. */
  readonly rate?: number;
  /** Sends so many and no more. */
  readonly count?: number;
  /** Hears of each message before it goes out for the first time. */
  readonly onFirst?: (key: number, n: number) => void;
  /** Without an answer for so long a connection is given up; it waits for ever if absent. */
  readonly answerTimeoutMs?: number;
  /** A connection is closed after so many answers, and made again; it stays if absent. */
  readonly answersPerConnection?: number;
  /** A message is sent for the first time. */
  readonly onBegin?: (key: number, n: number) => void;
}

interface Connection {
  readonly frame: Frame;
  readonly keys: readonly number[];
  sender: Sender | undefined;
  /** What was sent and is not acknowledged. */
  pending: { key: number; n: number; sends: number } | undefined;
  turn: number;
  /** How often it connected; says which port is next. */
  connects: number;
  answers: number;
  timer: NodeJS.Timeout | undefined;
}

const TICK_MS = 5;
const RECONNECT_MS = 20;

/**
 * Senders as EHRs are: stop and wait, connect again when the connection broke, and send again what was not acknowledged, as a new
 * copy with the same control id.
 */
export class KeyedLoad {
  /** Highest acknowledged number, by key. */
  readonly acknowledged: number[] = [];
  /** Copies beyond the first, by `key/n`. */
  readonly resent = new Map<string, number>();
  readonly #options: KeyedLoadOptions;
  readonly #ports: readonly number[];
  readonly #connections: Connection[] = [];
  readonly #idle: Connection[] = [];
  readonly #startedAt = performance.now();
  readonly #finished = Promise.withResolvers<void>();
  readonly #tick: NodeJS.Timeout | undefined;
  #begun = 0;
  #acks = 0;
  #stopping = false;

  constructor(options: KeyedLoadOptions) {
    this.#options = options;
    const { connections, keys, firstKey = 0, port } = options;
    this.#ports = typeof port === 'number' ? [port] : port;
    for (let i = 0; i < Math.min(connections, keys); i++) {
      const own: number[] = [];
      for (let key = i; key < keys; key += connections) own.push(firstKey + key);
      this.#connections.push({
        frame: new Frame(options.fixture),
        keys: own,
        sender: undefined,
        pending: undefined,
        turn: 0,
        connects: i,
        answers: 0,
        timer: undefined,
      });
    }
    for (const connection of this.#connections) this.#connect(connection);
    if (options.rate !== undefined) this.#tick = setInterval(() => this.#pace(), TICK_MS);
  }

  /** Acknowledged so far. */
  get acks(): number {
    return this.#acks;
  }

  /** Sends nothing new; resolves when everything that was sent is acknowledged and the connections are closed. */
  stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#tick);
    this.#settle();
    return this.#finished.promise;
  }

  /** Resolves when `count` messages are acknowledged and the connections are closed. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  #connect(connection: Connection): void {
    const answered = (positive: boolean) => this.#answered(connection, positive);
    const lost = () => {
      clearTimeout(connection.timer);
      this.#remove(connection);
      connection.sender = undefined;
      if (this.#done && !connection.pending) return;
      setTimeout(() => this.#connect(connection), RECONNECT_MS);
    };
    const port = this.#ports[connection.connects++ % this.#ports.length]!;
    const sender = new Sender(port, connection.frame, { answered, lost });
    void sender.connected.then(() => {
      connection.sender = sender;
      if (connection.pending) this.#send(connection, connection.pending);
      else this.#next(connection);
    });
  }

  get #done(): boolean {
    return this.#stopping || this.#begun >= (this.#options.count ?? Number.POSITIVE_INFINITY);
  }

  #answered(connection: Connection, positive: boolean): void {
    const { pending } = connection;
    if (!pending) return;
    clearTimeout(connection.timer);
    // As an EHR does at a negative answer: hang up, connect again, send again.
    if (!positive) {
      connection.sender?.close();
      return;
    }
    connection.pending = undefined;
    this.acknowledged[pending.key] = pending.n;
    this.#acks++;
    const over = ++connection.answers % (this.#options.answersPerConnection ?? Number.POSITIVE_INFINITY) === 0;
    if (over && !this.#done) connection.sender?.close();
    else this.#next(connection);
  }

  #next(connection: Connection): void {
    if (this.#done) this.#settle();
    else if (this.#options.rate === undefined) this.#begin(connection);
    else this.#idle.push(connection);
  }

  #begin(connection: Connection): void {
    const key = connection.keys[connection.turn++ % connection.keys.length]!;
    this.#begun++;
    const n = (this.acknowledged[key] ?? 0) + 1;
    this.#options.onBegin?.(key, n);
    this.#send(connection, (connection.pending = { key, n, sends: 0 }));
  }

  #send(connection: Connection, pending: NonNullable<Connection['pending']>): void {
    if (pending.sends++ > 0) this.resent.set(`${pending.key}/${pending.n}`, pending.sends - 1);
    else this.#options.onFirst?.(pending.key, pending.n);
    connection.frame.set(pending.key, pending.n);
    connection.sender?.send();
    const { answerTimeoutMs } = this.#options;
    if (answerTimeoutMs !== undefined) connection.timer = setTimeout(() => connection.sender?.close(), answerTimeoutMs);
  }

  #pace(): void {
    const due = ((performance.now() - this.#startedAt) * this.#options.rate!) / 1000;
    while (this.#begun < due && this.#idle.length > 0 && !this.#done) this.#begin(this.#idle.shift()!);
  }

  #remove(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #settle(): void {
    if (!this.#done || this.#connections.some(({ pending }) => pending)) return;
    clearInterval(this.#tick);
    for (const { sender } of this.#connections) sender?.close();
    this.#finished.resolve();
  }
}
