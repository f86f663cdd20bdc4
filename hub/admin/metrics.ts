import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Engine } from '../../core/runtime/engine.ts';
import type { StoreUsage } from '../../core/store/message-store.ts';
import type { AlertsOfOne } from '../alerts/alerts-of-one.ts';
import { alarmFigures } from './alarm-figures.ts';
import { alertFigures } from './alert-figures.ts';
import { clusterFigures } from './cluster-figures.ts';
import type { AdminContext } from './context.ts';
import { liveFigures } from './live-figures.ts';
import { searchFigures } from './search-figures.ts';

type Status = Awaited<ReturnType<Engine['status']>>;

/** What is measured. */
type MetricsSubjects = Pick<AdminContext, 'engine' | 'search' | 'live' | 'alarms'> & {
  readonly alerts: Pick<AlertsOfOne, 'figures'>;
};

/** Figures for Prometheus. Labels are names from the configuration, never anything of a message. */
export class Metrics implements Disposable {
  readonly #engine: Engine;
  readonly #registry = new Registry();
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  readonly #perChannel: readonly ((status: Status) => void)[];
  readonly #ofStore: readonly ((usage: StoreUsage) => void)[];
  readonly #ofSearch: () => Promise<void>;
  readonly #ofAlerts: () => void;
  readonly #ofLive: () => void;
  readonly #ofAlarms: () => void;
  readonly #ofCluster: () => void;
  readonly #loop: Gauge<'quantile'>;

  constructor({ engine, alerts, search, live, alarms }: MetricsSubjects) {
    this.#engine = engine;
    this.#ofAlarms = alarmFigures(alarms, this.#registry);
    this.#ofAlerts = alertFigures(alerts, this.#registry);
    this.#ofLive = liveFigures(live, this.#registry);
    this.#delay.enable();
    this.#perChannel = [...this.#channelFigures(), ...this.#destinationFigures(), this.#componentFigures()];
    this.#ofStore = this.#storeFigures();
    this.#ofCluster = clusterFigures(engine, this.#registry);
    this.#ofSearch = searchFigures(search, this.#registry);
    this.#loop = new Gauge({
      name: 'weir_event_loop_delay_seconds',
      help: 'Delay of the event loop since the last scrape.',
      labelNames: ['quantile'],
      registers: [this.#registry],
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text of one scrape. */
  async text(): Promise<string> {
    const [status, usage] = await Promise.all([this.#engine.status(), this.#engine.store.usage(), this.#ofSearch()]);
    for (const set of this.#perChannel) set(status);
    for (const set of this.#ofStore) set(usage);
    this.#ofAlerts();
    this.#ofLive();
    this.#ofAlarms();
    this.#ofCluster();
    this.#loop.set({ quantile: '0.5' }, seconds(this.#delay.percentile(50)));
    this.#loop.set({ quantile: '0.99' }, seconds(this.#delay.percentile(99)));
    this.#delay.reset();
    return this.#registry.metrics();
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
  }

  #channelFigures() {
    const messages = new Counter({
      name: 'weir_channel_messages_total',
      help: 'Messages of a channel by what became of them.',
      labelNames: ['channel', 'status'],
      registers: [this.#registry],
    });
    const gauge = (name: string, help: string) =>
      new Gauge({ name, help, labelNames: ['channel'], registers: [this.#registry] });
    const inFlight = gauge('weir_channel_in_flight', 'Messages of a channel in memory.');
    const running = gauge('weir_channel_running', '1 while the channel runs, else 0.');
    const open = gauge('weir_channel_open_errors', 'Dead letters that nobody has resolved.');
    return [
      (status: Status) => {
        messages.reset();
        for (const metric of [inFlight, running, open]) metric.reset();
        for (const { channel, counts, inFlight: held, state } of status) {
          for (const name of ['received', 'filtered', 'sent', 'errored', 'duplicates'] as const)
            messages.inc({ channel, status: name }, counts[name]);
          inFlight.set({ channel }, held);
          running.set({ channel }, state === 'running' ? 1 : 0);
          open.set({ channel }, counts.openErrors);
        }
      },
    ];
  }

  #destinationFigures() {
    const labelNames = ['channel', 'destination'] as const;
    const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers: [this.#registry] });
    const queued = gauge('weir_destination_queued', 'Messages that wait for a destination.');
    const age = gauge('weir_destination_queued_age_seconds', 'Age of the oldest of them.');
    const circuit = gauge('weir_destination_circuit_open', '1 while the far end is away, else 0.');
    const limited = gauge('weir_destination_limited', '1 while its rate holds messages back, else 0.');
    const heldKeys = gauge('weir_destination_held_keys', 'Keys held back behind a failing message.');
    const messages = new Counter({
      name: 'weir_destination_messages_total',
      help: 'Messages of a destination by what became of them.',
      labelNames: [...labelNames, 'status'],
      registers: [this.#registry],
    });
    return [
      (status: Status) => {
        for (const metric of [queued, age, circuit, limited, heldKeys, messages]) metric.reset();
        for (const { channel, destinations } of status) {
          for (const each of destinations) {
            const labels = { channel, destination: each.destination };
            queued.set(labels, each.queued);
            age.set(labels, (each.queuedAgeMs ?? 0) / 1_000);
            circuit.set(labels, each.circuit === 'open' ? 1 : 0);
            if (each.rate) limited.set(labels, each.rate.limited ? 1 : 0);
            heldKeys.set(labels, each.heldKeys);
            for (const name of ['filtered', 'sent', 'errored'] as const)
              messages.inc({ ...labels, status: name }, each[name]);
          }
        }
      },
    ];
  }

  #componentFigures() {
    const counters = new Counter({
      name: 'weir_component_total',
      help: 'Counters that components keep, by name.',
      labelNames: ['channel', 'counter'],
      registers: [this.#registry],
    });
    return (status: Status) => {
      counters.reset();
      for (const { channel, counters: each } of status)
        for (const [counter, value] of Object.entries(each)) counters.inc({ channel, counter }, value);
    };
  }

  #storeFigures() {
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [this.#registry] });
    const bytes = gauge('weir_store_bytes', 'Bytes that the message store takes on disk.');
    const free = gauge('weir_store_disk_free_bytes', 'Bytes free on its disk.');
    const backlog = gauge('weir_store_backlog_bytes', 'Bytes of messages that are not settled.');
    const full = gauge('weir_store_full', '1 while the store takes nothing, else 0.');
    return [
      (usage: StoreUsage) => {
        bytes.set(usage.bytes);
        if (usage.diskFree !== undefined) free.set(usage.diskFree);
        backlog.set(usage.backlogBytes);
        full.set(usage.full ? 1 : 0);
      },
    ];
  }
}

function seconds(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0;
}
