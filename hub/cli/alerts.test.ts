import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hubAlert } from '../../contracts/hub-alert.ts';
import { eventually } from '../../core/testing/engine-harness.ts';
import { freePort } from '../../core/testing/free-port.ts';
import type { AlertsReport } from '../alerts/alerts.ts';
import { type HubProcess, hubProcess, type Workplace, weir as weirOn, workplace } from '../testing/hub-process.ts';

const message = join(import.meta.dirname, '../../test-fixtures/hl7v2/adt-a08.hl7');
const alertsYaml = `gatherMs: 0
rules:
  - { connectionDown: , forMs: 0, clearForMs: 0 }
expect:
  - { feed: one, every: 1h }
notify:
  - file: { endpoint: notices }
  - publish: { topic: hub.alert.v1 }
`;

let place: Workplace;
let hub: HubProcess;
let port: number;
const weir = (...args: readonly string[]) => weirOn(args, hub.admin);

beforeAll(async () => {
  port = await freePort();
  place = await workplace({
    'channels/one.channel.yaml':
      'channel: one\nsource: { mllp: { endpoint: in } }\ndestinations:\n  mount: { to: { file: { endpoint: mount } } }\n',
    'channels/alerts.yaml': alertsYaml,
    'notices/.keep': '',
  });
  const directory = (name: string) => `{ kind: directory, path: ${join(place.directory, name)} }`;
  await place.write({
    'channels/env/test.yaml': `endpoints:
  in: { kind: tcp-listen, listen: ${port} }
  mount: ${directory('mount')}
  notices: ${directory('notices')}
`,
  });
  hub = await hubProcess(place);
});

afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function notices() {
  const names = (await readdir(join(place.directory, 'notices'))).filter((name) => !name.startsWith('.'));
  const texts = await Promise.all(names.map((name) => readFile(join(place.directory, 'notices', name))));
  return texts.map((text) => hubAlert.decode(text, {}));
}

it('a mount that is away is an alert that is told once, and over when it is there', async () => {
  expect(await weir('alerts')).toMatchObject({ code: 0, out: 'nothing is firing\n' });
  await weir('send', message, '--to', `127.0.0.1:${port}`);
  await eventually(async () => (await hub.get<AlertsReport>('/api/alerts')).firing.length === 1);
  expect((await weir('alerts')).out).toMatch(/^critical +\S+ \S+ +connectionDown +one\/mount +the far end is away \(/m);
  await eventually(async () => (await notices()).length === 1);
  const metrics = await (await fetch(new URL('/metrics', hub.admin))).text();
  expect(metrics).toMatch(/^weir_alerts_firing\{condition="connectionDown",severity="critical"\} 1$/m);
  expect(metrics).toMatch(/^weir_alert_notices_total\{sink="publish-1",outcome="sent"\} 1$/m);

  await mkdir(join(place.directory, 'mount'));
  await eventually(async () => (await hub.get<AlertsReport>('/api/alerts')).firing.length === 0);
  await eventually(async () => (await notices()).length === 2);
  expect((await notices()).map(({ notice }) => notice).toSorted()).toEqual(['cleared', 'started']);
  expect((await weir('alerts', '--history')).out).toMatch(/ cleared +critical .*\n.* firing +critical /);
});

it('maintenance is started, listed and ended, by somebody with a reason', async () => {
  expect(await weir('maintenance', 'start', 'o*', '--for', '2h')).toMatchObject({ code: 2 });
  expect(await weir('maintenance', 'start', 'o*', '--for', 'soon', '--reason', 'x')).toMatchObject({ code: 2 });
  expect((await weir('maintenance', 'start', 'o*', '--for', '2h', '--reason', 'upgrade')).out).toMatch(
    /^alerts of o\* are muted until /,
  );
  expect((await weir('maintenance', 'list')).out).toMatch(/^o\* +\S+ \S+ +upgrade /m);
  expect((await weir('alerts')).out).toMatch(/^maintenance of o\* until .*: upgrade \(/m);
  expect((await weir('maintenance', 'end', 'o*')).out).toBe('maintenance of o* has ended\n');
  expect(await weir('maintenance', 'end', 'o*')).toMatchObject({ code: 4 });
  const { entries } = await hub.get<{ entries: readonly { action: string }[] }>('/api/audit?limit=2');
  expect(entries.map(({ action }) => action)).toEqual(['end-maintenance', 'start-maintenance']);
});

it('a deploy with a mistake in alerts.yaml changes nothing, and says where it is', async () => {
  await place.write({ 'channels/alerts.yaml': alertsYaml.replace('every: 1h', 'every: 10s') });
  const refused = await weir('deploy');
  expect(refused.code).toBe(1);
  expect(refused.err).toMatch(/channels\/alerts\.yaml:5:25 value-invalid expect\.0\.every: /);
});

it('weir silent ends with 1 while a feed is silent', async () => {
  const silent = await weir('silent');
  expect(silent).toMatchObject({ code: 0, out: expect.stringMatching(/^one +running .* every 60 min$/m) });
  const two = `channel: two\nsource: { mllp: { endpoint: in2 } }\ndestinations: { gone: { to: { discard: {} } } }\n`;
  const environment = await readFile(join(place.directory, 'channels/env/test.yaml'), 'utf8');
  await place.write({
    'channels/two.channel.yaml': two,
    'channels/env/test.yaml': `${environment}  in2: { kind: tcp-listen, listen: ${await freePort()} }\n`,
    'channels/alerts.yaml': alertsYaml.replace('notify:', "  - { feed: 'tw*', every: 1min }\nnotify:"),
  });
  expect(await weir('deploy')).toMatchObject({ code: 0 });
  const { code, out } = await weir('silent');
  expect(code).toBe(1);
  expect(out.split('\n').slice(1).join('\n')).toMatch(/^two +SILENT .*\none +running /);
});
