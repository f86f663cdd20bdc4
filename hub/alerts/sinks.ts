import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { HubAlert } from '../../contracts/hub-alert.ts';
import type { SinkConfig } from './alerts-config.ts';
import type { SinkReport } from './outbox.ts';
import { Sink, type SinkHost } from './sink.ts';

const keptBoxes = z.object({ seq: z.int(), boxes: z.record(z.string(), z.unknown()) });

/** Every way out of the configuration in force. What waits for one goes on under its name when its configuration changes. */
export class Sinks {
  readonly #host: SinkHost;
  #sinks: readonly Sink[] = [];
  #waiting: Readonly<Record<string, unknown>> = {};
  #seq = 0;

  constructor(host: SinkHost) {
    this.#host = host;
  }

  /** @param moved whether endpoints are not where they were: then every connector begins anew */
  async configure(configs: readonly SinkConfig[], moved: boolean): Promise<void> {
    const old = new Map(this.#sinks.map((sink) => [sink.config.name, sink]));
    const kept = new Set<Sink>();
    const sinks = configs.map((config) => {
      const before = old.get(config.name);
      if (before && !moved && isSame(before.config, config)) {
        kept.add(before);
        return before;
      }
      return new Sink(config, this.#host);
    });
    for (const sink of this.#sinks) if (!kept.has(sink)) await sink.close();
    for (const sink of sinks) {
      if (kept.has(sink)) continue;
      const { name } = sink.config;
      sink.outbox.restore(old.get(name)?.outbox.kept() ?? this.#waiting[name] ?? []);
    }
    this.#sinks = sinks;
    this.#waiting = {};
  }

  add(notice: HubAlert, now: number): void {
    this.#seq += 1;
    for (const sink of this.#sinks) {
      if (sink.config.leastSeverity === 'critical' && notice.severity !== 'critical') continue;
      sink.add({ notice, seq: this.#seq, attempts: 0, firstAt: now, notBefore: now });
    }
  }

  wake(): void {
    for (const sink of this.#sinks) sink.wake();
  }

  report(): readonly SinkReport[] {
    return this.#sinks.map((sink) => sink.report());
  }

  async close(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.close()));
  }

  kept(): unknown {
    const boxes = this.#sinks.map((sink) => [sink.config.name, sink.outbox.kept()] as const);
    return { seq: this.#seq, boxes: { ...this.#waiting, ...Object.fromEntries(boxes) } };
  }

  /** Before the first configuration, which takes what waits. */
  restore(kept: unknown): void {
    const read = keptBoxes.safeParse(kept);
    if (!read.success) return;
    this.#seq = read.data.seq;
    this.#waiting = read.data.boxes;
  }
}

function isSame(a: SinkConfig, b: SinkConfig): boolean {
  const { spec: one, ...before } = a;
  const { spec: other, ...after } = b;
  return isDeepStrictEqual(before, after) && one.type === other.type && isDeepStrictEqual(one.config, other.config);
}
