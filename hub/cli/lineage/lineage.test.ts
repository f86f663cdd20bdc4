/** `weir lineage` through the real command line: of what a hub has stored, and of files. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { MessagePage } from '../../../core/store/message-store.ts';
import { freePort } from '../../../core/testing/free-port.ts';
import type { LineageReport } from '../../lineage/lineage-report.ts';
import { weirHere } from '../../testing/command-line.ts';
import { type HubProcess, hubProcess, type Workplace, weir, workplace } from '../../testing/hub-process.ts';

const fixtures = join(import.meta.dirname, '../../../test-fixtures/hl7v2');
const legacy = `MSH|^~\\&|LIS|LAB|||20260302081500||ORU^R01^ORU_R01|R1|P|2.5.1
PID|1||4711^^^HOSP^MR||Berger^Anna
OBR|1|P1|F1|2823-3^Potassium^LN|||20260302073000
OBX|1|NM|2823-3^Potassium^LN||6.9|mmol/L|||||F
ZZZ|9|local
`;

let place: Workplace;
let hub: HubProcess;
let port: number;
let id: string;
let filtered: string;

beforeAll(async () => {
  port = await freePort();
  place = await workplace({
    'channels/env/test.yaml': `endpoints: { in: { kind: tcp-listen, listen: ${port} }, there: { kind: directory, path: '\${stateDir}/there' }, inbox: { kind: directory, path: '\${stateDir}/inbox' } }\n`,
    'channels/profiles/lab.profile.yaml': 'profile: lab\nzone: America/New_York\n',
    'channels/maps/old.map.yaml':
      'map: old\nfrom: hl7v2\nto: hl7v2\nrules: [{ set: { PID-5.1: { from: PID-5.1, do: [upper] } } }]\n',
    'channels/results.channel.yaml': `channel: results
source: { mllp: { endpoint: in } }
profile: lab
filter: { MSH-9.1: ORU }
steps: [mapping: { file: maps/old.map.yaml }]
destinations:
  repository:
    steps: [hl7v2-to-fhir: { systems: { HOSP: 'urn:oid:1.2.3' } }]
    to: { file: { endpoint: there } }
  archive: { to: { discard: {} } }
  others: { filter: { PID-8: F }, steps: [hl7v2-to-fhir: {}], to: { discard: {} } }
`,
    'channels/plain.channel.yaml':
      'channel: plain\nsource: { file: { endpoint: inbox } }\nformat: hl7v2\ndestinations: { none: { to: { discard: {} } } }\n',
    'result.hl7': legacy,
  });
  hub = await hubProcess(place);
  await weir(['send', join(place.directory, 'result.hl7'), '--to', `127.0.0.1:${port}`]);
  await weir(['send', join(fixtures, 'adt-a01.hl7'), '--to', `127.0.0.1:${port}`]);
  const stored = async (type: string) => {
    const { messages } = await hub.get<MessagePage>('/api/messages');
    const found = messages.find((each) => each.type === type && each.status !== 'received');
    if (!found) throw new Error(`no ${type} yet`);
    return found.id;
  };
  id = await vi.waitFor(() => stored('ORU^R01'));
  filtered = await vi.waitFor(() => stored('ADT^A01'));
});
afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

const ask = (...args: readonly string[]) => weirHere('lineage', ...args, '--admin', hub.admin);

describe('the lineage of a stored message', () => {
  it('goes both ways, with the rules, a line for each status, and no value', async () => {
    const { code, out } = await ask(id);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^channel results, ORU\^R01\n\n→ repository: hl7v2-to-fhir\n {2}paths are those behind .*\n {2}\d+ values in all\n/,
    );
    expect(out).toMatch(/\n {2,}\d+ mapped .*\n {2,}4 kept .*\n {2,}\d+ ignored .*\n {2,}0 unmapped /);
    expect(out).toMatch(/ {2}PID-5\.1 +PID\[Patient\] 7, FN\[HumanName\] 3 +Patient\.name\.family\n/);
    expect(out).toMatch(/ {2}ZZZ-1 +Basic\.extension\(urn:weir:hl7v2:ZZZ-1\)\n/);
    expect(out).toMatch(/ {4}Patient\.name\.family\n {6}← PID-5\.1 {2}\(PID\[Patient\] 7, FN\[HumanName\] 3\)\n/);
    expect(out).toContain('→ archive: none of its steps tells');
    expect(out).toContain('→ others: it does not get the message');
    expect(out).not.toMatch(/berger|4711/i);
  });

  it('is on the audit trail, and tells values only for a reason', async () => {
    const silent = await ask(id, '--values');
    expect(silent).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    const told = await ask(id, '--values', '--of', 'PID-5', '--reason', 'name is cut', '--ticket', 'INC-7');
    // Behind the map, which writes it in capitals.
    expect(told.out).toMatch(/PID-5\.1 +BERGER +PID/);
    const { entries } = await hub.get<{ entries: readonly object[] }>('/api/audit');
    expect(entries[0]).toMatchObject({ action: 'read content', subject: id, reason: 'name is cut', ticket: 'INC-7' });
    expect(entries[1]).toMatchObject({ action: 'read content', subject: id, reason: 'command line' });
    const direct = await fetch(new URL(`/api/messages/${id}/lineage`, hub.admin));
    expect(direct.status).toBe(400);
  });

  it('is what the channel does with its own options: the zone of its sender, its systems', async () => {
    const { out } = await ask(id, '--json', '--of', 'Patient.identifier');
    const [report] = JSON.parse(out) as readonly LineageReport[];
    expect(report).toMatchObject({ channel: 'results', steps: [{ destination: 'repository', step: 'hl7v2-to-fhir' }] });
    expect(report!.steps[0]!.issues.map(({ code }) => code)).not.toContain('zone-assumed');
    expect(report!.steps[0]!.leaves).toContainEqual({
      path: 'PID[1]-3[1].4.1',
      status: 'mapped',
      to: [expect.objectContaining({ element: 'Patient.identifier.assigner(Organization).identifier.value' })],
    });
    expect(report!.steps[0]!.elements.map(({ element }) => element)).toContain('Patient.identifier.value');
    expect(JSON.stringify(report)).not.toContain('4711');
  });

  it('says that nothing is made of what is filtered, and what there is not', async () => {
    expect(await ask(filtered)).toMatchObject({ code: 1, err: expect.stringContaining('results filters the message') });
    expect(await ask('0198c0de-0000-7000-8000-000000000000')).toMatchObject({ code: 4 });
    expect(await ask(id, '--destination', 'nobody')).toMatchObject({ code: 4, err: expect.stringContaining('nobody') });
    expect(await ask(id, '--destination', 'archive')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no FHIR'),
    });
    expect(await ask(id, '--of', 'PV2-3')).toMatchObject({ code: 1, err: expect.stringContaining('nothing of PV2-3') });
  });
});

describe('the lineage of a file', () => {
  const onFile = (...args: readonly string[]) =>
    weirHere('lineage', '--file', join(place.directory, 'result.hl7'), ...args);

  it('needs no hub and no channel', async () => {
    const { code, out } = await onFile('--of', 'OBX');
    expect(code).toBe(0);
    expect(out).toMatch(/^no channel: .*, ORU\^R01\n/);
    expect(out).toMatch(/zone-assumed/);
    expect(out).toMatch(/OBX-5 +OBX\[Observation\] \S+.* Observation\.valueQuantity\.value\n/);
    expect(out).not.toContain('PID-');
  });

  it('is as a channel does it', async () => {
    const folder = join(place.directory, 'channels');
    const { code, out } = await onFile('--channel', 'results', '--channels', folder, '--env', 'test', '--values');
    expect(code).toBe(0);
    expect(out).toMatch(/PID-5\.1 +BERGER +PID/);
    expect(out).not.toMatch(/zone-assumed/);
    const none = await onFile('--channel', 'plain', '--channels', folder, '--env', 'test');
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('plain makes no FHIR') });
  });

  it('wants either a message or a file', async () => {
    expect(await weirHere('lineage')).toMatchObject({ code: 2 });
    expect(await weirHere('lineage', 'x', '--file', 'y')).toMatchObject({ code: 2 });
    expect(await weirHere('lineage', '--file', join(place.directory, 'gone.hl7'))).toMatchObject({ code: 1 });
  });
});
