import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineChannel } from '../../core/builder.ts';
import { defineAdapter, defineConnector } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import { bytes } from '../../core/format.ts';
import { UnknownCodes } from '../../core/tables/unknown-codes.ts';
import { readYamlTable } from '../../core/tables/yaml-table.ts';
import { defaultAlerts } from '../alerts/alerts-config.ts';
import { AlertsOfOne } from '../alerts/alerts-of-one.ts';
import { systemClock } from '../system-clock.ts';
import { type ChannelHarness, channelHarness } from '../testing/channel-harness.ts';
import type { Phase } from './context.ts';
import { type AdminServer, startAdminServer } from './server.ts';

const config = z.strictObject({});
const examples = [{ title: 'Idle', config: {} }] as const;
const idle = defineAdapter({
  ...{ type: 'idle', summary: 'Receives nothing.', produces: bytes, acknowledges: 'never', config, examples },
  create: () => ({
    run: (_intake, { drain }) =>
      new Promise<void>((resolve) => drain.addEventListener('abort', () => resolve(), { once: true })),
  }),
});
/** Fails for good while `broken`, else takes everything. */
let broken = false;
let written = 0;
const sink = defineConnector({
  ...{
    type: 'sink',
    summary: 'Takes or refuses.',
    accepts: bytes,
    batching: 'prefix',
    effect: 'atLeastOnce',
    maxBatch: 1,
    config,
    examples,
  },
  create: () => ({
    write: async () => {
      if (broken)
        return [{ status: 'error', error: new HubError('write-failed', 'permanent', 'writing: broken') }] as const;
      written++;
      return undefined;
    },
    [Symbol.asyncDispose]: async () => undefined,
  }),
});

const reader = { 'weir-actor': 'ute', 'weir-reason': encodeURIComponent('Prüfung'), 'weir-ticket': 'INC-7' };
const nothing = { deployed: [], unchanged: [], removed: [], undeployed: [], refused: [], problems: [], notes: [] };
const undeploy = { undeploy: () => Promise.reject(new Error('not here')), list: async () => [] };
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const settings = { host: '127.0.0.1', port: 0, maxBodyBytes: 1_000 };

let harness: ChannelHarness;
let admin: AdminServer;
let alerts: AlertsOfOne;
let phase: Phase = 'running';

const sex = readYamlTable('sex.yaml', 'table: sex\nowner: Patients\nversion: 2\nrows: [{ code: M, fhir: male }]\n');
if (!sex.ok) throw new Error(JSON.stringify(sex.problems));
const codes = { tables: new Map([['sex', sex.value]]), unknown: new UnknownCodes() };

function context() {
  const { engine } = harness;
  const wiring = () => ({ endpoints: {}, uses: [], holdKey: [] });
  const known = { phase: () => phase, startedAt: 0, version: '0', log };
  return {
    engine,
    deploy: async () => nothing,
    undeploy,
    codes,
    alerts,
    wiring,
    definition: () => undefined,
    ...known,
  };
}

beforeAll(async () => {
  const { definition } = defineChannel('one').from(idle({})).to('sink', sink({}));
  harness = await channelHarness(definition);
  const { engine } = harness;
  const source = { alerts: defaultAlerts(), wiring: { endpoints: {}, uses: [], holdKey: [] } };
  const time = { clock: systemClock, random: Math.random };
  alerts = new AlertsOfOne({ engine, source, ...time, log, lowWaterBytes: 0, hub: 'test', version: '0' });
  admin = await startAdminServer(context(), settings);
});

afterAll(async () => {
  await admin[Symbol.asyncDispose]();
  await alerts[Symbol.asyncDispose]();
  await harness[Symbol.asyncDispose]();
});

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${admin.port}${path}`, { headers });
  const text = await response.text();
  return { status: response.status, text, json: () => JSON.parse(text) };
}

interface Answer {
  readonly parts: readonly unknown[];
  readonly messageId?: string;
  readonly channel: { readonly state: string; readonly destinations: readonly { readonly enabled: boolean }[] };
}

async function post(path: string, body?: Uint8Array | string, headers: Record<string, string> = reader) {
  const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
  const content = typeof body === 'string' ? body : body && Buffer.from(body);
  const response = await fetch(`http://127.0.0.1:${admin.port}${path}`, {
    method: 'POST',
    headers: { ...type, ...headers },
    ...(content !== undefined && { body: content }),
  });
  return { status: response.status, json: (await response.json()) as Answer };
}

async function sent(text: string, status: string): Promise<string> {
  return (await harness.sendUntil(Buffer.from(text), status as never)).id;
}

describe('the admin API', () => {
  it('is live always, ready only while the hub runs', async () => {
    expect((await get('/health/live')).status).toBe(200);
    expect((await get('/health/ready')).status).toBe(200);
    phase = 'draining';
    expect(await get('/health/ready')).toMatchObject({ status: 503, text: '{"status":"draining"}' });
    phase = 'running';
  });

  it('finds messages without their content', async () => {
    const id = await sent('secret content', 'sent');
    const page = await get('/api/messages?channel=one&status=sent&limit=1');
    expect(page.json().messages[0]).toMatchObject({ id, status: 'sent', size: 14 });
    expect(page.text).not.toContain('secret');
    expect(page.text).not.toContain(Buffer.from('secret content').toString('base64'));
  });

  it('rule 33: shows content only to somebody with a name and a reason, and keeps that on the audit trail', async () => {
    const id = await sent('for ute only', 'sent');
    expect(await get(`/api/messages/${id}`)).toMatchObject({ status: 400 });
    const shown = await get(`/api/messages/${id}`, reader);
    expect(Buffer.from(shown.json().raw, 'base64').toString()).toBe('for ute only');
    const { entries } = (await get('/api/audit?limit=1')).json();
    expect(entries[0]).toMatchObject({ actor: 'ute', reason: 'Prüfung', ticket: 'INC-7', subject: id });
  });

  it('rule 22: a double Enter acts once', async () => {
    broken = true;
    const id = await sent('will fail', 'error');
    broken = false;
    const before = written;
    const [first, second] = await Promise.all([post(`/api/messages/${id}/retry`), post(`/api/messages/${id}/retry`)]);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect([...first.json.parts, ...second.json.parts]).toHaveLength(1);
    await expect.poll(async () => (await get(`/api/messages?id=${id}`)).json().messages[0].status).toBe('sent');
    expect(written).toBe(before + 1);
  });

  it('rule 17: a dead letter that somebody skips is no open error any more', async () => {
    broken = true;
    const id = await sent('give up', 'error');
    broken = false;
    expect((await get('/api/messages?status=open-error')).json().messages).toHaveLength(1);
    expect((await post(`/api/messages/${id}/skip`)).status).toBe(200);
    expect((await get('/api/messages?status=open-error')).json().messages).toEqual([]);
  });

  it('rule 22: a double Enter replays once', async () => {
    const id = await sent('twice', 'sent');
    const [first, second] = await Promise.all([post(`/api/messages/${id}/replay`), post(`/api/messages/${id}/replay`)]);
    expect(first.json.messageId).toBeDefined();
    expect(second.json.messageId).toBe(first.json.messageId);
  });

  it('replays as a new message', async () => {
    const id = await sent('again', 'sent');
    const { json } = await post(`/api/messages/${id}/replay`, '{}');
    expect(json.messageId).not.toBe(id);
    await expect
      .poll(async () => (await get(`/api/messages?replayOf=${id}&status=sent`)).json().messages.length)
      .toBe(1);
  });

  it('stops and starts channels and destinations, as often as it is told', async () => {
    for (const [path, state] of [
      ['stop', 'stopped'],
      ['stop', 'stopped'],
      ['start', 'running'],
      ['start', 'running'],
    ] as const) {
      const { status, json } = await post(`/api/channels/one/${path}`);
      expect([status, json.channel.state]).toEqual([200, state]);
    }
    const stopped = await post('/api/channels/one/destinations/sink/stop');
    expect(stopped.json.channel.destinations[0]?.enabled).toBe(false);
    await post('/api/channels/one/destinations/sink/start');
  });

  it('takes a message as if the source had received it', async () => {
    const { status, json } = await post('/api/channels/one/send', Buffer.from('by hand'));
    expect(status).toBe(200);
    expect(json).toMatchObject({ outcome: { status: 'stored' } });
    expect((await post('/api/channels/one/send', Buffer.alloc(2_000))).status).toBe(413);
    expect((await post('/api/channels/one/send')).status).toBe(400);
  });

  it('answers what is not there and what cannot be read with a code and a sentence', async () => {
    for (const answer of [
      await post('/api/channels/two/start'),
      await post('/api/channels/one/explode'),
      await post('/api/channels/one/destinations/nowhere/stop'),
      await post('/api/messages/nosuch/retry'),
      await post('/api/nosuch'),
    ]) {
      expect(answer).toMatchObject({ status: 404, json: { code: 'not-found', message: expect.stringMatching(/./) } });
    }
    expect((await get('/api/messages?limit=many')).json()).toMatchObject({ code: 'request-invalid' });
    expect((await get('/api/messages?color=red')).status).toBe(400);
    expect((await post('/api/messages/x/retry', '{')).status).toBe(400);
    expect((await post('/api/channels/one/stop', undefined, {})).json).toMatchObject({ code: 'reader-needed' });
  });

  it('has figures for Prometheus that say nothing of a message', async () => {
    const { text } = await get('/metrics');
    expect(text).toMatch(/^weir_destination_messages_total\{channel="one",destination="sink",status="sent"\} [1-9]/m);
    expect(text).toMatch(/^weir_store_bytes [1-9]/m);
    expect(text).toMatch(/^weir_event_loop_delay_seconds\{quantile="0.99"\} /m);
    expect(text).not.toMatch(/secret|ute/);
  });

  it('tells which code tables are in force, and which codes they do not have', async () => {
    const { hash } = codes.tables.get('sex')!;
    expect((await get('/api/tables')).json()).toEqual({
      tables: [
        {
          ...{ table: 'sex', owner: 'Patients', version: '2', from: 'code', to: 'fhir', columns: ['code', 'fhir'] },
          ...{ rows: 1, file: 'sex.yaml', hash },
        },
      ],
    });
    codes.unknown.note('sex', 'X', 'one', 7);
    codes.unknown.note('ward', '3W', 'one', 8);
    expect((await get('/api/tables/unknown')).json()).toMatchObject({ code: 'reader-needed' });
    const ask = (query = '') => get(`/api/tables/unknown${query}`, reader);
    const [unknown, ofSex] = [await ask(), await ask('?table=sex')];
    await ask('?table=4711');
    const read = (await harness.engine.store.auditTrail({ limit: 3 })).map(({ action, subject }) => [action, subject]);
    expect(read).toEqual([
      ['read unknown codes', 'a table that is not there'],
      ['read unknown codes', 'sex'],
      ['read unknown codes', 'all tables'],
    ]);
    const x = { table: 'sex', code: 'X', channel: 'one', count: 1, firstSeen: 7, lastSeen: 7 };
    expect(unknown.json().unknown).toHaveLength(2);
    expect(ofSex.json()).toEqual({ unknown: [x], untold: 0 });
  });

  it('refuses a web page that had its name pointed here', async () => {
    const status = await new Promise((resolve, reject) => {
      const options = { port: admin.port, path: '/api/channels', headers: { host: 'evil.example' } };
      httpRequest(options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('serves an address that is not loopback to callers with the token only', async () => {
    await expect(startAdminServer(context(), { ...settings, host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'config-invalid',
    });
    await using guarded = await startAdminServer(context(), { ...settings, token: 'a-long-enough-token' });
    const ask = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${guarded.port}/api/channels`, { headers }).then(({ status }) => status);
    expect(await ask({})).toBe(401);
    expect(await ask({ authorization: 'Bearer a-long-enough-tokex' })).toBe(401);
    const told = async (headers: Record<string, string>) =>
      (await fetch(`http://127.0.0.1:${guarded.port}/api/channels`, { headers })).json();
    expect(await told({})).toMatchObject({ message: 'the admin API needs its bearer token' });
    expect(await told({ authorization: 'Bearer wrong' })).toMatchObject({
      message: 'the admin API refuses this bearer token',
    });
    expect(await ask({ authorization: 'Bearer a-long-enough-token' })).toBe(200);
  });

  it('says in one line that its port is taken', async () => {
    await expect(startAdminServer(context(), { ...settings, port: admin.port })).rejects.toMatchObject({
      code: 'port-in-use',
      message: `opening the admin API on 127.0.0.1:${admin.port}: another program listens there`,
    });
  });
});
