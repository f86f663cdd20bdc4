/** What a sender profile says of one site, and of segments of the sender's own, where channels and maps name them. */
import { describe, expect, it } from 'vitest';
import { mllp } from '../adapters/mllp/mllp.ts';
import { discard } from '../connectors/discard/discard.ts';
import { hl7v2 } from '../contracts/hl7v2.ts';
import { defineChannel } from '../core/builder.ts';
import { withProfile } from '../core/with-profile.ts';
import { mapping } from '../transforms/mapping/mapping.ts';
import { channelHarness } from './testing/channel-harness.ts';
import { loadFiles, loadOne } from './testing/channels-folder.ts';

const channel = (rest: string) => `channel: c\nsource: { mllp: { endpoint: in } }\nprofile: ehr\n${rest}`;
const admission = (facility: string) =>
  Buffer.from(`MSH|^~\\&|EHR|${facility}|WEIR|H|20260302081500||ADT^A01^ADT_A01|C1|P|2.5.1\rPID|1||7^^^H^MR\r`);

describe('the zone of a site', () => {
  const files = {
    'profiles/ehr.profile.yaml': `profile: ehr
zone: Europe/Berlin
aliases: { facility: { LIS: LISBOA } }
sites: { LISBOA: { zone: Europe/Lisbon }, NORTH: { charset: 8859/1 } }
`,
    'c.channel.yaml': channel(
      'destinations: { out: { steps: [mapping: { file: m.map.yaml }], to: { file: { endpoint: archive } } } }\n',
    ),
  };
  const rules = 'rules:\n  - set: { at: { from: MSH-7, date: { from: hl7, to: iso } } }\n';

  it.each([
    ['', 'LIS', 'Z'],
    ['', 'LISBOA', 'Z'],
    ['', 'NORTH', '+01:00'],
    ['', 'ELSEWHERE', '+01:00'],
    ['zone: Asia/Tokyo\n', 'LISBOA', '+09:00'],
  ])('is that of its times that say none: map %j, MSH-4 %s', async (top, facility, offset) => {
    const map = `map: m\nfrom: hl7v2\nto: json\n${top}${rules}`;
    const { definition } = await loadOne({ ...files, 'm.map.yaml': map });
    await using harness = await channelHarness(definition);
    const { contents } = await harness.content((await harness.sendUntil(admission(facility), 'sent')).id);
    expect(Buffer.from(contents[0]!.bytes!).toString()).toBe(`{"at":"2026-03-02T08:15:00${offset}"}`);
  });

  it('is checked', async () => {
    const profile = files['profiles/ehr.profile.yaml'].replace('Europe/Lisbon', 'Europe/Lisbonn');
    const { problems } = await loadFiles({
      ...files,
      'm.map.yaml': `map: m\nfrom: hl7v2\nto: json\n${rules}`,
      'profiles/ehr.profile.yaml': profile,
    });
    expect(problems[0]).toMatch(/^profiles\/ehr.profile.yaml:4:26 value-invalid sites.LISBOA.zone: .*a time zone/);
  });
});

describe('segments of the sender’s own', () => {
  const profile = `profile: ehr
conformance:
  segments:
    ZPI: { fields: { 1: {}, 2: { type: CX } } }
    ZXX: { title: Anything }
    PID: { fields: { 8: { required: true }, 50: { type: CX } } }
sites: { NORTH: { conformance: { segments: { ZPI: { fields: { 5: {} } } } } } }
`;
  const map = (path: string) =>
    `map: m\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PID-4: { from: ${path} } }\n  - set: { ZDS-1: x }\n`;
  const problems = async (text: string, path = 'ZPI-1') =>
    (await loadFiles({ 'profiles/ehr.profile.yaml': profile, 'm.map.yaml': map(path), 'c.channel.yaml': text }))
      .problems;
  const gone = 'to: { discard: {} }';

  it('are known where the profile says them, in channels and in maps', async () => {
    const yaml = `key: [ZPI-2.1]\nfilter: { ZPI-5: [A], 'ZPI[2=7]-1': [B], ZXX-17.3: [C] }\ndestinations: { out: { steps: [mapping: { file: m.map.yaml }, { filter: { ZDS-1: x } }], ${gone} } }\n`;
    expect(await problems(channel(yaml))).toEqual([]);
  });

  it.each([
    [
      `filter: { ZPI-3: [A] }\ndestinations: { out: { ${gone} } }\n`,
      '4:11 path-invalid ZPI-3: profile ehr has no ZPI-3 – did you mean ZPI-1?',
    ],
    [
      `filter: { ZPY-1: [A] }\ndestinations: { out: { ${gone} } }\n`,
      '4:11 path-invalid ZPY-1: profile ehr has no segment ZPY – did you mean ZPI?',
    ],
    [
      `key: 'ZPI[4=x]-1'\ndestinations: { out: { ${gone} } }\n`,
      '4:6 path-invalid ZPI[4=x]-1: profile ehr has no ZPI-4 – did you mean ZPI-1?',
    ],
    [
      `destinations: { out: { filter: { ZPI-2.40: [A] }, ${gone} } }\n`,
      '4:34 path-invalid ZPI-2.40: ZPI-2 is CX in HL7 2.8, which has 12 components',
    ],
    [`destinations: { out: { split: ZPY, ${gone} } }\n`, undefined],
  ])('that it does not say are a mistake: %j', async (yaml, expected) => {
    expect(await problems(channel(yaml))).toEqual(expected === undefined ? [] : [`c.channel.yaml:${expected}`]);
  });

  it('that it does not say are a mistake in a map, in YAML and in TypeScript', async () => {
    const wrong = [
      'm.map.yaml:5:27 path-invalid rules.0.set.PID-4.from: profile ehr has no ZPI-12 – did you mean ZPI-1?',
    ];
    const yaml = `destinations: { out: { steps: [mapping: { file: m.map.yaml }], ${gone} } }\n`;
    expect(await problems(channel(yaml), 'ZPI-12')).toEqual(wrong);
    const code = defineChannel('c')
      .from(withProfile(mllp({ endpoint: 'in' }), 'ehr'))
      .through(mapping({ file: 'm.map.yaml' }, { from: hl7v2, to: hl7v2 }))
      .to('out', discard({}));
    const files = { 'profiles/ehr.profile.yaml': profile, 'm.map.yaml': map('ZPI-12'), 'c.channel.ts': '' };
    expect((await loadFiles(files, { exports: { 'c.channel.ts': { default: code } } })).problems).toEqual(wrong);
  });

  it('of what a map has made are its own affair', async () => {
    const steps = 'steps: [mapping: { file: m.map.yaml }]\n';
    expect(await problems(channel(`${steps}destinations: { out: { filter: { ZDS-1: x }, ${gone} } }\n`))).toEqual([]);
    const original = `${steps}destinations: { out: { input: source, filter: { ZDS-1: x }, ${gone} } }\n`;
    expect(await problems(channel(original))).toEqual([
      'c.channel.yaml:5:49 path-invalid ZDS-1: profile ehr has no segment ZDS',
    ]);
  });

  it('may have fields beyond those of the standard, which are then known in keys, filters and maps', async () => {
    const yaml = `key: [PID-50.1]\nfilter: { PID-50: [A], 'PID[50=7]-3': [B] }\ndestinations: { out: { steps: [mapping: { file: m.map.yaml }], ${gone} } }\n`;
    expect(await problems(channel(yaml), 'PID-50.1')).toEqual([]);
    const beyond = await problems(channel(yaml.replaceAll('50', '51')), 'PID-52');
    expect(beyond.map((each) => each.replace(/ in HL7.*/, ''))).toEqual([
      expect.stringMatching(/^c\.channel\.yaml:4:7 path-invalid PID-51\.1: PID has \d+ fields$/),
      expect.stringMatching(/^c\.channel\.yaml:5:11 path-invalid PID-51: PID has \d+ fields$/),
      expect.stringMatching(/^c\.channel\.yaml:5:24 path-invalid PID\[51=7\]-3: PID has \d+ fields$/),
      expect.stringMatching(/^m\.map\.yaml:5:27 path-invalid rules\.0\.set\.PID-4\.from: PID has \d+ fields$/),
    ]);
    const { problems: none } = await loadFiles({
      'profiles/ehr.profile.yaml': 'profile: ehr\n',
      'c.channel.yaml': channel(`key: PID-50\ndestinations: { out: { ${gone} } }\n`),
    });
    expect(none).toEqual([expect.stringMatching(/^c\.channel\.yaml:4:6 path-invalid PID-50: /)]);
  });

  it('are not looked at where no profile says any', async () => {
    const files = {
      'profiles/ehr.profile.yaml': 'profile: ehr\n',
      'c.channel.yaml': channel(`key: ZZZ-9\ndestinations: { out: { ${gone} } }\n`),
    };
    expect((await loadFiles(files)).problems).toEqual([]);
  });
});
