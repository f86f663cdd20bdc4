/** A hub in a process of its own, with the alarms service, that is killed again and again while readings come. */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { testDatabase } from '../../clients/postgres/testing/database.ts';
import { openEmbeddedLog } from '../../core/events/embedded-log.ts';
import { repeatableRandom } from '../../core/testing/contexts.ts';
import { type HubProcess, hubProcess, weir } from '../testing/hub-process.ts';
import { type Monitored, monitored, post, told, untilHeard, untilSaid } from './testing/monitors.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

async function toldAt({ directory }: Monitored) {
  await using log = await openEmbeddedLog({
    ...{ directory: join(directory, 'state', 'events'), now: Date.now, onError: () => undefined },
  });
  return await told(log);
}

const stores = [
  { name: 'SQLite', missing: undefined, place: () => monitored() },
  { name: 'PostgreSQL', missing: database.missing, place: () => monitored({ hub: 'a', database: database.server }) },
];

describe.for(stores)('on $name', ({ missing, place }) => {
  it.skipIf(missing)(
    'loses no change of an alarm and tells none twice, killed with SIGKILL in the midst of readings',
    async () => {
      await using where = await place();
      const random = repeatableRandom(Math.floor(Math.random() * 2 ** 32));
      let hub: HubProcess = await hubProcess(where);
      await untilHeard([where.port], [hub]);
      // Faster than time goes by: nothing is due by the clock of the hub.
      const begin = Date.now();
      const episodes = 16;
      let second = 0;
      const sending = (async () => {
        for (let episode = 0; episode < episodes; episode++)
          for (let at = 0; at < 16; at++)
            await post([where.port], { hr: at < 12 ? 150 : 70 }, begin + second++ * 1_000);
      })();
      for (let kill = 0; kill < 3; kill++) {
        await sleep(150 + random() * 400);
        await hub[Symbol.asyncDispose]();
        hub = await hubProcess(where);
      }
      await sending;
      await vi.waitFor(
        async () => {
          const { alarms } = await hub.get<{ readonly alarms: readonly unknown[] }>('/api/alarms');
          expect(alarms).toEqual([]);
        },
        { timeout: 30_000 },
      );
      await untilSaid(hub);
      hub.process.kill('SIGTERM');
      await hub.exited;
      const changes = (await toldAt(where)).map(({ state, at }) => `${state} ${(Date.parse(at) - begin) / 1_000}`);
      const wanted = Array.from({ length: episodes }, (_, n) => [`active ${n * 16 + 10}`, `cleared ${n * 16 + 12}`]);
      expect(changes).toEqual(wanted.flat());
    },
    180_000,
  );
});

it('is asked by the command line: what is raised, who has seen it, with whom a device is, and scores', async () => {
  await using where = await monitored();
  await using hub = await hubProcess(where);
  const run = async (...args: readonly string[]) => {
    const { code, out, err } = await weir(args, hub.admin);
    expect([args.join(' '), err.replace(/^.*ExperimentalWarning.*$/gm, '').trim(), code]).toEqual([
      args.join(' '),
      '',
      0,
    ]);
    return out;
  };
  expect(await run('alarms')).toBe('no alarm is raised\n');
  expect(
    await run('device', 'associate', 'mon-1', '--patient', '100042', '--authority', 'MAIN', '--reason', 'admitted'),
  ).toMatch(/^mon-1 is with 100042@MAIN since /);
  const begin = Date.now();
  for (let second = 0; second < 12; second++) await post([where.port], { hr: 150 }, begin + second * 1_000);
  await vi.waitFor(async () =>
    expect(await run('alarms')).toMatch(
      /high +active .* mon-1 +ICU, bed 1 +Heart rate is high +mon-1\/fast-heart\/\d+/,
    ),
  );
  expect(await run('alarms')).not.toContain('100042');
  expect(await run('alarms', '--reason', 'round')).toContain('Heart rate is high, hr 150 {beats}/min, 100042@MAIN');
  const [incident] = /mon-1\/fast-heart\/\d+/.exec(await run('alarms'))!;
  expect(await run('alarms', 'ack', incident, '--actor', 'ute')).toBe(`${incident} is acknowledged\n`);
  expect(await run('alarms', 'ack', incident)).toBe(`${incident} was acknowledged before\n`);
  expect(await run('alarms')).toContain('acknowledged (ute)');
  expect((await weir(['alarms', 'ack', 'mon-1/fast-heart/1'], hub.admin)).code).not.toBe(0);
  expect(
    await run('alarms', 'threshold', '100042', 'fast-heart', '--authority', 'MAIN', '--when', 'hr > 160'),
  ).toContain('hr > 160');
  expect(await run('alarms', 'threshold', '100042', 'fast-heart', '--off')).toContain('no device is with 100042 now');
  expect(await run('devices', '--reason', 'handover')).toMatch(/mon-1 +monitor +ICU, bed 1 .* 1 +100042@MAIN/);
  expect(await run('scores', '100042', '--authority', 'MAIN', '--consciousness', 'A', '--oxygen', 'no')).toMatch(
    /NEWS2 +no score: respiration, spo2, systolic, temperature missing or too old/,
  );
  expect(await run('device', 'dissociate', 'mon-1', '--reason', 'discharged')).toBe('mon-1 is with nobody\n');
  expect(await run('alarms')).toBe('no alarm is raised\n');
  const trail = await run('changes', '--json');
  for (const action of ['associate device', 'acknowledge alarm', 'set alarm threshold'])
    expect(trail).toContain(action);
  expect(hub.printed()).not.toContain('100042');
}, 90_000);

it('tells whoever looks of each change as it comes, and patients only to somebody with a name', async () => {
  await using where = await monitored();
  await using hub = await hubProcess(where);
  await weir(['device', 'associate', 'mon-1', '--patient', '100042', '--reason', 'admitted'], hub.admin);
  const address = new URL('/api/live/alarms', hub.admin);
  using open = new DisposableStack();
  const socket = new WebSocket(address, ['weir.live.v1', 'actor.ute', 'reason.ward']);
  open.defer(() => socket.close());
  const named: string[] = [];
  socket.addEventListener('message', ({ data }) => void named.push(data));
  const somebody = async () => {
    await vi.waitFor(() => expect(named.join()).toContain('"alarm"'));
    return { text: named.join(), at: performance.now() };
  };
  await once(socket, 'open');
  const answer = await fetch(address);
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  open.defer(() => void reader.cancel().catch(() => undefined));
  const anybody = async () => {
    let text = '';
    while (!text.includes('"alarm"')) text += (await reader.read()).value ?? '';
    return { text, at: performance.now() };
  };
  const begin = Date.now();
  for (let second = 0; second < 10; second++) await post([where.port], { hr: 150 }, begin + second * 1_000);
  const sent = performance.now();
  await post([where.port], { hr: 150 }, begin + 10_000);
  const [told, plain] = await Promise.all([somebody(), anybody()]);
  expect(told.at - sent).toBeLessThan(10_000);
  expect(told.text).toContain('"identifiers":[{"value":"100042"}]');
  expect(plain.text).not.toContain('100042');
  expect(plain.text).not.toContain('"reading"');
}, 60_000);
