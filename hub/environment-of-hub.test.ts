/** What an environment says beside its endpoints, and what validation found, in a running hub. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, workplace } from './testing/hub-process.ts';

let place: Workplace;
let hub: HubProcess;
let port: number;

beforeAll(async () => {
  port = await freePort();
  place = await workplace({
    'channels/env/test.yaml': `zone: Europe/Berlin\nprocessing: P\nendpoints:\n  in: { kind: tcp-listen, listen: ${port} }\n  archive: { kind: directory, path: '\${stateDir}/archive' }\n`,
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

it('what validation found is told by kind and place, with the message to look at and nothing of what it holds', async () => {
  expect(await ask(admission('P'))).toContain('\rMSA|AA|C1');
  const told = async () =>
    (await fetch(new URL('/api/channels/adt/findings', hub.admin))).json() as Promise<{ findings: readonly unknown[] }>;
  await expect.poll(async () => (await told()).findings.length, { timeout: 5_000 }).toBeGreaterThan(0);
  const { findings } = await told();
  expect(findings[0]).toMatchObject({ severity: 'error', code: 'not-in-table', path: 'PID-8', count: 1 });
  expect(JSON.stringify(findings)).not.toContain('Berger');
  expect((await fetch(new URL('/api/channels/none/findings', hub.admin))).status).toBe(404);
});
