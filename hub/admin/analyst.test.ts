import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineChannel } from '../../core/builder.ts';
import { UnknownCodes } from '../../core/tables/unknown-codes.ts';
import {
  type EngineHarness,
  engineHarness,
  eventually,
  failing,
  farEnd,
  keyOf,
  manualSource,
} from '../../core/testing/engine-harness.ts';
import type { AdminContext } from './context.ts';
import { type AdminServer, startAdminServer } from './server.ts';

const reader = { 'weir-actor': 'ute', 'weir-reason': 'ward calls', 'weir-ticket': 'INC-7' };
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const source = manualSource();
const lab = farEnd('lab');
const ris = farEnd('ris');
const today = { from: '2020-01-01', to: '2020-12-31' };

let harness: EngineHarness;
let admin: AdminServer;

beforeAll(async () => {
  harness = await engineHarness();
  const channel = defineChannel('orders')
    .from(source.spec)
    .keyBy(keyOf)
    .to('lab', lab.spec, { afterDeadLetter: 'hold-key' })
    .to('ris', ris.spec, { retry: { initialMs: 3_600_000, maxMs: 3_600_000 } });
  lab.answer = (message) => (message.keys[0] === '4711^HOSP' ? failing.forGood() : { status: 'sent' });
  ris.answer = (message) => (message.keys[0] === '4712^HOSP' ? failing.passing() : { status: 'sent' });
  await harness.engine.deploy(channel.definition, 'v1');
  const context = {
    engine: harness.engine,
    deploy: async () => ({
      deployed: [{ channel: 'orders', version: 'v2' }],
      unchanged: [],
      removed: [],
      undeployed: [],
      refused: [],
      problems: [],
      notes: [],
    }),
    wiring: () => ({
      endpoints: {
        'lab-in': { kind: 'tcp-listen', listen: 2575, host: '::1' },
        'lab-token': { kind: 'bearer-token', token: 'secret-token' },
      },
      holdKey: ['orders/lab'],
      uses: [
        { endpoint: 'lab-in', channel: 'orders', type: 'manual' },
        { endpoint: 'lab-in', channel: 'orders', destination: 'ris', type: 'far-end' },
        { endpoint: 'lab-token', channel: 'orders', destination: 'ris', type: 'far-end' },
      ],
    }),
    codes: { tables: new Map(), unknown: new UnknownCodes() },
    phase: () => 'running',
    ...{ startedAt: 0, version: '0', log },
  } satisfies Partial<AdminContext> as unknown as AdminContext;
  admin = await startAdminServer(context, { host: '127.0.0.1', port: 0, maxBodyBytes: 1_000 });
  await source.send(
    '4711^HOSP:dead',
    '4711^HOSP:behind',
    '4712^HOSP:later',
    '4712^HOSP:after',
    '4713^HOSP:fine',
    '!broken',
  );
  await eventually(async () => {
    const [counts] = await harness.store.counts();
    const at = (name: string) => counts?.destinations.find(({ destination }) => destination === name);
    return at('lab')?.openErrors === 1 && at('lab')?.queued === 1 && at('ris')?.queued === 2 && at('ris')?.sent === 3;
  });
});

afterAll(async () => {
  await admin?.[Symbol.asyncDispose]();
  await harness?.[Symbol.asyncDispose]();
});

async function ask(path: string, body?: object, headers: Record<string, string> = reader) {
  const response = await fetch(`http://127.0.0.1:${admin.port}${path}`, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
  });
  const text = await response.text();
  return { status: response.status, text, json: JSON.parse(text) };
}

describe('what analysts ask', () => {
  it('rule 33: tells of holds, which may name a patient, to somebody with a name and a reason', async () => {
    const { id } = (await ask('/api/holds', { channel: 'orders', destination: 'ris', key: '4799^HOSP' })).json;
    expect(await ask('/api/holds', undefined, {})).toMatchObject({ status: 400, json: { code: 'reader-needed' } });
    expect((await ask('/api/holds')).json.holds).toMatchObject([{ id, key: '4799^HOSP' }]);
    const [read] = await harness.store.auditTrail({ limit: 1 });
    expect(read).toMatchObject({ action: 'read holds', subject: `hold/${id}`, actor: 'ute' });
    const changes = (await ask('/api/changes')).json.changes as readonly { action: string }[];
    expect(changes.map(({ action }) => action)).not.toContain('read holds');
    await harness.engine.jobs.create({ verb: 'release', hold: id }, { actor: 'ute', reason: 'test' });
    await eventually(() => harness.engine.holds.list().length === 0);
  });

  it('counts the day, by channel, destination and type', async () => {
    const whole = (await ask('/api/report')).json;
    expect(whole).toMatchObject({ by: 'channel', timeZone: harness.store.timeZone, from: whole.to });
    const figures = { channel: 'orders', received: 6, filtered: 0, sent: 1, errored: 2, queued: 3, duplicates: 0 };
    expect(whole.counts).toEqual([{ day: whole.from, ...figures }]);
    const parts = (await ask('/api/report?by=destination&channel=orders')).json.counts;
    expect(parts).toMatchObject([
      { destination: 'lab', received: 5, sent: 3, errored: 1, queued: 1 },
      { destination: 'ris', received: 5, sent: 3, errored: 0, queued: 2 },
    ]);
    expect((await ask('/api/report?by=type')).json.counts).toMatchObject([{ received: 6 }]);
    expect((await ask(`/api/report?from=${today.from}&to=${today.to}`)).json.counts).toEqual([]);
  });

  it('refuses what are no days, or too many', async () => {
    for (const query of [
      'from=2026-02-30',
      'from=2026-02-02&to=2026-02-01',
      'from=2020-01-01&to=2026-01-01',
      'by=hour',
    ])
      expect(await ask(`/api/report?${query}`)).toMatchObject({ status: 400, json: { code: 'request-invalid' } });
  });

  it('lists open errors and groups them, without keys', async () => {
    const list = await ask('/api/errors');
    expect(list.json.errors).toMatchObject([
      { destination: '', error: { code: 'decode-failed' }, blockedKeys: 0 },
      { destination: 'lab', error: { code: 'reply-negative' }, blockedKeys: 1 },
    ]);
    const groups = await ask('/api/errors/groups?channel=orders');
    expect(groups.json.groups).toHaveLength(2);
    expect(groups.json.groups).toContainEqual(
      expect.objectContaining({ destination: 'lab', message: 'sending: AE', count: 1, blockedKeys: 1 }),
    );
    expect(list.text + groups.text).not.toMatch(/\b471\d\b|HOSP/);
    const first = (await ask('/api/errors?limit=1')).json;
    expect(first.errors).toHaveLength(1);
    const cursor = encodeURIComponent(first.cursor);
    expect((await ask(`/api/errors?limit=1&cursor=${cursor}`)).json.errors).toMatchObject([{ destination: 'lab' }]);
  });

  it('rule 33: says what holds up a patient to somebody with a name and a reason only', async () => {
    expect(await ask('/api/keys', { key: '4711' }, {})).toMatchObject({ status: 400, json: { code: 'reader-needed' } });
    const dead = (await ask('/api/keys', { key: '4711' })).json.lanes;
    expect(dead).toMatchObject([
      {
        ...{ channel: 'orders', destination: 'lab', key: '4711^HOSP', queued: 1, behind: 0, why: 'dead-letter' },
        ...{
          blockedBy: expect.stringMatching(/^0/),
          error: { code: 'reply-negative' },
          parts: [{ queued: 'blocked' }],
        },
        deadLetters: [{ error: { code: 'reply-negative' } }],
      },
    ]);
    expect(dead[0].blockedBy).toBe(dead[0].deadLetters[0].id);
    expect((await ask('/api/keys', { key: '4712^HOSP', channel: 'orders' })).json.lanes).toMatchObject([
      {
        ...{ destination: 'ris', queued: 2, behind: 1, why: 'retry', retryAt: expect.any(Number) },
        ...{ since: expect.any(Number), parts: [{ queued: 'waiting', attempts: 1 }, { queued: 'blocked' }] },
      },
    ]);
    expect((await ask('/api/keys', { key: '4713' })).json.lanes).toEqual([]);
    const trail = (await ask('/api/audit?limit=1')).json.entries;
    expect(trail).toMatchObject([{ action: 'read key', actor: 'ute', ticket: 'INC-7' }]);
    expect(JSON.stringify(trail)).not.toContain('4713');
  });

  it('says that a lane waits because its destination is stopped', async () => {
    await harness.engine.stopDestination('orders', 'ris', { actor: 'ute', reason: 'test' });
    expect((await ask('/api/keys', { key: '4712' })).json.lanes).toMatchObject([{ why: 'destination-stopped' }]);
    await harness.engine.startDestination('orders', 'ris', { actor: 'ute', reason: 'test' });
  });

  it('lists who changed what, deployments with their versions, and not who read what', async () => {
    await ask('/api/deploy', {});
    await ask('/api/keys', { key: '4711' });
    const { changes } = (await ask('/api/changes?limit=2')).json;
    expect(changes).toMatchObject([
      { action: 'deploy', channel: 'orders', to: 'v2', actor: 'ute', reason: 'ward calls', ticket: 'INC-7' },
      { action: 'start-destination', subject: 'orders/ris' },
    ]);
    expect((await ask(`/api/changes?before=${changes[0].n}&limit=1`)).json.changes[0].n).toBeLessThan(changes[0].n);
  });

  it('lists connections of endpoints, and no password', async () => {
    const found = await ask('/api/connections');
    expect(found.json.connections).toEqual([
      expect.objectContaining({
        channel: 'orders',
        endpoint: 'lab-in',
        address: '[::1]:2575',
        state: expect.any(String),
      }),
      expect.objectContaining({ destination: 'ris', type: 'far-end', lastMessageAt: expect.any(Number) }),
    ]);
    expect(found.text).not.toContain('secret');
    expect((await ask('/api/certificates')).json).toEqual({ certificates: [] });
  });
});
