import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { answering, farEnd } from '../../clients/http-client/testing/far-end.ts';
import { mailServer } from '../../connectors/email/testing/mail-server.ts';
import { hubAlert } from '../../contracts/hub-alert.ts';
import { HubError } from '../../core/errors.ts';
import { eventually } from '../../core/testing/engine-harness.ts';
import { type AlertsPlace, alertsPlace } from './testing/alerts-place.ts';
import { channelStatus } from './testing/statuses.ts';

const minute = 60_000;
let place: AlertsPlace;
afterEach(() => place.close());

const failed = (name = 'lab-in') => channelStatus(name, { state: 'failed' });
const well = (name = 'lab-in') => channelStatus(name);
const failure = (kind: 'transient' | 'permanent', scope: 'message' | 'destination' = 'destination') =>
  ({ status: 'error', error: new HubError('refused', kind, 'paging: refused', { scope }) }) as const;

describe('a way out', () => {
  it('that fails is tried again at growing intervals, logged once, and shown', async () => {
    place = await alertsPlace();
    place.pager.answer = () => failure('transient');
    place.channels = [failed()];
    await place.pass(2 * 60 * minute);
    const attempts = place.pager.written.length;
    expect(attempts).toBeGreaterThan(10);
    expect(attempts).toBeLessThan(40);
    expect(place.logged.filter(({ text }) => text.startsWith('telling of alerts fails'))).toHaveLength(1);
    expect(place.alerts.report().sinks).toMatchObject([
      { name: 'pager-1', waiting: 1, lost: 0, error: { code: 'refused' }, failingSince: expect.any(Number) },
    ]);
    place.pager.answer = () => ({ status: 'sent' });
    await place.pass(15 * minute);
    expect(place.alerts.report().sinks[0]).toMatchObject({ waiting: 0, lastSentAt: expect.any(Number) });
    expect(place.alerts.report().sinks[0]).not.toHaveProperty('error');
    expect(place.alerts.report().notices).toEqual([{ sink: 'pager-1', outcome: 'sent', count: 1 }]);
  });

  it('gives a notice up that it refuses for good, or that is a day old', async () => {
    place = await alertsPlace();
    place.pager.answer = () => failure('permanent', 'message');
    place.channels = [failed()];
    await place.pass(5 * minute);
    expect(place.pager.written).toHaveLength(1);
    expect(place.alerts.report().sinks).toMatchObject([{ waiting: 0, lost: 1 }]);
    place.pager.answer = () => failure('transient');
    place.channels = [well()];
    await place.pass(25 * 60 * minute);
    expect(place.alerts.report().sinks).toMatchObject([{ waiting: 0, lost: 2 }]);
  });

  it('that hangs, throws or cannot be made holds up nothing else', async () => {
    const yaml = 'notify: [{ pager: {} }, { file: { endpoint: nowhere } }, { publish: { topic: hub.alert.v1 } }]';
    place = await alertsPlace({ yaml, endpoints: { nowhere: { kind: 'tcp-connect', host: 'x', port: 1 } } });
    place.pager.answer = () => new Promise(() => undefined);
    place.channels = [failed()];
    await place.pass(minute);
    await eventually(async () => (await place.events.status())[0]?.events === 1);
    await place.pass(2 * minute);
    expect(place.alerts.report().sinks).toMatchObject([
      { name: 'pager-1', waiting: 1, error: { code: 'write-failed' } },
      { name: 'file-1', waiting: 1, error: { code: 'config-invalid' } },
      { name: 'publish-1', waiting: 0 },
    ]);
  });

  it('gets what is bad enough for it, as JSON or as text', async () => {
    const yaml = 'notify: [{ pager: { number: 1 }, severity: critical, as: text }, { pager: { number: 2 } }]';
    place = await alertsPlace({ yaml });
    place.channels = [channelStatus('lab-in', { counts: { openErrors: 3 } })];
    await place.pass(5 * minute);
    expect(place.pager.titles).toEqual(['lab-in: 3 dead letters are open']);
    place.channels = [failed()];
    await place.pass(5 * minute);
    const text = place.pager.written.find(({ effectId }) => effectId.endsWith('/pager-1/0'));
    expect(Buffer.from(text?.bytes ?? []).toString()).toMatch(
      /^critical: lab-in: the channel has failed\n\nHub: hub-1\n/,
    );
  });

  it('may be a directory: one file each', async () => {
    const path = await mkdtemp(join(tmpdir(), 'weir-alerts-'));
    try {
      place = await alertsPlace({
        yaml: 'notify: [{ file: { endpoint: alerts } }]',
        endpoints: { alerts: { kind: 'directory', path } },
      });
      place.channels = [failed()];
      await place.pass(minute);
      const names = async () => (await readdir(path)).filter((name) => !name.startsWith('.'));
      await eventually(async () => (await names()).length === 1);
      const [name = ''] = await names();
      expect(hubAlert.decode(await readFile(join(path, name)), {})).toMatchObject({ notice: 'started' });
    } finally {
      await rm(path, { recursive: true });
    }
  });

  it('may be a web hook', async () => {
    await using hook = await farEnd(answering(503));
    const url = `http://127.0.0.1:${hook.port}/alerts`;
    place = await alertsPlace({
      yaml: 'notify: [{ http: { endpoint: hook, contentType: application/json } }]',
      endpoints: { hook: { kind: 'http', url } },
    });
    place.channels = [failed()];
    await place.pass(minute);
    await eventually(() => place.alerts.report().sinks[0]?.failingSince !== undefined);
    hook.respond = answering();
    await place.pass(20 * minute);
    await eventually(() => place.alerts.report().sinks[0]?.lastSentAt !== undefined);
    const bodies = hook.requests.map(({ body }) => body);
    expect(new Set(bodies).size).toBe(1);
    expect(hubAlert.decode(Buffer.from(bodies[0] ?? ''), {})).toMatchObject({ notice: 'started', hub: 'hub-1' });
  });

  it('may be a mail: text for people, with the title as its subject', async () => {
    await using server = await mailServer();
    const port = server.port;
    place = await alertsPlace({
      yaml: `notify:
  - email: { endpoint: mail, from: weir@hospital.example, to: [on-call@hospital.example], subject: '\${meta.alert.title}' }`,
      endpoints: { mail: { kind: 'smtp', host: '127.0.0.1', port, security: 'none', tls: { minVersion: 'TLSv1.2' } } },
    });
    place.channels = [failed()];
    await place.pass(minute);
    await eventually(() => server.mails.length === 1);
    expect(server.mails[0]?.text).toMatch(/^Subject: lab-in: the channel has failed\r$/m);
    const body = Buffer.from(server.mails[0]?.text.split('\r\n\r\n')[1] ?? '', 'base64').toString();
    expect(body).toMatch(/^critical: lab-in: the channel has failed\n\nHub: hub-1\n/);
  });

  it('that is added later is told of what starts then; one that changes gets what waited for it', async () => {
    place = await alertsPlace({ yaml: '' });
    place.channels = [failed('a')];
    await place.pass(minute);
    await place.configure('notify: [{ pager: { number: 1 } }]');
    place.pager.answer = () => failure('transient');
    place.channels = [failed('a'), failed('b')];
    await place.pass(minute);
    place.pager.answer = () => ({ status: 'sent' });
    await place.configure('notify: [{ pager: { number: 2 } }]');
    await place.pass(20 * minute);
    expect(place.pager.titles).toEqual(['b: the channel has failed']);
  });
});
