import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Redis, type RedisServer, redisConnection, redisTrouble } from '../../clients/redis/connection.ts';
import type { Clock, Log } from '../../core/component.ts';
import { type LiveBus, type LiveStatus, LocalBus } from './live-bus.ts';

export interface RedisBusOptions<R> {
  /** What is told: `live`, in the name of the channel in Redis, and for people. */
  readonly name: string;
  readonly title: string;
  readonly schema: z.ZodType<R>;
  readonly server: RedisServer;
  /** Hubs of one installation say the same. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What goes over Redis: a report, or that somebody looks at another hub. `from` tells a hub its own. */
const envelopeOf = <R>(schema: z.ZodType<R>) => z.object({ from: z.string(), report: schema.optional() });

const maxBytes = 4 * 1024 ** 2;
/** Reports on their way to Redis. */
const maxUnderWay = 8;
/** How often a hub says that somebody looks at it, and for how long the others believe it. */
const askEveryMs = 2_000;
const believedMs = 6_000;

/**
 * The bus of several hubs, over publish and subscribe of Redis. While Redis is away the hub goes on with its own reports; it says so
 * once, in the log and in its status, and finds back by itself.
 */
export class RedisBus<R> implements LiveBus<R> {
  readonly #local = new LocalBus<R>();
  readonly #envelope: ReturnType<typeof envelopeOf<R>>;
  readonly #options: RedisBusOptions<R>;
  readonly #id = randomUUID();
  readonly #topic: string;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  #subscribed = false;
  #underWay = 0;
  #dropped = 0;
  #error: string | undefined;
  #wantedUntil = Number.NEGATIVE_INFINITY;
  #cancelAsking: () => void = () => undefined;
  #closed = false;

  private constructor(options: RedisBusOptions<R>, publisher: Redis, subscriber: Redis) {
    this.#options = options;
    this.#envelope = envelopeOf(options.schema);
    this.#topic = `${options.prefix}${options.name}`;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    for (const connection of [publisher, subscriber]) {
      connection.on('error', (thrown: unknown) => this.#trouble(redisTrouble(thrown)));
      connection.on('close', () => {
        if (connection === subscriber) this.#subscribed = false;
        this.#trouble('the connection broke');
      });
    }
    publisher.on('ready', () => this.#recovered());
    subscriber.on('ready', () => void this.#listen());
    subscriber.on('message', (_topic: string, text: string) => this.#heard(text));
  }

  /** Resolves at once: whether Redis is there shows later. Rejects with HubError `refused` where a certificate cannot be read. */
  static async open<R>(options: RedisBusOptions<R>): Promise<RedisBus<R>> {
    const [publisher, subscriber] = await Promise.all([
      redisConnection(options.server, `weir-${options.name}`),
      redisConnection(options.server, `weir-${options.name}-reading`),
    ]);
    const bus = new RedisBus(options, publisher, subscriber);
    // What goes wrong comes as an event, too.
    for (const connection of [publisher, subscriber]) connection.connect().catch(() => undefined);
    bus.#ask();
    return bus;
  }

  publish(report: R): void {
    this.#local.publish(report);
    this.#send({ from: this.#id, report });
  }

  subscribe(listener: (report: R) => void): Disposable {
    const first = !this.#local.wanted;
    const subscription = this.#local.subscribe(listener);
    if (first) this.#send({ from: this.#id });
    return subscription;
  }

  get wanted(): boolean {
    return this.#local.wanted || this.#options.clock.monotonic() < this.#wantedUntil;
  }

  status(): LiveStatus {
    return {
      through: 'redis',
      state: this.#connected ? 'connected' : 'away',
      dropped: this.#dropped,
      ...(this.#error !== undefined && { error: this.#error }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancelAsking();
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
    await this.#local[Symbol.asyncDispose]();
  }

  get #connected(): boolean {
    return this.#publisher.status === 'ready' && this.#subscribed;
  }

  #send(message: { readonly from: string; readonly report?: R }): void {
    if (this.#publisher.status !== 'ready' || this.#underWay >= maxUnderWay) {
      if (message.report !== undefined) this.#dropped += 1;
      return;
    }
    this.#underWay += 1;
    this.#publisher.publish(this.#topic, JSON.stringify(message)).then(
      () => void (this.#underWay -= 1),
      (thrown) => {
        this.#underWay -= 1;
        if (message.report !== undefined) this.#dropped += 1;
        this.#trouble(redisTrouble(thrown));
      },
    );
  }

  /** Every two seconds, while somebody looks here. */
  #ask(): void {
    if (this.#closed) return;
    if (this.#local.wanted) this.#send({ from: this.#id });
    this.#cancelAsking = this.#options.clock.timer(askEveryMs, () => this.#ask());
  }

  async #listen(): Promise<void> {
    try {
      await this.#subscriber.subscribe(this.#topic);
      this.#subscribed = true;
      this.#recovered();
    } catch (thrown) {
      this.#trouble(redisTrouble(thrown));
    }
  }

  #heard(text: string): void {
    if (text.length > maxBytes) return;
    const read = this.#envelope.safeParse(parsed(text));
    if (!read.success || read.data.from === this.#id) return;
    const { report } = read.data;
    if (report !== undefined) this.#local.publish(report);
    else this.#wantedUntil = this.#options.clock.monotonic() + believedMs;
  }

  #trouble(what: string): void {
    if (this.#closed) return;
    const first = this.#error === undefined;
    this.#error = what;
    if (first) this.#options.log.warn({}, `${this.#options.title} of other hubs are away, Redis: ${what}`);
  }

  #recovered(): void {
    if (!this.#connected || this.#error === undefined) return;
    this.#error = undefined;
    this.#options.log.info({}, `${this.#options.title} of other hubs are back`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
