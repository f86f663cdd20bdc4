import { describe, expect, it } from 'vitest';
import { hl7ToHl7 as hl7, problemsIn, tableOf } from './testing/maps.ts';

const tables = new Map([['patient-class', tableOf('patient-class', 'code,hl7,label\nS,I,stationär\n')]]);
const problemsOf = (text: string) => problemsIn(text, { tables, zone: 'UTC' });

describe('a map that is wrong', () => {
  it.for<readonly [string, string, readonly string[]]>([
    ['an empty file', '', ['1:1 key-missing the file is empty']],
    [
      'no YAML',
      'map: [',
      ['1:7 yaml-syntax Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    [
      'missing keys',
      'map: m\n',
      ['1:1 key-missing from is missing', '1:1 key-missing to is missing', '1:1 key-missing rules is missing'],
    ],
    [
      'an unknown key',
      'map: m\nfrom: hl7v2\nto: hl7v2\nrule: []\n',
      ['1:1 key-missing rules is missing', '4:1 key-unknown rule: no such key – did you mean rules?'],
    ],
    ['a bad name', 'map: M m\nfrom: hl7v2\nto: json\nrules: []\n', ['1:6 value-invalid map: a name like adt-to-lab']],
    [
      'an unknown format',
      'map: m\nfrom: hl7\nto: jsn\nrules: []\n',
      [
        '2:7 component-unknown from: there is no format hl7 – did you mean hl7v2?',
        '3:5 component-unknown to: there is no format jsn – did you mean json?',
      ],
    ],
    [
      'a format without columns',
      'map: m\nfrom: { delimited: { colums: [a] } }\nto: json\nrules: []\n',
      [
        '2:20 key-missing from.delimited.columns is missing',
        '2:22 key-unknown from.delimited.colums: no such key – did you mean columns?',
      ],
    ],
    [
      'neither',
      'map: m\nfrom: { csv: {} }\nto: json\nrules: []\n',
      ['2:7 value-invalid from: a format, or one of hl7v2, delimited, fixedWidth with its keys, is needed'],
    ],
    [
      'an unknown zone',
      `${hl7('  []')}\nzone: Europe/Berln\n`,
      ['6:7 value-invalid zone: there is no time zone Europe/Berln: a name like Europe/Berlin is needed'],
    ],
    [
      'editing what cannot be',
      'map: m\nfrom: json\nto: hl7v2\nmode: edit\nmessage: { type: ADT }\nrules: []\n',
      ['4:7 value-invalid mode: only HL7 can be edited into HL7'],
    ],
    [
      'a header of what is edited',
      `${hl7('  []')}\nmessage: { type: ADT }\n`,
      ['6:1 key-unknown message: it is for HL7 that is built: set MSH-3 and the others in rules'],
    ],
    [
      'a built message without a type',
      'map: m\nfrom: json\nto: hl7v2\nmessage: { versoin: x }\nrules: []\n',
      [
        '4:10 key-missing message.type is missing: ADT^A01^ADT_A01',
        '4:12 key-unknown message.versoin: no such key – did you mean version?',
      ],
    ],
    [
      'a rule without a verb',
      hl7('  - sett: { PID-1: 1 }\n  - 7'),
      [
        '5:5 key-missing rules.0: one of set, copy, delete, insert, each, let, script, fail, rules is needed – did you mean set?',
        '6:5 key-missing rules.1: one of set, copy, delete, insert, each, let, script, fail, rules is needed',
      ],
    ],
    [
      'a key that the verb does not have',
      hl7('  - set: { PID-1: x }\n    whn: { PV1-2: I }'),
      ['6:5 key-unknown rules.0.whn: no such key – did you mean when?'],
    ],
    [
      'rules without a condition',
      hl7('  - rules: []'),
      ['5:5 key-missing rules.0.when is missing: rules: stands beside it'],
    ],
    [
      'choices that are none',
      hl7('  - set: { PID-1: { choose: [{ wen: { PV1-2: I }, use: x }, { when: { PV1-2: I } }, y] } }'),
      [
        '5:32 key-unknown rules.0.set.PID-1.choose.0.wen: no such key – did you mean when?',
        '5:61 key-missing rules.0.set.PID-1.choose.1.use is missing',
        '5:85 value-invalid rules.0.set.PID-1.choose.2: Invalid input: expected object, received string',
      ],
    ],
    [
      'a function in a text',
      hl7(`  - set: { PID-1: '\${PID-2|uper}', PID-2: '\${PID-2|pad}' }`),
      [
        '5:19 path-invalid rules.0.set.PID-1: there is no function uper – did you mean upper?',
        '5:43 path-invalid rules.0.set.PID-2: pad needs arguments: write it in do:',
      ],
    ],
    [
      'an unknown name',
      hl7('  - let: { family: x }\n  - set: { PID-1: { from: $famly }, PID-2: { from: $index } }'),
      [
        '6:27 path-invalid rules.1.set.PID-1.from: nothing is called $famly – did you mean $family?',
        '6:52 path-invalid rules.1.set.PID-2.from: $index is the position in a loop, and this is in none',
      ],
    ],
    [
      'a value without a source',
      hl7('  - set: { PID-1: { default: x }, PID-2: { from: PID-1, value: x } }\n  - set: { PID-3: [a] }'),
      [
        '5:19 key-missing rules.0.set.PID-1: one of from, value, join and choose is needed',
        '5:42 key-missing rules.0.set.PID-2: one of from, value, join and choose is needed',
        '6:19 value-invalid rules.1.set.PID-3: a value, or a mapping with from, value, join or choose is needed',
      ],
    ],
    [
      'an unknown function',
      hl7('  - set: { PID-1: { from: PID-1, do: [uper, { tkae: 3 }, pad, 7] } }'),
      [
        '5:39 key-unknown rules.0.set.PID-1.do.0: there is no function uper – did you mean upper?',
        '5:47 key-unknown rules.0.set.PID-1.do.1.tkae: there is no function tkae – did you mean take?',
        '5:58 value-invalid rules.0.set.PID-1.do.2: pad needs arguments: { pad: … }',
        '5:63 value-invalid rules.0.set.PID-1.do.3: one function is needed',
      ],
    ],
    [
      'arguments that do not fit',
      hl7(
        '  - set: { PID-1: { from: PID-1, do: [{ take: 0 }, { replace: { with: x } }, { replace: { pattern: "(" } }, { scale: ten }] } }',
      ),
      [
        '5:47 value-invalid rules.0.set.PID-1.do.0.take: Too small: expected number to be >0',
        '5:63 value-invalid rules.0.set.PID-1.do.1.replace: either text: or pattern: is needed',
        '5:89 value-invalid rules.0.set.PID-1.do.2.replace: pattern: it is no regular expression',
        '5:118 value-invalid rules.0.set.PID-1.do.3.scale: a decimal number is needed',
      ],
    ],
    [
      'an unknown table',
      hl7('  - set: { PV1-2: { from: PV1-2, table: patientclass } }'),
      ['5:41 value-invalid rules.0.set.PV1-2.table: there is no table patientclass – did you mean patient-class?'],
    ],
    [
      'an unknown column',
      hl7('  - set: { PV1-2: { from: PV1-2, table: { table: patient-class, to: lable } } }'),
      ['5:41 value-invalid rules.0.set.PV1-2.table: the table patient-class has no column lable – did you mean label?'],
    ],
    [
      'a policy without a table',
      hl7('  - set: { PV1-2: { from: PV1-2, unknown: pass } }'),
      ['5:34 key-unknown rules.0.set.PV1-2.unknown: it stands beside the name of a table'],
    ],
    [
      'a date in no known way',
      hl7('  - set: { PID-7: { from: PID-7, date: dd.MM } }\n  - set: { PID-7: { from: PID-7, date: { in: Mars } } }'),
      [
        '5:40 value-invalid rules.0.set.PID-7.date: hl7, iso or a pattern is needed: a pattern names each of yyyy, MM, dd, HH, mm and ss once, from the year as far as it goes',
        '6:40 value-invalid rules.1.set.PID-7.date: there is no time zone Mars: a name like Europe/Berlin is needed',
      ],
    ],
    [
      'a filter word',
      hl7('  - when: { PV1-2: { isnt: I } }\n    delete: NK1'),
      ['5:22 key-unknown isnt: a filter knows not, any, all, some, exists, table'],
    ],
    ['a loop without rules', hl7('  - each: OBX'), ['5:5 key-missing rules.0.rules is missing']],
    [
      'a script that is not there',
      hl7(
        '  - script: names.ts\n    accepts: hl7v2\n    produces: json\n  - script: ./names.ts#tidy\n    accepts: hl7v2\n    produces: hl7v2',
      ),
      [
        '5:13 value-invalid rules.0.script: a file beside the map and a function are needed: ./names.ts#tidy',
        '7:15 wiring-invalid rules.0.produces: the result is hl7v2',
        '8:13 value-invalid rules.1.script: ./names.ts exports no function tidy',
      ],
    ],
    [
      'a reference',
      hl7(`  - set: { PID-1: '\${env:NOWHERE}' }`),
      [`5:19 reference-unresolved rules.0.set.PID-1: \${env:NOWHERE} leads nowhere`],
    ],
    [
      'a name of one’s own',
      hl7('  - let: { "a b": x }'),
      ['5:12 value-invalid rules.0.let.a b: a name of letters and digits is needed'],
    ],
  ])('names every mistake at its place: %s', ([, text, expected]) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  it('is told nothing of when it is right', () => {
    expect(problemsOf(hl7('  - set: { PV1-2: { from: PV1-2, table: patient-class, unknown: pass } }'))).toEqual([]);
  });
});
