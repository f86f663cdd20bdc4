/** What an environment says beside its endpoints, and what validation found, in a running hub. */
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, weir, workplace } from './testing/hub-process.ts';

let place: Workplace;
let hub: HubProcess;
let port: number;

beforeAll(async () => {
  port = await freePort();
  place = await workplace({
    'channels/env/test.yaml': `zone: Europe/Berlin\nprocessing: P\nendpoints:\n  in: { kind: tcp-listen, listen: ${port} }\n  archive: { kind: directory, path: '\${stateDir}/archive' }\n  notices: { kind: directory, path: '\${stateDir}/notices' }\n`,
    'channels/alerts.yaml': 'gatherMs: 0\nnotify: [{ file: { endpoint: notices } }]\n',
    'channels/profiles/ehr.profile.yaml': 'profile: ehr\nconformance: { tables: { 0001: [F, M] } }\n',
    'channels/adt.channel.yaml':
      'channel: adt\nsource: { mllp: { endpoint: in } }\nprofile: ehr\nvalidation: report\ndestinations: { kept: { to: { file: { endpoint: archive } } } }\n',
  });
  hub = await hubProcess(place);
});

afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

function ask(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`\x0b${text}\x1c\r`));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.once('error', reject);
  });
}

const admission = (processing: string) =>
  `MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500||ADT^A01^ADT_A01|C1|${processing}|2.5.1\rEVN||20260302081500\rPID|1||7^^^H^MR||Berger||19600101|X\rPV1|1|I\r`;

it('a test message is refused in production, where /metrics counts it', async () => {
  expect(await ask(admission('T'))).toContain('\rMSA|AR|C1');
  const metrics = await (await fetch(new URL('/metrics', hub.admin))).text();
  expect(metrics).toMatch(/\{[^}]*counter="processing_refused_total"[^}]*\} 1/);
});

it('somebody is told of test messages that are refused', async () => {
  await hub.get('/api/alerts');
  expect(await ask(admission('T'))).toContain('\rMSA|AR|C1');
  await hub.get('/api/alerts');
  const folder = join(place.directory, 'state/notices');
  const told = async () => {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
    return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
  };
  await expect.poll(told).toMatch(/testMessagesRefused/);
  expect(await told()).toMatch(
    /\b1 test message was refused within 60 min|\b2 test messages were refused within 60 min/,
  );
  expect(await told()).not.toContain('Berger');
});

it('what validation found is told by kind and place, with the message to look at and nothing of what it holds', async () => {
  expect(await ask(admission('P'))).toContain('\rMSA|AA|C1');
  const told = async () =>
    (await fetch(new URL('/api/channels/adt/findings', hub.admin))).json() as Promise<{ findings: readonly unknown[] }>;
  await expect.poll(async () => (await told()).findings.length).toBeGreaterThan(0);
  const { findings } = await told();
  expect(findings[0]).toMatchObject({ severity: 'error', code: 'not-in-table', path: 'PID-8', count: 1 });
  expect(JSON.stringify(findings)).not.toContain('Berger');
  expect((await fetch(new URL('/api/channels/none/findings', hub.admin))).status).toBe(404);

  const sent = async () =>
    (await hub.get<{ messages: { id: string }[] }>('/api/messages?channel=adt&status=sent')).messages[0]?.id;
  await expect.poll(sent).toBeDefined();
  const id = await sent();
  const shown = await weir(['findings', '--channel', 'adt'], hub.admin);
  expect(shown).toMatchObject({ code: 0, err: '' });
  expect(shown.out).toMatch(/^Channel +Severity +Code +Place +Count +First +Last +Example +What$/m);
  expect(shown.out).toMatch(new RegExp(`^adt +error +not-in-table +PID-8 +1 +\\d{4}-.* ${id} `, 'm'));
  expect(shown.out).not.toContain('Berger');
  const { findings: all, untold } = JSON.parse((await weir(['findings', '--json'], hub.admin)).out);
  expect(all[0]).toMatchObject({ channel: 'adt', code: 'not-in-table', path: 'PID-8', count: 1, messages: [id] });
  expect(untold).toBe(0);
  expect(await weir(['findings', '--channel', 'none'], hub.admin)).toMatchObject({ code: 4 });
});
