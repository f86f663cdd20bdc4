/** Monitors whose readings come by HTTP, a hub that watches them, and what was said of them: for tests of the alarms service. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { PostgresServer } from '../../../clients/postgres/server.ts';
import type { VitalAlarm, VitalReadings } from '../../../contracts/vitals.ts';
import type { EventLog } from '../../../core/events/event-log.ts';
import { freePort } from '../../../core/testing/free-port.ts';
import { type HubProcess, type Workplace, workplace } from '../../testing/hub-process.ts';

const profile = `
profile: monitor
transport: mqtt
mqtt: { topic: 'devices/\${DEVICE}/vitals' }
devices: [{ id: mon-1, location: 'ICU, bed 1' }, { id: mon-2 }, { id: mon-3 }]
points:
  - { id: hr, from: hr, type: number, unit: '{beats}/min', code: { mdc: 147842 } }
  - { id: rr, from: rr, type: number, unit: '{breaths}/min', code: { mdc: 151562 } }
  - { id: spo2, from: spo2, type: number, unit: '%', code: { mdc: 150456 } }
alarms:
  - { id: fast-heart, title: Heart rate is high, when: hr > 140, clearWhen: hr <= 135, raiseAfterMs: 10000, priority: high }
  - { id: fast-breath, title: Respiration is fast, when: rr > 30, raiseAfterMs: 6000, priority: medium }
  - { id: low-spo2, title: Oxygen saturation is low, when: spo2 < 85, priority: high, latching: true }
`;
const channel = `
channel: readings
source: { http: { endpoint: readings-in, format: bytes } }
format: vitals.numeric.v1
key: [device]
destinations:
  topic: { to: { publish: { topic: vitals.numeric.v1 } } }
`;
const units = {
  hr: { unit: '{beats}/min', code: { mdc: 147_842 } },
  rr: { unit: '{breaths}/min', code: { mdc: 151_562 } },
  spo2: { unit: '%', code: { mdc: 150_456 } },
} as const;

export interface Monitored extends Workplace {
  /** Where readings are taken. */
  readonly port: number;
}

/** What the hub stands on, where that is not its state folder, and its name there. */
export interface Backends {
  readonly hub: string;
  readonly database: PostgresServer;
  readonly kafka?: { readonly brokers: readonly string[]; readonly prefix: string };
}

export async function monitored(on?: Backends): Promise<Monitored> {
  const port = await freePort();
  const settings = ['services: { alarms: {} }'];
  const endpoints = [`readings-in: { kind: tcp-listen, listen: ${port} }`];
  if (on) {
    const { password: _, ...server } = on.database;
    settings.push(`hub: ${on.hub}`, 'store: { postgres: { endpoint: database } }');
    endpoints.push(
      `database: ${JSON.stringify({ kind: 'postgres', ...server, password: '${file:../../password.txt}' })}`,
    );
  }
  if (on?.kafka) {
    const { brokers, prefix } = on.kafka;
    settings.push(`events: ${JSON.stringify({ kafka: { endpoint: 'brokers', prefix } })}`);
    endpoints.push(`brokers: ${JSON.stringify({ kind: 'kafka', brokers })}`);
  }
  const made = await workplace({
    'weir.yaml': lines(settings),
    'password.txt': on?.database.password ?? '',
    'channels/env/test.yaml': `endpoints:\n${lines(endpoints.map((line) => `  ${line}`))}`,
    'channels/readings.channel.yaml': channel,
    'channels/devices/monitor.profile.yaml': profile,
  });
  return { ...made, port };
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}

/** Posts a value of a monitor, to one hub after the other, until one of them has it. */
export async function post(
  ports: readonly number[],
  values: Readonly<Partial<Record<keyof typeof units, number>>>,
  receivedAt: number,
  device = 'mon-1',
): Promise<void> {
  const readings = Object.entries(values).map(([point, value]) => ({
    ...{ point, value, validity: 'Vld' as const },
    ...units[point as keyof typeof units],
  }));
  const message: VitalReadings = {
    ...{ device, profile: 'monitor', location: 'ICU, bed 1' },
    ...{ receivedAt: new Date(receivedAt).toISOString(), readings },
  };
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${ports[attempt % ports.length]}/`, {
      ...{ method: 'POST', body: JSON.stringify(message), signal: AbortSignal.timeout(5_000) },
    }).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(20);
  }
}

/** Every change of an alarm that was published, once in effect: what goes out again after a kill has the same id. */
export async function told(log: EventLog): Promise<readonly VitalAlarm[]> {
  const found = new Map<string, VitalAlarm>();
  const leave = new AbortController();
  const all = { topic: 'vitals.critical.v1', group: 'look', maxBatch: 1_000, from: 'earliest' } as const;
  const reading = log.consume({ ...all, signal: leave.signal }, async ({ events }) => {
    for (const { id, value } of events) found.set(id, JSON.parse(Buffer.from(value).toString()) as VitalAlarm);
  });
  await vi.waitFor(
    async () => {
      const status = (await log.status()).find(({ topic }) => topic === all.topic);
      expect(status?.lag.look).toBe(0);
    },
    { timeout: 30_000, interval: 100 },
  );
  leave.abort();
  await reading;
  return [...found.values()];
}

/** A figure of the alarms service at a hub; 0 where another one runs it. */
async function figure({ admin }: Pick<HubProcess, 'admin'>, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(new URL('/metrics', admin))).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name}{service="alarms"${labels}} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Until one of the hubs hears what is posted: where its group begins is decided then, for good. */
export async function untilHeard(ports: readonly number[], hubs: readonly Pick<HubProcess, 'admin'>[]): Promise<void> {
  await vi.waitFor(
    async () => {
      await post(ports, { hr: 70 }, Date.now(), 'mon-2');
      const handled = hubs.map((hub) => figure(hub, 'weir_service_events_total', ',outcome="handled"'));
      expect(Math.max(...(await Promise.all(handled)))).toBeGreaterThan(0);
    },
    { timeout: 40_000, interval: 100 },
  );
}

/** Until the hub has said all that it has to say of what it has handled. */
export async function untilSaid(hub: Pick<HubProcess, 'admin'>): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await figure(hub, 'weir_service_running')).toBe(1);
      expect(await figure(hub, 'weir_service_outbox')).toBe(0);
    },
    { timeout: 40_000, interval: 50 },
  );
}
