/** What the keys of a channel file do, with what ships with Weir and on the real engine; and that TypeScript gives the same. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mllp } from '../adapters/mllp/mllp.ts';
import { file } from '../connectors/file/file.ts';
import { cronSchedule } from '../contracts/cron-schedule.ts';
import { hl7Batch } from '../contracts/envelopes/hl7-batch.ts';
import { senderProfile } from '../contracts/sender-profile/sender-profile.ts';
import { splitDocuments } from '../contracts/split/hl7-documents.ts';
import { splitHl7 } from '../contracts/split/hl7-split.ts';
import { defineChannel, via, when } from '../core/builder.ts';
import type { ChannelDefinition } from '../core/channel.ts';
import { collect } from '../core/collect.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { withProfile } from '../core/with-profile.ts';
import { type Hl7Message, parse } from '../protocols/hl7v2/message.ts';
import { channelHarness } from './testing/channel-harness.ts';
import { loadFiles, loadOne } from './testing/channels-folder.ts';

const archive = '{ file: { endpoint: archive, name: "${seq}-${n}-${meta.document.name}" } }';
const head = 'channel: c\nsource: { mllp: { endpoint: in } }\n';
const results = (facility = 'HOSP') =>
  Buffer.from(
    `MSH|^~\\&|LAB|${facility}|WEIR|HOSP|20260302081500||ORU^R01^ORU_R01|C1|P|2.5.1\rPID|1||7^^^H^MR||Berger\rPV1|1|I|W1^1^1^ICU\r` +
      `ORC|RE\rOBR|1|||GLU\rOBX|1|NM|GLU||5\rORC|RE\rOBR|2|||RPT\rOBX|1|ED|RPT||^AP^PDF^Base64^${Buffer.from('%PDF-1').toString('base64')}\r`,
  );

/** What of a definition can be compared: functions by their place only. */
function shape(definition: ChannelDefinition): unknown {
  const plain = (key: string, each: unknown) =>
    typeof each === 'function' ? 'function' : key === 'name' ? undefined : each;
  return JSON.parse(JSON.stringify(definition, plain));
}

describe('split', () => {
  const yaml = `${head}destinations:
  orders: { split: OBR, to: ${archive} }
  reports:
    filter: { OBR-4: RPT }
    split: { document: OBX-5 }
    to: ${archive}
`;

  it('in YAML and in TypeScript gives the same definition', async () => {
    const to = file({ endpoint: 'archive', name: '${seq}-${n}-${meta.document.name}' });
    const { definition } = defineChannel('c')
      .from(mllp({ endpoint: 'in' }))
      .to('orders', via(splitHl7('OBR'), to))
      .to(
        'reports',
        when(() => true, via(splitDocuments('OBX-5'), to)),
      );
    expect(shape((await loadOne({ 'c.channel.yaml': yaml })).definition)).toEqual(shape(definition));
  });

  it('sends one message for each repetition, and an embedded document as the file that it is', async () => {
    await using harness = await channelHarness((await loadOne({ 'c.channel.yaml': yaml })).definition);
    const { parts } = await harness.sendUntil(results(), 'sent');
    expect(parts.map(({ destination, n, status }) => `${destination}/${n} ${status}`).sort()).toEqual([
      'orders/0 sent',
      'orders/1 sent',
      'reports/0 sent',
    ]);
    const names = (await readdir(harness.directory)).sort();
    const pdf = names.find((name) => name.endsWith('RPT-2.pdf')) ?? '';
    expect(names).toHaveLength(3);
    expect(await readFile(join(harness.directory, pdf), 'latin1')).toBe('%PDF-1');
  });

  it('keeps what a document is called where it goes out later', async () => {
    const { definition } = await loadOne({ 'c.channel.yaml': yaml.replace(/ {2}orders.*\n/, '') });
    const place: Endpoint & { path: string } = { kind: 'directory', path: '/nonexistent/weir' };
    const endpoints: Record<string, Endpoint> = { archive: place };
    await using harness = await channelHarness(definition, endpoints);
    await harness.sendUntil(results(), 'queued');
    Object.assign(place, { path: harness.directory });
    await harness.engine.deploy(
      {
        ...definition,
        destinations: definition.destinations.map((each) => ({
          ...each,
          to: file({ endpoint: 'archive', name: '${meta.document.name}' }),
        })),
      },
      'v2',
    );
    await expect.poll(() => readdir(harness.directory)).toEqual(['RPT-2.pdf']);
  });

  it('as a step of the channel folds the outcomes back, and nothing to split is filtered', async () => {
    const text = `${head}steps: [split: DG1]\ndestinations: { orders: { to: ${archive} } }\n`;
    await using harness = await channelHarness((await loadOne({ 'c.channel.yaml': text })).definition);
    expect((await harness.sendUntil(results(), 'filtered')).parts).toEqual([
      expect.objectContaining({ destination: 'orders', status: 'filtered' }),
    ]);
  });
});

describe('split of other formats', () => {
  const channel = (format: string, more: string) =>
    `channel: c\nsource: { file: { endpoint: archive } }\nformat: ${format}\n${more}`;

  it('gives the items of a list in JSON', async () => {
    const text = channel('json', `destinations: { a: { split: orders, to: ${archive} } }\n`);
    await using harness = await channelHarness((await loadOne({ 'c.channel.yaml': text })).definition);
    const { id } = await harness.sendUntil(Buffer.from('{"orders":[{"id":1},{"id":2}]}'), 'sent');
    const { contents } = await harness.content(id);
    expect(contents.map(({ bytes }) => Buffer.from(bytes!).toString())).toEqual(['{"id":1}', '{"id":2}']);
  });

  it('gives the rows of delimited text that a map makes', async () => {
    const map = `map: m
from: json
to: { delimited: { columns: [id], newline: lf } }
rules:
  - each: orders[]
    as: order
    rules:
      - insert: row
        fields: { id: { from: order.id } }
`;
    const text = channel(
      'json',
      `steps: [mapping: { file: m.map.yaml }, split: row]\ndestinations: { a: { to: ${archive} } }\n`,
    );
    const { problems, channels } = await loadFiles({ 'c.channel.yaml': text, 'm.map.yaml': map });
    expect(problems).toEqual([]);
    expect(channels[0]?.definition.steps.map(({ name }) => name)).toEqual(['mapping', 'split']);
    const wrong = await loadFiles({ 'c.channel.yaml': text.replace('split: row', 'split: rows'), 'm.map.yaml': map });
    expect(wrong.problems).toEqual([
      expect.stringMatching(
        /^c\.channel\.yaml:4:\d+ path-invalid steps\.1\.split: .* has no records rows – did you mean row\?/,
      ),
    ]);
  });
});

describe('collect', () => {
  const yaml = `${head}destinations:
  night:
    collect:
      count: 2
      schedule: 0 2 * * *
      zone: Europe/Berlin
      whenEmpty: send
      envelope: { hl7-batch: { sendingApplication: WEIR } }
    to: { file: { endpoint: archive } }
`;

  it('in YAML and in TypeScript gives the same definition', async () => {
    const night = collect<Hl7Message>(
      {
        ...{ count: 2, schedule: cronSchedule('0 2 * * *', 'Europe/Berlin'), whenEmpty: 'send' },
        envelope: hl7Batch({ sendingApplication: 'WEIR' }),
      },
      file({ endpoint: 'archive' }),
    );
    const { definition } = defineChannel('c')
      .from(mllp({ endpoint: 'in' }))
      .to('night', night);
    expect(shape((await loadOne({ 'c.channel.yaml': yaml })).definition)).toEqual(shape(definition));
  });

  it('sends so many messages as one', async () => {
    await using harness = await channelHarness((await loadOne({ 'c.channel.yaml': yaml })).definition);
    await harness.sendUntil(results(), 'queued');
    await harness.sendUntil(results(), 'sent');
    const written = async () => (await readdir(harness.directory)).filter((each) => !each.endsWith('.tmp'));
    await expect.poll(written).toHaveLength(1);
    const [name] = await readdir(harness.directory);
    const text = await readFile(join(harness.directory, name!), 'latin1');
    expect(text.match(/^(?:FHS|BHS|MSH|BTS\|2|FTS\|1)/gm)).toEqual(['FHS', 'BHS', 'MSH', 'MSH', 'BTS|2', 'FTS|1']);
  });

  it('takes the zone of the environment where it names none', async () => {
    const text = yaml.replace('      zone: Europe/Berlin\n', '');
    const schedule = async (more: { readonly zone?: string }) =>
      (await loadOne({ 'c.channel.yaml': text }, more)).definition.destinations[0]?.to.collect?.schedule?.text;
    expect(await schedule({ zone: 'Europe/Lisbon' })).toBe('0 2 * * * (Europe/Lisbon)');
    expect(await schedule({})).toBe('0 2 * * * (UTC)');
  });
});

describe('a filter', () => {
  const wards = '# table: ris-sites\n# owner: Radiology\n# version: 1\ncode,name\nICU,Intensive care\n';

  it('asks a code table, as it was when the message was received', async () => {
    const text = `${head}destinations: { ris: { filter: { PV1-3.4: { table: ris-sites } }, to: ${archive} } }\n`;
    const { definition, version } = await loadOne({ 'c.channel.yaml': text, 'tables/ris.csv': wards });
    await using harness = await channelHarness(definition);
    await harness.sendUntil(results(), 'sent');
    await harness.sendUntil(Buffer.from(results().toString().replace('ICU', 'OPS')), 'filtered');
    const changed = await loadOne({ 'c.channel.yaml': text, 'tables/ris.csv': `${wards}OPS,Theatre\n` });
    expect(changed.version).not.toBe(version);
  });

  it('chooses segments and repetitions by what they hold', async () => {
    const text = `${head}destinations: { a: { filter: { 'OBX[2=ED][3.1=RPT]-5.3': { some: { not: JPEG } } }, to: ${archive} }, b: { filter: { 'OBX[2=ED]-3': GLU }, to: ${archive} } }\n`;
    await using harness = await channelHarness((await loadOne({ 'c.channel.yaml': text })).definition);
    const { parts } = await harness.sendUntil(results(), 'sent');
    expect(parts.map(({ destination, status }) => `${destination} ${status}`).sort()).toEqual(['a sent', 'b filtered']);
  });
});

describe('a sender profile', () => {
  const profiles = {
    'profiles/vendor.profile.yaml': `profile: vendor
source: { mllp: { storeRefusal: AE, acknowledgement: { mode: original } } }
conformance: { version: 2.5, tables: { 0001: [F, M], 0004: [01, I] } }
`,
    'profiles/main-ehr.profile.yaml': `profile: main-ehr
extends: vendor
zone: Europe/Lisbon
aliases: { application: { LAB: MAINLAB } }
source: { mllp: { acknowledgement: { application: EHR } } }
sites: { NORTH: { aliases: { application: { LAB: NORTHLAB } } } }
`,
  };
  const yaml = `${head.replace('in }', 'in, storeRefusal: AR }')}profile: main-ehr
filter: { MSH-3: [MAINLAB, NORTHLAB] }
destinations:
  done: { to: ${archive} }
  raw: { input: source, to: ${archive} }
`;

  it('puts right what the sender does, before anything routes, and keeps what came', async () => {
    const { definition } = await loadOne({ ...profiles, 'c.channel.yaml': yaml });
    expect(definition.source.config).toMatchObject({
      endpoint: 'in',
      storeRefusal: 'AR',
      acknowledgement: { mode: 'original', application: 'EHR' },
    });
    await using harness = await channelHarness(definition);
    const sent = async (raw: Uint8Array) => {
      const content = await harness.content((await harness.sendUntil(raw, 'sent')).id);
      expect(Buffer.from(content.raw!)).toEqual(raw);
      const application = (name: string) =>
        parse(content.contents.find(({ destination }) => destination === name)!.bytes!).get('MSH-3');
      return [application('done'), application('raw')];
    };
    expect(await sent(results())).toEqual(['MAINLAB', 'LAB']);
    expect(await sent(results('NORTH'))).toEqual(['NORTHLAB', 'LAB']);
  });

  it('is part of the version, with those that it extends', async () => {
    const versionOf = async (files: Readonly<Record<string, string>>) =>
      (await loadOne({ ...profiles, 'c.channel.yaml': yaml, ...files })).version;
    const vendor = profiles['profiles/vendor.profile.yaml'];
    expect(await versionOf({})).not.toBe(
      await versionOf({ 'profiles/vendor.profile.yaml': `${vendor}lineEnds: cr\n` }),
    );
  });

  it('gives maps its zone, for times that say none', async () => {
    const map = `map: m
from: hl7v2
to: json
rules:
  - set: { at: { from: MSH-7, date: { from: hl7, to: iso } } }
`;
    const text = `${yaml.split('destinations:')[0]}destinations: { done: { steps: [mapping: { file: m.map.yaml }], to: ${archive} } }\n`;
    const sent = async (files: Readonly<Record<string, string>>, zone: string) => {
      const { definition } = await loadOne({ ...files, 'm.map.yaml': map }, { zone });
      await using harness = await channelHarness(definition);
      const { contents } = await harness.content((await harness.sendUntil(results(), 'sent')).id);
      return Buffer.from(contents[0]!.bytes!).toString();
    };
    const winter = '{"at":"2026-03-02T08:15:00';
    expect(await sent({ ...profiles, 'c.channel.yaml': text }, 'Asia/Tokyo')).toMatch(`${winter}Z`);
    const plain = text.replace('profile: main-ehr\n', '').replace(/filter: .*\n/, '');
    expect(await sent({ 'c.channel.yaml': plain }, 'Asia/Tokyo')).toMatch(`${winter}+09:00`);
  });

  it('in TypeScript is given to the source, by value or by the name of its file', async () => {
    const own = senderProfile('own', { charset: '8859/1', source: { mllp: { storeRefusal: 'AE' } } });
    expect(withProfile(mllp({ endpoint: 'in' }), own).config).toMatchObject({ storeRefusal: 'AE', endpoint: 'in' });
    const channel = (name: string) =>
      defineChannel('c')
        .from(withProfile(mllp({ endpoint: 'in', storeRefusal: 'AR' }), name))
        .filter(() => true)
        .to('done', file({ endpoint: 'archive', name: '${seq}-${n}-${meta.document.name}' }))
        .to('raw', file({ endpoint: 'archive', name: '${seq}-${n}-${meta.document.name}' }));
    const load = (name: string) =>
      loadFiles({ ...profiles, 'c.channel.ts': '' }, { exports: { 'c.channel.ts': { default: channel(name) } } });
    const typescript = (await load('main-ehr')).channels[0]!;
    const text = yaml.replace(', storeRefusal: AR', '').replace('raw: { input: source,', 'raw: {');
    const inYaml = await loadOne({ ...profiles, 'c.channel.yaml': text.replace('in }', 'in, storeRefusal: AR }') });
    expect(shape(typescript.definition)).toEqual(shape(inYaml.definition));
    expect((await load('main-her')).problems).toEqual([
      'c.channel.ts:1:1 profile-unknown there is no profile main-her – did you mean main-ehr?',
    ]);
  });
});
