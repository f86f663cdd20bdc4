import { z } from 'zod';
import { connectors } from '../../../connectors/index.ts';
import { hubAlert } from '../../../contracts/hub-alert.ts';
import type { Clock } from '../../../core/component.ts';
import { createRegistry } from '../../../core/config/registry.ts';
import { defineConnector } from '../../../core/define.ts';
import type { WriteOutcome } from '../../../core/destination.ts';
import type { Endpoint } from '../../../core/endpoint.ts';
import { openMemoryLog } from '../../../core/events/memory-log.ts';
import type { Outgoing } from '../../../core/message.ts';
import type { ChannelStatus } from '../../../core/runtime/engine.ts';
import { MemoryContents } from '../../../core/store/memory-contents.ts';
import { openMemoryStore } from '../../../core/store/memory-store.ts';
import type { StoreUsage } from '../../../core/store/message-store.ts';
import { recordingLog, repeatableRandom } from '../../../core/testing/contexts.ts';
import { type FakeClock, fakeClock } from '../../../core/testing/fake-clock.ts';
import type { RefusedTables } from '../../deploy-report.ts';
import type { ServiceStanding } from '../../services/service-standing.ts';
import type { Wiring } from '../../wiring.ts';
import { type Alerts, openAlerts } from '../alerts.ts';
import { readAlerts } from '../alerts-file.ts';

/** A way out that a test scripts. */
export interface Pager {
  readonly written: Outgoing<unknown>[];
  answer: (message: Outgoing<unknown>) => WriteOutcome | Promise<WriteOutcome>;
  /** `${title}` of every notice that it took. */
  readonly titles: string[];
}

/** Alerts on a memory store, a clock that stands still, and channels that stand as the test says. */
export interface AlertsPlace {
  readonly clock: FakeClock;
  readonly pager: Pager;
  readonly logged: ReturnType<typeof recordingLog>['logged'];
  readonly events: ReturnType<typeof openMemoryLog>;
  alerts: Alerts;
  channels: ChannelStatus[];
  usage: Partial<StoreUsage>;
  refusedTables: RefusedTables | undefined;
  services: readonly ServiceStanding[];
  ownLogs: number;
  readonly contents: MemoryContents;
  /** Another `alerts.yaml`, deployed. */
  configure(yaml: string): Promise<void>;
  /** Time goes on by quarter minutes, with a look at each of them. */
  pass(ms: number): Promise<void>;
  /** As after a crash, or a stop: another run on the same store. */
  restart(how?: 'crash' | 'stop'): Promise<void>;
  close(): Promise<void>;
}

const everyMs = 15_000;

export async function alertsPlace(
  options: {
    readonly yaml?: string;
    readonly endpoints?: Readonly<Record<string, Endpoint>>;
    readonly uses?: Wiring['uses'];
    readonly startAt?: number;
  } = {},
): Promise<AlertsPlace> {
  const { yaml = 'notify: [{ pager: {} }]', endpoints = {}, uses = [] } = options;
  const clock = fakeClock(options.startAt);
  const contents = new MemoryContents();
  const events = openMemoryLog();
  const { log, logged } = recordingLog();
  const pager: Pager = { written: [], titles: [], answer: () => ({ status: 'sent' }) };
  const registry = createRegistry({
    adapters: [],
    connectors: [...connectors, pagerConnector(pager)],
    formats: [hubAlert],
    languages: [],
  });
  const config = (text: string) => {
    const read = readAlerts('alerts.yaml', text, { registry, endpoints: new Set(Object.keys(endpoints)) });
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return read.value;
  };
  const source = {
    alerts: config(yaml),
    wiring: { endpoints, uses, holdKey: [] },
    get refusedTables() {
      return place.refusedTables;
    },
    get services() {
      return place.services;
    },
    get ownLogs() {
      return place.ownLogs;
    },
  };
  // A run that has crashed does nothing any more when its time comes.
  let run = 0;
  const open = () => {
    const own = ++run;
    const living: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      timer: (afterMs, due) => clock.timer(afterMs, () => (own === run ? due() : undefined)),
    };
    const store = openMemoryStore({ now: () => clock.now(), contents });
    const usage = async () => ({ bytes: 0, backlogBytes: 0, ...place.usage });
    const engine = { status: async () => place.channels, store: Object.assign(store, { usage }), events };
    const random = repeatableRandom(contents.epoch);
    return openAlerts({ engine, source, clock: living, random, log, lowWaterBytes: 0, hub: 'hub-1', version: 'v1' });
  };
  const place: AlertsPlace = {
    ...{ clock, pager, logged, events, contents, channels: [], usage: {}, refusedTables: undefined },
    ...{ services: [], ownLogs: 0 },
    alerts: undefined as unknown as Alerts,
    configure: async (text) => {
      source.alerts = config(text);
      await place.alerts.reload();
    },
    pass: async (ms) => {
      const end = clock.now() + ms;
      while (clock.now() < end) {
        clock.advance(Math.min(everyMs, end - clock.now()));
        await place.alerts.evaluate();
        // What was told is written, and kept, in turns of the event loop after it.
        for (let turn = 0; turn < 8; turn++) await new Promise(setImmediate);
      }
    },
    restart: async (how = 'stop') => {
      if (how === 'stop') await place.alerts[Symbol.asyncDispose]();
      place.alerts = await open();
      await place.alerts.reload();
    },
    close: () => place.alerts[Symbol.asyncDispose](),
  };
  place.alerts = await open();
  await place.alerts.reload();
  return place;
}

function pagerConnector(pager: Pager) {
  return defineConnector({
    type: 'pager',
    summary: 'Scripted by a test.',
    accepts: 'any',
    batching: 'independent',
    effect: 'atLeastOnce',
    maxBatch: 1,
    config: z.strictObject({ number: z.int().optional().describe('Tells two of them apart.') }),
    examples: [{ title: 'A test', config: {} }],
    create: () => ({
      write: async (batch) => {
        const outcomes: WriteOutcome[] = [];
        for (const message of batch) {
          pager.written.push(message);
          const outcome = await pager.answer(message);
          if (outcome.status === 'sent') pager.titles.push(message.meta['alert.title'] ?? '');
          outcomes.push(outcome);
        }
        return outcomes;
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
  });
}
