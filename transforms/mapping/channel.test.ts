/** Maps in channels: loaded from a folder as a hub does it, and run by the engine. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mllp } from '../../adapters/mllp/mllp.ts';
import { discard } from '../../connectors/discard/discard.ts';
import { file } from '../../connectors/file/file.ts';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import { json } from '../../contracts/json.ts';
import { defineChannel, via } from '../../core/builder.ts';
import { loadChannels } from '../../core/config/channels-folder.ts';
import type { CodeSnapshot } from '../../core/config/code-loader.ts';
import type { LoadedChannel } from '../../core/config/loaded-channel.ts';
import { describeProblem } from '../../core/config/problem.ts';
import { reloadTables } from '../../core/tables/reload-tables.ts';
import { noTables } from '../../core/tables/table-set.ts';
import { UnknownCodes } from '../../core/tables/unknown-codes.ts';
import { shippedRegistry } from '../../hub/registry.ts';
import { channelHarness } from '../../hub/testing/channel-harness.ts';
import { COMMA_SEPARATED } from '../../protocols/delimited/dialect.ts';
import { readDelimited } from '../../protocols/delimited/read.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { mapping } from './mapping.ts';

const channel = `channel: adt
source: { mllp: { endpoint: adt-in } }
steps:
  - mapping: { file: maps/canonical.map.yaml }
destinations:
  lab:
    steps: [mapping: { file: maps/lab.map.yaml }]
    to: { file: { endpoint: archive } }
  app:
    steps:
      - mapping: { file: maps/app.map.yaml, zone: Europe/Berlin }
      - filter: { mrn: '7' }
    to: { file: { endpoint: archive } }
`;
const hospital: Readonly<Record<string, string>> = {
  'adt.channel.yaml': channel,
  'maps/canonical.map.yaml': `map: canonical
from: hl7v2
to: hl7v2
rules:
  - set: { PV1-2: { from: PV1-2, table: patient-class, unknown: pass } }
`,
  'maps/lab.map.yaml': 'map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n  - delete: NK1\n  - set: { MSH-5: LAB }\n',
  'maps/app.map.yaml': `map: app
from: hl7v2
to: json
rules:
  - set:
      mrn: { from: 'PID-3[5=MR].1' }
      class: { from: PV1-2 }
      site: '\${env:SITE}'
`,
  'tables/patient-class.csv': '# table: patient-class\n# owner: Patients\n# version: 1\ncode,to\nI,IMP\n',
};
const csv = (text: string) => readDelimited(text, COMMA_SEPARATED);
const message = (patientClass: string) =>
  Buffer.from(
    `MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500||ADT^A01^ADT_A01|C1|P|2.5.1\rPID|1||7^^^H^MR||Berger\rNK1|1|B\rPV1|1|${patientClass}\r`,
  );

let folder: string;
let exported: Readonly<Record<string, unknown>>;
let unknown: UnknownCodes;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-maps-'));
  exported = {};
  unknown = new UnknownCodes();
  await write(hospital);
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

async function load(environment: Readonly<Record<string, string>> = { SITE: 'Nord' }) {
  const code: CodeSnapshot = { load: async () => ({ exports: exported, files: new Map() }) };
  const { tables, problems } = await reloadTables(join(folder, 'tables'), csv, noTables);
  expect(problems).toEqual([]);
  const references = { environment, readFile: () => undefined };
  return loadChannels({
    ...{ directory: folder, registry: shippedRegistry(), code, weirVersion: '0', tables, unknown, references },
  });
}

async function loadedOne(environment?: Readonly<Record<string, string>>): Promise<LoadedChannel> {
  const { channels, problems } = await load(environment);
  expect(problems.map(describeProblem)).toEqual([]);
  expect(channels).toHaveLength(1);
  return channels[0]!;
}

async function problemsOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  await write(files);
  return (await load()).problems.map((each) => describeProblem(each).replaceAll(`${folder}/`, ''));
}

describe('a channel in YAML with maps', () => {
  it('runs them, its own before those of its destinations, and keeps a worklist of unknown codes', async () => {
    const { definition } = await loadedOne();
    expect(definition.destinations.map(({ format }) => format)).toEqual([hl7v2, json]);
    await using harness = await channelHarness(definition);
    const sent = async (raw: Uint8Array) => {
      const { contents } = await harness.content((await harness.sendUntil(raw, 'sent')).id);
      const bytes = (name: string) => contents.find(({ destination }) => destination === name)?.bytes;
      return { lab: parse(bytes('lab')!), app: JSON.parse(Buffer.from(bytes('app')!).toString()) };
    };
    const { lab, app } = await sent(message('I'));
    expect([lab.get('MSH-5'), lab.get('PV1-2'), lab.has('NK1')]).toEqual(['LAB', 'IMP', false]);
    expect(app).toEqual({ mrn: '7', class: 'IMP', site: 'Nord' });
    expect(unknown.list()).toEqual([]);
    expect((await sent(message('X'))).app.class).toBe('X');
    expect(unknown.list()).toMatchObject([{ table: 'patient-class', code: 'X', channel: 'adt', count: 1 }]);
  });

  it('makes a message that a map fails on an error that names the map, its line and the rule, and no content', async () => {
    await write({
      'maps/lab.map.yaml':
        'map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PID-1: { from: PID-5.1, do: [number] } }\n',
    });
    await using harness = await channelHarness((await loadedOne()).definition);
    const { parts } = await harness.sendUntil(message('I'), 'error');
    const error = parts.find(({ destination }) => destination === 'lab')?.error?.message ?? '';
    expect(error).toContain('maps/lab.map.yaml:5:12, set PID-1: it is no decimal number');
    expect(error).not.toContain('Berger');
  });

  it('rule 6: has another version when a map, a table that it uses, or a value of the environment is another', async () => {
    const versions = [(await loadedOne()).version, (await loadedOne()).version];
    expect(versions[0]).toBe(versions[1]);
    await write({ 'tables/other.csv': hospital['tables/patient-class.csv']!.replace('patient-class', 'other') });
    expect((await loadedOne()).version).toBe(versions[0]);
    await write({ 'maps/lab.map.yaml': `${hospital['maps/lab.map.yaml']}  - delete: PV2\n` });
    versions.push((await loadedOne()).version);
    await write({ 'tables/patient-class.csv': `${hospital['tables/patient-class.csv']}O,AMB\n` });
    versions.push((await loadedOne()).version, (await loadedOne({ SITE: 'Ost' })).version);
    expect(new Set(versions).size).toBe(4);
  });

  it('has the problems of a map at the map’s own lines, each once, among its own', async () => {
    expect(
      await problemsOf({
        'adt.channel.yaml': channel
          .replace('maps/lab', 'maps/canonical')
          .replace('channel: adt', 'channel: adt\nakcAfter: x'),
        'maps/canonical.map.yaml':
          'map: c\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PDI-5: x, PV1-2: { from: PV1-2, table: class } }\n',
      }),
    ).toEqual([
      'adt.channel.yaml:2:1 key-unknown akcAfter: no such key – did you mean ackAfter?',
      'maps/canonical.map.yaml:5:12 path-invalid rules.0.set.PDI-5: HL7 2.8 has no segment PDI – did you mean PID-5?',
      'maps/canonical.map.yaml:5:51 value-invalid rules.0.set.PV1-2.table: there is no table class',
    ]);
  });

  it('tells where it names a map that is not there', async () => {
    const files = {
      'adt.channel.yaml': channel.replace('canonical.map', 'canonic.map').replace('app.map.yaml', 'app.yaml'),
    };
    expect(await problemsOf(files)).toEqual([
      'adt.channel.yaml:4:14 file-unreadable steps.0.mapping: maps/canonic.map.yaml: there is no such file',
      'adt.channel.yaml:11:26 value-invalid destinations.app.steps.0.mapping.file: the path of a *.map.yaml',
    ]);
  });

  it('is only wired where the formats of its maps fit', async () => {
    const [line, ...others] = await problemsOf({ 'adt.channel.yaml': channel.replace('maps/canonical', 'maps/app') });
    expect(line).toMatch(/^adt\.channel\.yaml:7:\d+ wiring-invalid .*mapping takes hl7v2, but gets json$/);
    expect(others).toHaveLength(1);
  });

  it('has its own paths checked against HL7', async () => {
    const text = channel.replace('steps:\n', "key: ['PID-3[55=MR]']\nfilter: { MSH-9.44: ADT, PVI-2: I }\nsteps:\n");
    expect(await problemsOf({ 'adt.channel.yaml': text })).toEqual([
      'adt.channel.yaml:3:7 path-invalid PID-3[55=MR]: PID-3 is CX in HL7 2.8, which has 12 components',
      'adt.channel.yaml:4:11 path-invalid MSH-9.44: MSH-9 is MSG in HL7 2.8, which has 3 components',
      'adt.channel.yaml:4:26 path-invalid PVI-2: HL7 2.8 has no segment PVI – did you mean PV1-2?',
    ]);
  });
});

describe('a channel in TypeScript with maps', () => {
  const formats = { from: hl7v2, to: hl7v2 };
  const definition = () =>
    defineChannel('adt')
      .from(mllp({ endpoint: 'adt-in' }))
      .through(mapping({ file: 'maps/canonical.map.yaml' }, formats))
      .to('lab', via(mapping({ file: 'maps/lab.map.yaml' }, formats), file({ endpoint: 'archive' })))
      .to('app', via(mapping({ file: 'maps/app.map.yaml' }, { from: hl7v2, to: json }), discard({})));

  it('is loaded with them, and has a new version when one of them is another', async () => {
    await rm(join(folder, 'adt.channel.yaml'));
    await write({ 'adt.channel.ts': '' });
    exported = { default: definition() };
    const { definition: loaded, version } = await loadedOne();
    await using harness = await channelHarness(loaded);
    const { id } = await harness.sendUntil(message('I'), 'sent');
    const { contents } = await harness.content(id);
    const lab = parse(contents.find(({ destination }) => destination === 'lab')!.bytes!);
    expect([lab.get('MSH-5'), lab.get('PV1-2')]).toEqual(['LAB', 'IMP']);
    await write({ 'maps/lab.map.yaml': `${hospital['maps/lab.map.yaml']}  - delete: PV2\n` });
    expect((await loadedOne()).version).not.toBe(version);
  });

  it('has the problems of a map at the map’s own lines, and tells a map of other formats', async () => {
    await rm(join(folder, 'adt.channel.yaml'));
    exported = { default: definition() };
    const files = { 'adt.channel.ts': '', 'maps/lab.map.yaml': 'map: lab\nfrom: json\nto: hl7v2\nrule: []\n' };
    expect(await problemsOf(files)).toEqual([
      'maps/lab.map.yaml:1:1 key-missing rules is missing',
      'maps/lab.map.yaml:1:1 key-missing message.type is missing: ADT^A01^ADT_A01',
      'maps/lab.map.yaml:2:7 wiring-invalid from: it is json, and the channel says hl7v2',
      'maps/lab.map.yaml:4:1 key-unknown rule: no such key – did you mean rules?',
    ]);
  });
});
