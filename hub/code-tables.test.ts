/** Code tables of a running hub: read with the channels, changed by a deployment, their unknown codes told. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChannelStatus } from '../core/runtime/engine.ts';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, weir as weirOn, workplace } from './testing/hub-process.ts';

const table = (version: string, rows: string) =>
  `# table: patient-class\n# owner: Patient administration\n# version: ${version}\ncode,to\n${rows}`;
const admission = 'MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500||ADT^A01^ADT_A01|C1|P|2.5.1\rPID|1||7^^^H^MR\rPV1|1|O\r';

let place: Workplace;
let hub: HubProcess;
const weir = (...args: readonly string[]) => weirOn(args, hub.admin);

beforeAll(async () => {
  const port = await freePort();
  place = await workplace({
    'channels/env/test.yaml': `endpoints:\n  in: { kind: tcp-listen, listen: ${port} }\n  archive: { kind: directory, path: '\${stateDir}/archive' }\n`,
    'channels/adt.channel.yaml': `channel: adt\nsource: { mllp: { endpoint: in } }\nsteps: [mapping: { file: lab.map.yaml }]\ndestinations:\n  lab: { to: { file: { endpoint: archive, name: "\${seq}" } } }\n`,
    'channels/ts.channel.ts': `import { adapters, connectors, defineChannel, hl7v2, transforms } from 'weir';
export default defineChannel('ts')
  .from(adapters.events({ topic: 'none', group: 'ts' }), hl7v2)
  .through(transforms.mapping({ file: 'lab.map.yaml' }, { from: hl7v2, to: hl7v2 }))
  .to('gone', connectors.discard({}));
`,
    'channels/lab.map.yaml':
      'map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PV1-2: { from: PV1-2, table: patient-class, unknown: pass, do: [{ script: ./names.ts#tidy }] } }\n',
    'channels/names.ts': 'export const tidy = (text: string) => text.trim();\n',
    'channels/tables/patient-class.csv': table('1', 'I,IMP\n'),
  });
  hub = await hubProcess(place);
});

afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function send(body: string): Promise<void> {
  const headers = { 'weir-actor': 'test', 'weir-reason': 'test' };
  const response = await fetch(new URL('/api/channels/adt/send', hub.admin), { method: 'POST', body, headers });
  expect(response.status).toBe(200);
}

/** What becomes of the next admission. */
async function sent(): Promise<string> {
  const archive = join(place.directory, 'state/archive');
  const before = new Set(await readdir(archive));
  await send(admission);
  const added = async () => (await readdir(archive)).filter((name) => !before.has(name) && !name.includes('.'));
  await expect.poll(added).toHaveLength(1);
  return readFile(join(archive, (await added())[0]!), 'latin1');
}

it('rule 6: a table that changes is a new version of the channels that use it, and nothing else is deployed', async () => {
  const version = async (channel: string) => (await hub.get<ChannelStatus>(`/api/channels/${channel}`)).version;
  expect(await sent()).toContain('PV1|1|O\r');
  expect((await weir('tables', 'unknown')).out).toMatch(
    /^Table +Code +Channel +Count +First seen +Last seen\npatient-class +O +adt +1 +\d{4}-/,
  );
  expect((await weir('tables', 'list')).out).toMatch(
    /^patient-class +1 +1 +Patient administration +.*patient-class\.csv$/m,
  );
  expect((await weir('deploy')).out).toBe('0 deployed, 2 unchanged, 0 removed\n');

  const before = [await version('adt'), await version('ts')];
  // Somebody is at work on this file; it comes with its own deployment only.
  const half = 'channel: ts2\nsource: { mllp: { endpoint: in } }\n';
  await place.write({ 'channels/half.channel.yaml': half });
  await place.write({ 'channels/tables/patient-class.csv': table('2', 'I,IMP\nO,AMB\n') });
  await expect.poll(() => version('ts')).not.toBe(before[1]);
  expect(await version('adt')).not.toBe(before[0]);
  expect(await sent()).toContain('PV1|1|AMB\r');
  expect((await weir('changes', '--limit', '5')).out).toMatch(
    / weir +deploy +code tables changed: patient-class 2 +adt: version [0-9a-f]{8} → [0-9a-f]{8}$/m,
  );
  await rm(join(place.directory, 'channels/half.channel.yaml'));
  expect((await weir('deploy')).out).toBe('0 deployed, 2 unchanged, 0 removed\n');
  const { tables } = JSON.parse((await weir('tables', 'list', '--json')).out);
  expect(tables).toMatchObject([{ table: 'patient-class', version: '2', rows: 2, columns: ['code', 'to'] }]);
  expect(JSON.parse((await weir('tables', 'unknown', 'patient-class', '--json')).out)).toEqual({
    unknown: [],
    untold: 0,
  });
});

it('a changed table with a mistake is refused: told once, shown, an alert, and the one before stays in force', async () => {
  await place.write({ 'channels/tables/patient-class.csv': table('3', 'I,IMP\nI,X\n') });
  await expect.poll(async () => (await weir('tables', 'list')).code).toBe(1);
  const { out } = await weir('tables', 'list');
  expect(out).toMatch(/^patient-class +2 +2 /m);
  expect(out).toMatch(/^changed files are refused since .*; these tables stay in force:$/m);
  expect(out).toMatch(/patient-class\.csv:6:1 value-invalid code: the code stands there already/);
  expect((await weir('alerts')).out).toMatch(/tablesRefused .* a mistake in patient-class\.csv:6; /);
  expect(await sent()).toContain('PV1|1|AMB\r');
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(hub.printed().match(/.*changed code tables were refused.*/g)).toHaveLength(1);

  await place.write({ 'channels/tables/patient-class.csv': table('2', 'I,IMP\nO,AMB\n') });
  await expect.poll(async () => (await weir('tables', 'list')).code).toBe(0);
});

it('the worklist of unknown codes is there after a restart, but of a table that is another one by then', async () => {
  await send(admission.replace('|O', '|Q'));
  const worklist = async () => (await weir('tables', 'unknown')).out;
  await expect.poll(worklist).toMatch(/^patient-class +Q +adt +1 /m);
  const restarted = async () => {
    process.kill(hub.processId, 'SIGTERM');
    await hub.exited;
    await hub[Symbol.asyncDispose]();
    hub = await hubProcess(place);
  };
  await restarted();
  await send(admission.replace('|O', '|Q'));
  await expect.poll(worklist).toMatch(/^patient-class +Q +adt +2 /m);
  await place.write({ 'channels/tables/patient-class.csv': table('2', 'I,IMP\nO,AMB\nQ,X\n') });
  await restarted();
  expect(await worklist()).toBe('the tables had every code\n');
  await place.write({ 'channels/tables/patient-class.csv': table('2', 'I,IMP\nO,AMB\n') });
  await restarted();
});

it('a table or a map with a mistake changes nothing and is named with its line', async () => {
  await place.write({
    'channels/tables/patient-class.csv': table('3', 'I,IMP\nI,X\n'),
    'channels/lab.map.yaml': 'map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PV1-222: x }\n',
  });
  const { code, out, err } = await weir('deploy');
  expect({ code, out }).toEqual({ code: 1, out: 'nothing was deployed\n' });
  expect(err).toMatch(/patient-class\.csv:6:1 value-invalid code: the code stands there already, in line 5$/m);
  expect(err.match(/lab\.map\.yaml:5:12 path-invalid /g)).toHaveLength(1);
  expect(await sent()).toContain('PV1|1|AMB\r');
  expect((await weir('tables', 'list')).out).toMatch(/^patient-class +2 +2 /m);
});
