import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeProblem } from '../../core/config/problem.ts';
import { YamlFile } from '../../core/config/yaml-file.ts';
import { readDeviceProfile } from './device-profile.ts';
import { modbusPlan, modbusPoints } from './modbus-points.ts';

const references = { environment: { PUMP_HOST: 'pump.test', PUMP_UNIT: '9' }, readFile: () => undefined };
const read = (text: string) => {
  const file = new YamlFile('p', text);
  const profile = readDeviceProfile(file, references);
  return { profile, problems: file.problems.map(describeProblem) };
};
const problems = (text: string) => {
  const found = read(text);
  expect(found.profile).toBeUndefined();
  return found.problems;
};

const head = `profile: p
transport: modbus-tcp
modbus:
  host: \${HOST}
  unit: \${UNIT}
  addressing: one-based
  groups: { all: { everyMs: 1000 } }
devices:
  - { id: a, variables: { HOST: h, UNIT: 1 } }
`;
/** A profile of Modbus with these points, which begin in line 11. */
const withPoints = (...points: readonly string[]) =>
  `${head}points:\n${points.map((each) => `  - { ${each} }\n`).join('')}`;
const u16 = (id: string, address: number | string, more = '') =>
  `id: ${id}, read: { table: holding-registers, address: ${address} }, type: u16, unit: Cel${more}`;
const shipped = new URL('../../channels/devices/', import.meta.url);

describe('a shipped profile', () => {
  it.for(readdirSync(shipped))('%s is right', (name) => {
    const { profile, problems: found } = read(readFileSync(new URL(name, shipped), 'utf8'));
    expect(found).toEqual([]);
    expect(`${profile!.name}.profile.yaml`).toBe(name);
  });

  it('reads an isolation room with two requests a second', () => {
    const { profile } = read(readFileSync(new URL('isolation-room.profile.yaml', shipped), 'utf8'));
    const { content, route, alarms } = profile!.devices[3]!;
    if (content.kind !== 'modbus-tcp') throw new Error('it is another transport');
    expect(content.modbus).toMatchObject({ host: '10.20.4.10', unit: 6, port: 502 });
    expect(route).toEqual({ topic: 'vitals.numeric.v1', key: 'iso-406', subject: 'room/iso-406' });
    const plan = modbusPlan(content.modbus, modbusPoints(content.modbus, content.points));
    const blocks = (group: string) =>
      plan.get(group)!.blocks.map(({ table, address, quantity }) => `${table} ${address}+${quantity}`);
    expect(blocks('fast')).toEqual(['discrete-inputs 0+1', 'input-registers 0+1']);
    expect(blocks('slow')).toEqual(['holding-registers 9+1', 'input-registers 1+3']);
    expect(alarms.find(({ id }) => id === 'silent')).toMatchObject({ kind: 'technical', noDataMs: 15_000 });
  });
});

describe('variables of a device', () => {
  it('take numbers as numbers, defaults where a device says nothing, and references', () => {
    const { profile, problems: found } = read(
      withPoints(u16('t', 1))
        .replace('devices:', 'variables: { UNIT: 7 }\ndevices:')
        .replace(
          ', UNIT: 1 } }',
          ` } }\n  - { id: b, variables: { HOST: "\${env:PUMP_HOST}", UNIT: "\${env:PUMP_UNIT}" } }`,
        ),
    );
    expect(found).toEqual([]);
    expect(profile!.devices.map(({ content }) => (content.kind === 'modbus-tcp' ? content.modbus : {}))).toMatchObject([
      { host: 'h', unit: 7 },
      { host: 'pump.test', unit: 9 },
    ]);
  });

  it('are told where they are missing, unused, or wrong, each at its device', () => {
    const text = withPoints(u16('t', 1)).replace(
      'devices:\n',
      'devices:\n  - { id: x, variables: { HOST: x, UNIT: 300 } }\n  - { id: y, variables: { HOST: y, UNTI: 3 } }\n',
    );
    expect(problems(text)).toEqual([
      'p:10:36 key-unknown devices.1.variables.UNTI: nothing uses it – did you mean UNIT?',
      'p:9:42 value-invalid devices.0.variables.UNIT: as modbus.unit, Too big: expected number to be <=255',
      'p:10:5 key-missing devices.1.variables.UNIT is missing: modbus.unit needs it – did you mean UNTI?',
    ]);
  });

  it('may not make two devices of one', () => {
    const twice = withPoints(u16('t', 1)).replace('points:', '  - { id: b, variables: { HOST: h, UNIT: 1 } }\npoints:');
    expect(problems(twice)).toEqual([
      'p:10:33 value-invalid devices.1.variables.HOST: as modbus.host, b would be read where a is',
    ]);
    expect(
      problems(twice.replace('id: b', 'id: a').replace('HOST: h, UNIT: 1 } }\npoints', 'HOST: k, UNIT: 1 } }\npoints')),
    ).toEqual(['p:10:11 name-taken devices.1.id: another device is called a']);
  });
});

describe('what is wrong with points is told at its place', () => {
  it.for([
    [
      'a base that is not said',
      withPoints(u16('t', 1)).replace('  addressing: one-based\n', ''),
      '4:3 value-invalid modbus.addressing: Invalid option: expected one of "zero-based"|"one-based"|"modicon"',
    ],
    [
      'an address before the first',
      withPoints(u16('t', 0)),
      '11:57 value-invalid points.0.read.address: reading an address: it is out of range',
    ],
    [
      'a unit that is none',
      withPoints(u16('t', 1).replace('Cel', 'bpm')),
      '11:79 value-invalid points.0.unit: no unit of UCUM – did you mean /min?',
    ],
    [
      'a scale of nothing',
      withPoints(u16('t', 1, ', scale: 0')),
      '11:91 value-invalid points.0.scale: any number but 0',
    ],
    [
      'a LOINC with a wrong check digit',
      withPoints(u16('t', 1, ', code: { loinc: 8867-5 }')),
      '11:99 value-invalid points.0.code.loinc: a LOINC with its check digit, like 8867-4, or several',
    ],
    [
      'an order that is not said',
      withPoints(u16('t', 1).replace('u16', 'f32')),
      '11:5 key-missing points.0.order: a value of several registers needs it: devices differ',
    ],
    [
      'a register that is read twice',
      withPoints(u16('a', 1), u16('b', 1)),
      '12:57 value-invalid points.1.read.address: it overlaps a',
    ],
    [
      'half of another value',
      withPoints(u16('a', 1).replace('u16', 'f32, order: ABCD'), u16('b', 2)),
      '12:57 value-invalid points.1.read.address: it overlaps a',
    ],
    [
      'a bit beyond a register',
      withPoints('id: b, read: { table: input-registers, address: 1 }, type: bit, bit: 16'),
      '11:76 value-invalid points.0.bit: Too big: expected number to be <=15',
    ],
    [
      'bits beyond their registers',
      withPoints('id: b, read: { table: input-registers, address: 1 }, type: bitfield, bit: 12, width: 5'),
      '11:92 value-invalid points.0.width: bit 12 and 5 more do not fit into 16 bits',
    ],
    [
      'no bit of a register',
      withPoints('id: b, read: { table: input-registers, address: 1 }, type: bit'),
      '11:5 key-missing points.0.bit: which bit of the register is needed',
    ],
    [
      'a number in coils',
      withPoints('id: b, read: { table: coils, address: 1 }, type: u16, unit: "1"'),
      '11:56 value-invalid points.0.type: coils have bits only: type bit is needed',
    ],
    [
      'more than a request may have',
      withPoints(u16('a', 1).replace('type: u16, unit: Cel', 'type: ascii, registers: 100'))
        .replace('groups', 'maxRegisters: 50\n  groups')
        .replace('  groups', '  groups'),
      '12:57 value-invalid points.0.read.address: planning the reads of a point: it is longer than a request may be',
    ],
    [
      'what must never be read',
      withPoints(u16('a', 6)).replace('  groups', '  never: [{ table: holding-registers, address: 5 }]\n  groups'),
      '12:57 value-invalid points.0.read.address: planning the reads of a point: it must never be read',
    ],
    [
      'a group that is not there',
      withPoints(u16('a', 6).replace('address: 6', 'address: 6, group: al')),
      '11:67 value-invalid points.0.read.group: there is no group al',
    ],
    ['a key of another type', withPoints(u16('a', 6, ', bit: 3')), '11:84 key-unknown points.0.bit: no such key'],
    ['a key of another transport', `${withPoints(u16('a', 6))}serial: {}\n`, '12:1 key-unknown serial: no such key'],
  ] as const)('%s', ([, text, expected]) => {
    expect(problems(text)).toEqual([`p:${expected}`]);
  });

  it('but bits of one register, and the register itself, may be points side by side', () => {
    const bit = (id: string, at: number) =>
      `id: ${id}, read: { table: holding-registers, address: 1 }, type: bit, bit: ${at}`;
    expect(read(withPoints(u16('all', 1), bit('a', 0), bit('b', 1))).problems).toEqual([]);
    expect(problems(withPoints(bit('a', 3), bit('b', 3)))).toHaveLength(1);
  });
});

describe('an alarm', () => {
  const alarm = (text: string) => problems(`${withPoints(u16('t', 1))}alarms:\n  - { ${text} }\n`);
  it.for([
    [
      'names a point that is not there',
      'id: x, when: tt < 3, priority: low',
      '13:20 value-invalid alarms.0.when: there is no point tt',
    ],
    [
      'compares what cannot be compared',
      'id: x, when: t = true, priority: low',
      '13:20 value-invalid alarms.0.when: the value of t is a number, not a boolean',
    ],
    [
      'would come and go by one value',
      'id: x, when: t > 5, clearWhen: t <= 6, priority: low',
      '13:38 value-invalid alarms.0.clearWhen: a value would raise the alarm and clear it at the same time',
    ],
    ['waits for nothing', 'id: x, priority: low', '13:11 value-invalid alarms.0.id: when or noDataMs is needed'],
    [
      'waits for two things',
      'id: x, when: t > 5, noDataMs: 1000, priority: low',
      '13:37 value-invalid alarms.0.noDataMs: not beside when: make two alarms of it',
    ],
  ] as const)('that %s is told', ([, text, expected]) => {
    expect(alarm(text).map((each) => each.replace(/ – did you mean .*$/, ''))).toEqual([`p:${expected}`]);
  });

  it('that mixes and and or, or cannot be read, is told with how one looks', () => {
    for (const when of ['t > 1 and t < 3 or t = 2', 't >', 't < true'])
      expect(alarm(`id: x, when: ${when}, priority: low`)[0]).toMatch(
        /^p:13:20 value-invalid alarms\.0\.when: reading a condition: /,
      );
  });
});

describe('points that may be written', () => {
  it('are coils and holding registers, and never some bits of a register', () => {
    const { profile } = read(withPoints(u16('a', 1, ', writable: true'), u16('b', 2)));
    const { content } = profile!.devices[0]!;
    if (content.kind !== 'modbus-tcp') throw new Error('it is another transport');
    expect(content.points.map(({ writable }) => writable)).toEqual([true, false]);
    const written = (table: string, type: string) =>
      withPoints(`id: a, read: { table: ${table}, address: 1 }, ${type}, writable: true`);
    expect(read(written('coils', 'type: bit')).problems).toEqual([]);
    expect(problems(written('discrete-inputs', 'type: bit'))[0]).toMatch(
      /writable: discrete-inputs cannot be written$/,
    );
    expect(problems(written('input-registers', 'type: u16, unit: V'))[0]).toMatch(/input-registers cannot be written$/);
    expect(problems(written('holding-registers', 'type: bit, bit: 3'))[0]).toMatch(/make the whole register a point$/);
  });
});

describe('profiles of other transports', () => {
  const other = (transport: string, text: string) =>
    `profile: p\ntransport: ${transport}\ndevices: [{ id: a }]\n${text}`;

  it('tell values of binary frames beyond the end or on each other', () => {
    const text = other(
      'serial',
      `serial: { path: /dev/x, framing: { type: fixed, length: 4, sync: [{ at: 0, value: 1 }] } }
points:
  - { id: a, at: 1, type: u16, order: ABCD, unit: '1' }
  - { id: b, at: 2, type: u8, unit: '1' }
  - { id: c, at: 3, type: i16, unit: '1' }
`,
    );
    expect(problems(text)).toEqual([
      'p:7:18 value-invalid points.1.at: it overlaps a',
      'p:8:18 value-invalid points.2.at: it goes beyond the end of the frame',
      'p:8:5 key-missing points.2.order: a value of several bytes needs it: devices differ',
    ]);
  });

  it('tell values behind the longest frame that says its length, and a length inside of its beginning', () => {
    const text = (lengthAt: number, at: number) =>
      other(
        'serial',
        `serial: { path: /dev/x, framing: { type: length-prefixed, start: [170, 85], lengthAt: ${lengthAt}, adds: 3, maxBytes: 64 } }
points: [{ id: a, at: ${at}, type: u8, unit: '1' }]
`,
      );
    expect(read(text(2, 63)).profile!.devices[0]!.content).toMatchObject({
      kind: 'binary',
      serial: { framing: { lengthBytes: 1, order: 'big-endian' } },
    });
    expect(problems(text(1, 64))).toEqual([
      'p:4:87 value-invalid serial.framing.lengthAt: the length stands behind the bytes of start',
      'p:5:23 value-invalid points.0.at: it goes beyond the end of the frame',
    ]);
  });

  it('tell an expression without a group, and one that is none', () => {
    const text = (match: string) =>
      other(
        'serial',
        `serial: { path: /dev/x, framing: { type: line } }\npoints: [{ id: a, type: text, match: '${match}' }]\n`,
      );
    expect(read(text('T=(\\S+)')).problems).toEqual([]);
    expect(problems(text('T='))[0]).toContain('a group for the value is needed');
    expect(problems(text('T=('))[0]).toContain('no regular expression');
  });

  it('tell topics that two devices would share, wildcards, and shared subscriptions', () => {
    const text = (topic: string) =>
      other('mqtt', `mqtt: { topic: '${topic}' }\npoints: [{ id: a, type: boolean, from: a.b }]\n`);
    expect(read(text(`d/\${DEVICE}`)).problems).toEqual([]);
    expect(problems(text('d/+/vitals'))[0]).toContain('without wildcards');
    expect(problems(text('$share/g/d'))[0]).toContain('shared subscriptions');
    expect(problems(text('d').replace('{ id: a }', '{ id: a }, { id: b }'))).toEqual([
      'p:4:16 value-invalid mqtt.topic: b would be read where a is',
    ]);
  });

  it('tell laboratory results of what is no analyzer', () => {
    const text = other(
      'mqtt',
      `mqtt: { topic: d }\npoints: [{ id: a, type: boolean, from: a }]\nroute: { topic: lab.result.v1 }\n`,
    );
    expect(problems(text)[0]).toContain('only an analyzer');
  });

  it('say which transports there are', () => {
    expect(problems(other('modbus', ''))[0]).toMatch(/^p:2:12 value-invalid transport: .*modbus-tcp/);
  });
});
