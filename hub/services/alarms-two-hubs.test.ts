/** Two hubs on one PostgreSQL and one Kafka; the one that runs the alarms service is killed in the midst of readings, and then the other. */
import { afterAll, expect, it, vi } from 'vitest';
import { testDatabase } from '../../clients/postgres/testing/database.ts';
import { openKafkaLog } from '../../connectors/kafka/event-log/kafka-log.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import type { OpenAlarm } from '../../services/alarms/alarm-report.ts';
import { type HubProcess, hubProcess, weir } from '../testing/hub-process.ts';
import { monitored, post, told, untilHeard, untilSaid } from './testing/monitors.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());
const broker = await service('kafka', import.meta.filename);

/** Five seconds where the machine has nothing else to do. */
const takeoverMs = 20_000;
const patience = { timeout: 40_000, interval: 50 };

it.skipIf(database.missing ?? broker.missing)(
  'two hubs lose no alarm and tell none twice while the one that runs the service is killed, each in turn',
  async () => {
    const kafka = { brokers: broker.address.split(','), prefix: `${uniqueName(import.meta.filename)}.` };
    await using first = await monitored({ hub: 'a', database: database.server, kafka });
    await using second = await monitored({ hub: 'b', database: database.server, kafka });
    await using open = new AsyncDisposableStack();
    const hubs = new Map<string, HubProcess>();
    const start = async (name: string) => hubs.set(name, open.use(await hubProcess(name === 'a' ? first : second)));
    await Promise.all([start('a'), start('b')]);
    const raisedAt = async (name: string) =>
      (await hubs.get(name)!.get<{ readonly alarms?: readonly OpenAlarm[] }>('/api/alarms')).alarms;
    const runner = async (names: readonly string[]) =>
      await vi.waitFor(async () => {
        for (const name of names) if (await raisedAt(name)) return name;
        throw new Error('no hub runs the service');
      }, patience);

    await untilHeard([first.port, second.port], [...hubs.values()]);
    const begin = Date.now();
    let stopped = false;
    let episode = 0;
    // Faster than time goes by, to either hub: whichever is there takes it.
    const sending = (async () => {
      for (; !stopped; episode++)
        for (let at = 0; at < 16; at++) {
          const ports = (episode + at) % 2 === 0 ? [first.port, second.port] : [second.port, first.port];
          await post(ports, { hr: at < 12 ? 150 : 70 }, begin + (episode * 16 + at) * 1_000);
        }
    })();
    const takeovers: number[] = [];
    const breaths: number[] = [];
    let owner = await runner(['a', 'b']);
    for (const { device, other } of [
      { device: 'mon-2', other: 'mon-3' },
      { device: 'mon-3', other: 'mon-2' },
    ]) {
      // Acknowledged before, and a delay that is under way, while its hub dies.
      await post([first.port, second.port], { spo2: 80 }, Date.now(), device);
      const lowAt = async (name: string) =>
        (await raisedAt(name))?.find((each) => each.device === device && each.alarm === 'low-spo2');
      const low = await vi.waitFor(async () => (await lowAt(owner)) ?? expect.fail('not raised'), patience);
      expect((await weir(['alarms', 'ack', low.incident, '--actor', 'ute'], hubs.get(owner)!.admin)).code).toBe(0);
      const breathing = Date.now();
      breaths.push(breathing);
      await post([first.port, second.port], { rr: 40 }, breathing, other);
      // The breaths are handled, or on their way: either must do.
      const killed = hubs.get(owner)!;
      const killedAt = performance.now();
      process.kill(killed.processId, 'SIGKILL');
      await killed.exited;
      const before = owner;
      owner = await runner([owner === 'a' ? 'b' : 'a']);
      takeovers.push(performance.now() - killedAt);
      expect(await lowAt(owner)).toMatchObject({ state: 'acknowledged', by: 'ute', incident: low.incident });
      const raised = vi.waitFor(
        async () =>
          expect(await raisedAt(owner)).toContainEqual(
            expect.objectContaining({ device: other, alarm: 'fast-breath', raisedAt: breathing + 6_000 }),
          ),
        patience,
      );
      await Promise.all([raised, start(before)]);
      await post([first.port, second.port], { rr: 15, spo2: 97 }, Date.now(), device);
      await post([first.port, second.port], { rr: 15, spo2: 97 }, Date.now(), other);
    }
    stopped = true;
    await sending;
    await vi.waitFor(async () => expect(await raisedAt(owner)).toEqual([]), patience);
    await untilSaid(hubs.get(owner)!);

    const fail = (error: Error) => expect.fail(error.message);
    await using log = await openKafkaLog({
      endpoint: { brokers: kafka.brokers },
      prefix: kafka.prefix,
      onError: fail,
      onNotice: () => undefined,
    });
    const changes = await told(log);
    const of = (device: string) => changes.filter((each) => each.device === device);
    expect(of('mon-1').map(({ state, at }) => `${state} ${(Date.parse(at) - begin) / 1_000}`)).toEqual(
      Array.from({ length: episode }, (_, n) => [`active ${n * 16 + 10}`, `cleared ${n * 16 + 12}`]).flat(),
    );
    expect(episode).toBeGreaterThan(5);
    for (const device of ['mon-2', 'mon-3']) {
      const states = of(device).map(({ alarm, state }) => `${alarm} ${state}`);
      expect(states.toSorted()).toEqual([
        ...['fast-breath active', 'fast-breath cleared'],
        ...['low-spo2 acknowledged', 'low-spo2 active', 'low-spo2 cleared'],
      ]);
    }
    for (const took of takeovers) expect(took).toBeLessThan(takeoverMs);
    console.info({ takeoversMs: takeovers.map(Math.round), episodes: episode });
  },
  240_000,
);
