import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChannelStatus } from '../core/runtime/engine.ts';
import type { Hold, JobStatus } from '../core/runtime/jobs/job.ts';
import type { MessagePage } from '../core/store/message-store.ts';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, weir as weirOn, workplace } from './testing/hub-process.ts';

const fixture = join(import.meta.dirname, '../test-fixtures/hl7v2/adt-a08.hl7');
const count = 300;

let place: Workplace;
let hub: HubProcess;
let port: number;

const weir = (...args: readonly string[]) => weirOn(args, hub.admin);
const send = (repeat: number) =>
  weir('send', fixture, '--to', `127.0.0.1:${port}`, '--pipeline', '50', '--repeat', `${repeat}`);
const job = (id: string) => hub.get<JobStatus>(`/api/jobs/${id}`);
const destination = async () => (await hub.get<ChannelStatus>('/api/channels/one')).destinations[0]!;

beforeAll(async () => {
  port = await freePort();
  place = await workplace({
    'channels/env/test.yaml': `endpoints:\n  in: { kind: tcp-listen, listen: ${port} }\n`,
    'channels/one.channel.yaml':
      'channel: one\nsource: { mllp: { endpoint: in } }\nkey: PID-3.1\ndestinations: { gone: { to: { discard: {} } } }\n',
  });
  hub = await hubProcess(place);
  await send(count);
});

afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function replaysOfEach(): Promise<readonly number[]> {
  const replays = new Map<string, number>();
  for (let cursor = ''; ; ) {
    const page = await hub.get<MessagePage>(`/api/messages?channel=one&limit=1000${cursor}`);
    for (const { replayOf } of page.messages)
      if (replayOf !== undefined) replays.set(replayOf, (replays.get(replayOf) ?? 0) + 1);
    if (page.cursor === undefined) return [...replays.values()];
    cursor = `&cursor=${page.cursor}`;
  }
}

describe('rule 22: verbs on all messages of a filter', () => {
  it('says what would be done, and does nothing without a yes', async () => {
    await expect.poll(async () => (await destination()).sent).toBe(count);
    const asked = await weir('replay', '--channel', 'one', '--status', 'sent', '--reason', 'test');
    expect(asked).toMatchObject({ code: 5, err: expect.stringContaining('--yes') });
    expect(asked.out).toContain(`replay of ${count} messages, received `);
    expect(asked.out).toContain(`  one: ${count}\n    → gone: ${count}\n`);
    const dry = await weir('replay', '--channel', 'one', '--dry-run', '--json');
    expect(JSON.parse(dry.out)).toMatchObject({ matched: count, complete: true });
    expect(await weir('replay')).toMatchObject({ code: 2 });
    expect(await weir('replay', 'x', '--channel', 'one')).toMatchObject({ code: 2 });
    expect((await weir('jobs', '--json')).out).toBe('[]\n');
  });

  it('goes on after a kill, and replays nothing twice', async () => {
    const begun = await weir('replay', '--channel', 'one', '--rate', '100', '--yes', '--json', '--reason', 'test');
    const { id } = JSON.parse(begun.out) as JobStatus;
    for (const done of [60, 150]) {
      await expect.poll(async () => (await job(id)).done).toBeGreaterThan(done);
      process.kill(hub.processId, 'SIGKILL');
      await hub.exited;
      hub = await hubProcess(place);
    }
    await expect.poll(async () => (await job(id)).state).toBe('done');
    expect(await job(id)).toMatchObject({ matched: count, done: count, failed: 0, by: { reason: 'test' } });
    expect(await replaysOfEach()).toEqual(Array(count).fill(1));
    await expect.poll(async () => (await destination()).sent).toBe(2 * count);
    expect((await weir('jobs')).out).toMatch(new RegExp(`^${id} +done +replay +${count} +${count} +0 +0 +100/s`, 'm'));
    expect(await weir('jobs', 'pause', id)).toMatchObject({ code: 5 });
    expect(await weir('jobs', 'show', '0198c0de-0000-7000-8000-000000000000')).toMatchObject({ code: 4 });
  }, 60_000);

  it('holds messages of a type over a restart until they are released', async () => {
    const sent = (await destination()).sent;
    const made = await weir('hold', '--channel', 'one', '--type', 'ADT', '--reason', 'merges', '--json');
    const { id } = JSON.parse(made.out) as Hold;
    await send(20);
    await expect.poll(async () => (await destination()).queued).toBe(20);
    expect((await weir('channels', 'one')).out).toMatch(/1 hold in force \(\d keys\)/);
    expect((await weir('hold', '--list')).out).toMatch(new RegExp(`^${id} +one +all +type ADT .*merges`, 'm'));
    process.kill(hub.processId, 'SIGTERM');
    await hub.exited;
    hub = await hubProcess(place);
    await send(1);
    await expect.poll(async () => (await destination()).queued).toBe(21);
    expect((await weir('release', '--channel', 'one')).code).toBe(5);
    const released = await weir('release', '--channel', 'one', '--type', 'ADT', '--yes', '--rate', '500', '--wait');
    expect(released).toMatchObject({ code: 0, err: '' });
    await expect.poll(async () => (await destination()).sent).toBe(sent + 21);
    expect(await weir('release', id)).toMatchObject({ code: 4 });
  }, 60_000);

  it('answers over the admin API what cannot be understood, and makes one job of a request that is sent twice', async () => {
    const headers = { 'weir-actor': 'ute', 'weir-reason': 'test', 'content-type': 'application/json' };
    const post = async (path: string, body: object) => {
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const response = await fetch(new URL(path, hub.admin), init);
      return { status: response.status, json: (await response.json()) as JobStatus & { code?: string } };
    };
    for (const body of [{}, { verb: 'erase', filter: {} }, { verb: 'skip', filter: { colour: 'red' } }])
      expect(await post('/api/jobs', body)).toMatchObject({ status: 400 });
    expect(await post('/api/jobs', { verb: 'skip', filter: {} })).toMatchObject({ status: 409 });
    expect(await post('/api/holds', { channel: 'one' })).toMatchObject({ status: 400 });
    expect(await post('/api/holds', { channel: 'two', all: true })).toMatchObject({ status: 404 });
    const wish = { verb: 'replay', filter: { channel: 'one', type: 'ADT^A31' }, id: crypto.randomUUID() };
    const made = await Promise.all([post('/api/jobs', wish), post('/api/jobs', wish)]);
    expect(made.map(({ status, json }) => [status, json.id])).toEqual(Array(2).fill([200, wish.id]));
    await expect.poll(async () => (await job(wish.id)).state).toBe('done');
    expect(await post(`/api/jobs/${wish.id}/explode`, {})).toMatchObject({ status: 404 });
  });
});
