import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delimitedFormat, delimitedOptions } from '../../contracts/delimited.ts';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import { json } from '../../contracts/json.ts';
import { describeProblem, type Loaded } from '../../core/config/problem.ts';
import type { StepFiles } from '../../core/config/step-files.ts';
import { HubError } from '../../core/errors.ts';
import { UnknownCodes } from '../../core/tables/unknown-codes.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { type CompiledMap, compileMap, mapSpec, scriptFiles } from './compile-map.ts';
import { mapping } from './mapping.ts';
import { edit, hl7, MSH, mapOf, messageOf, tableOf } from './testing/maps.ts';

const adt = hl7(MSH, 'PID|||7^^^H^MR||Berger^Anna||19580417', 'PV1||I');

function errorOf(map: CompiledMap, message: Hl7Message): HubError {
  try {
    map.run(message, messageOf(message));
  } catch (thrown) {
    if (thrown instanceof HubError) return thrown;
    throw thrown;
  }
  throw new Error('the map did not fail');
}

describe('a map that fails on a message', () => {
  it('tells map, file, line and rule, and nothing of the content', () => {
    const map = mapOf(
      'map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PID-1: x }\n  - set:\n      PID-5.1: { from: PID-5.1, do: [number] }\n',
    );
    const error = errorOf(map, adt);
    expect([error.code, error.kind, error.scope]).toEqual(['step-failed', 'permanent', 'message']);
    expect(error.message).toBe('mapping with lab, lab.map.yaml:7:7, set PID-5.1: it is no decimal number');
  });

  it.for([
    ['  - set: { PID-7: { from: PID-5.1, date: iso } }', 'set PID-7: it is no date that is written so'],
    ["  - set: { 'OBX[2]-5': x }", 'set OBX[2]-5: editing a message: no segment matches'],
    ["  - set: { 'PID-3[5=SS].1': x }", 'set PID-3[5=SS].1: editing a message: no repetition matches'],
    [
      '  - each: PV1\n    rules:\n      - set: { PV1-3: { from: PV1-9, whenEmpty: error } }',
      'set PV1-3: there is no value',
    ],
  ] as const)('says what was wrong: %s', ([rules, end]) => {
    const error = errorOf(mapOf(`map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n${rules}\n`), adt);
    expect(error.message).toMatch(/^mapping with lab, lab\.map\.yaml:\d+:\d+, /);
    expect(error.message.endsWith(end)).toBe(true);
    for (const content of ['Berger', 'Anna', '1958']) expect(error.message).not.toContain(content);
  });

  it('does not tell what a script’s error says: it may quote the content', () => {
    const scripts = () => (text: string) => {
      throw new TypeError(`cannot tidy ${text}`);
    };
    const map = mapOf(
      'map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PID-5: { from: PID-5.1, do: [{ script: ./a.ts#b }] } }\n',
      { scripts: scripts as never },
    );
    expect(errorOf(map, adt).message).toMatch(
      /^mapping with lab, lab\.map\.yaml:5:12, set PID-5: TypeError at mapping\.test\.ts/,
    );
  });

  it('works on the next one', () => {
    const map = edit('  - set: { PID-5.1: { from: PID-5.1, do: [number] } }');
    expect(() => map(adt)).toThrow();
    expect(map(hl7(MSH, 'PID|||||1.0'))).toEqual(['PID|||||1']);
  });
});

describe('a script of a map', () => {
  const text =
    'map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PID-5.1: { from: PID-5.1, do: [{ script: ./names.ts#tidy }] } }\n  - script: ./names.ts#sign\n    accepts: hl7v2\n    produces: hl7v2\n  - set: { PID-9: after }\n';
  const module: Readonly<Record<string, unknown>> = {
    tidy: (name: string) => `${name}!`,
    sign: (result: Hl7Message, { source, receivedAt }: { source: Hl7Message; receivedAt: number }) =>
      result.set('PID-8', `${source.get('PID-5.1')} ${receivedAt}`),
  };
  const scripts = (_: string, name: string) => module[name] as never;

  it('changes a value, or the result so far, which later rules go on from', () => {
    const result = mapOf(text, { scripts }).run(adt, messageOf(adt)) as Hl7Message;
    expect(result.text().split('\r')[1]).toBe(
      `PID|||7^^^H^MR||Berger!^Anna||19580417|Berger ${Date.UTC(2026, 2, 2, 7, 15)}|after`,
    );
  });

  it('has to give a result at once', () => {
    const late = (made: unknown) =>
      errorOf(mapOf(text, { scripts: (_, name) => (name === 'tidy' ? (module.tidy as never) : () => made) }), adt)
        .message;
    expect(late(Promise.resolve(adt))).toContain('script ./names.ts#sign: it gave no result, or promised one');
    expect(late({})).toContain('it gave no HL7 message');
  });

  it('stands after the loops over what it may move', () => {
    const read = compileMap('m', `${text}  - each: OBX\n    rules: []\n`, { scripts });
    expect(read).toMatchObject({
      problems: [{ line: 10, message: 'rules.3.each: loops come before scripts, which may move what they go over' }],
    });
  });

  it('is named with its file, which the loader reads beside the map', () => {
    expect([...scriptFiles(text)]).toEqual(['./names.ts']);
  });
});

describe('a compiled map', () => {
  const rules =
    '  - set: { PID-5.1: { from: PID-5.2, do: [upper] }, PID-8: null, PV1-7.3: x, ZZZ-3: y }\n  - delete: PV1-2\n  - insert: ZPI\n    after: PID\n    fields: { ZPI-2: { from: PID-3 } }\n  - each: OBX\n    rules:\n      - set: { OBX-5: { from: OBX-3 } }\n';
  const text = `map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n${rules}`;
  const field = fc.stringMatching(/^[A-Za-z0-9^&~ ]{0,12}$/);
  const segment = fc
    .tuple(fc.constantFrom('PID', 'PV1', 'OBX', 'NTE'), fc.array(field, { maxLength: 9 }))
    .map(([name, fields]) => [name, ...fields].join('|'));

  it('never changes its source, and gives the same whenever and however often it is compiled', () => {
    const [first, second] = [mapOf(text), mapOf(text)];
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
        const message = hl7(MSH, ...segments);
        const before = Buffer.from(message.raw);
        const [a, b, again] = [first, second, first].map((map) =>
          Buffer.from((map.run(message, messageOf(message)) as Hl7Message).raw),
        );
        expect(before.equals(message.raw)).toBe(true);
        expect(a!.equals(b!) && a!.equals(again!)).toBe(true);
      }),
    );
  });

  it('is a step of a channel with the formats that it names', () => {
    const spec = mapSpec(mapOf(text));
    expect([spec.kind, spec.type, spec.accepts.id, spec.produces.id]).toEqual([
      'transform',
      'mapping',
      'hl7v2',
      'hl7v2',
    ]);
    expect(spec.create()(adt, messageOf(adt))).toMatchObject({ controlId: 'C1' });
  });
});

describe('the mapping component', () => {
  const files: Readonly<Record<string, string>> = {
    'maps/lab.map.yaml': `map: lab\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PV1-2: { from: PV1-2, table: class, do: [{ script: ../x.ts#same }] }, PID-7: { from: PID-7, date: iso } }\n  - set: { PV1-19: { value: '\${env:SITE}' } }\n`,
    'time.map.yaml':
      'map: time\nfrom: json\nto: json\nrules:\n  - set: { at: { from: at, date: { from: iso, to: iso } } }\n',
    'staff.map.yaml': 'map: staff\nfrom: staff.v1\nto: json\nrules:\n  - set: { id: { from: id } }\n',
  };
  const loaded: string[] = [];
  const noted = new Map<string, string>();
  const beside: StepFiles = {
    tables: new Map([['class', tableOf('class', 'a,b\nI,IMP\n')]]),
    unknown: new UnknownCodes(),
    formats: new Map(),
    references: { environment: { SITE: 'Nord' }, readFile: () => undefined },
    shown: (path) => `channels/${path}`,
    text: async (path) => files[path] ?? Promise.reject(new Error('no such file')),
    script: async (path) => {
      loaded.push(path);
      return { same: (text: string) => text };
    },
    note: (what, hash) => void noted.set(what, hash),
    profile: () => undefined,
    now: () => 0,
  };
  const hl7ToHl7 = { from: hl7v2, to: hl7v2 };
  const value = <T>(read: Loaded<T>): T => {
    if (!read.ok) throw new Error(read.problems.map(describeProblem).join('\n'));
    return read.value;
  };

  it('loads a map with its scripts, and notes the tables and references that it uses', async () => {
    const spec = value(await mapping({ file: 'maps/lab.map.yaml' }, hl7ToHl7).load(beside));
    expect(loaded).toEqual(['x.ts']);
    expect([...noted.keys()]).toEqual(['table class', `reference \${env:SITE}`]);
    expect(noted.get('table class')).toBe(beside.tables.get('class')?.hash);
    const result = (await spec.create()(adt, messageOf(adt) as never)) as Hl7Message;
    expect([result.get('PV1-2'), result.get('PV1-19')]).toEqual(['IMP', 'Nord']);
  });

  it('has the zone of the sender that the channel names', async () => {
    const spec = value(
      await mapping({ file: 'time.map.yaml', zone: 'Asia/Tokyo' }, { from: json, to: json }).load(beside),
    );
    const payload = { at: '2026-03-02T08:15' };
    expect(await spec.create()(payload, messageOf(payload) as never)).toEqual({ at: '2026-03-02T08:15+09:00' });
  });

  it('takes the formats that a TypeScript channel gives, and objects to a map of others', async () => {
    const staff = delimitedFormat('staff.v1', delimitedOptions.parse({ columns: ['id'] }));
    const spec = value(await mapping({ file: 'staff.map.yaml' }, { from: staff, to: json }).load(beside));
    expect(spec.accepts).toBe(staff);
    expect(await mapping({ file: 'time.map.yaml' }, { from: hl7v2, to: json }).load(beside)).toMatchObject({
      problems: [
        {
          ...{ file: 'channels/time.map.yaml', line: 2, code: 'wiring-invalid' },
          message: 'from: it is json, and the channel says hl7v2',
        },
      ],
    });
  });

  it('cannot run before it is loaded', () => {
    expect(() => mapping({ file: 'maps/lab.map.yaml' }, hl7ToHl7).create()).toThrow(HubError);
    expect(() => mapping({ file: 'maps/lab.yaml' }, hl7ToHl7)).toThrow('configuring mapping: file: ');
  });

  it('tells what it cannot load', async () => {
    expect(await mapping({ file: 'none.map.yaml' }, hl7ToHl7).load(beside)).toEqual({
      ok: false,
      problems: [
        { file: 'channels/none.map.yaml', line: 1, column: 1, code: 'file-unreadable', message: 'no such file' },
      ],
    });
    const broken = { ...beside, script: () => Promise.reject(new Error('does not parse')) };
    expect(await mapping({ file: 'maps/lab.map.yaml' }, hl7ToHl7).load(broken)).toMatchObject({
      problems: [{ code: 'code-failed', message: '../x.ts: does not parse' }],
    });
  });
});
