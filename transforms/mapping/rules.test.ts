import { describe, expect, it } from 'vitest';
import { isMany, type Many } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { edit, hl7, MSH, mapOf, messageOf } from './testing/maps.ts';

const adt = hl7(
  MSH,
  'PID|1||4711^^^HOSP^MR~75-5^^^SSA^SS||Berger^Anna&von^M||19580417|F||""|Weg 3^^Seeburg~Allee 9^^Berg',
  'PV1|1|I|3W^312',
  'NK1|1|Berger^Karl',
  'NK1|2|Berger^Ute',
);

describe('the rules of a map', () => {
  it('set text, deletions and values of the source, which always is as it came', () => {
    const rules =
      '  - set: { PID-1: 007, PID-8: null, PID-5.1: { from: PID-5.2 }, PID-5.2: { from: PID-5.1 }, PID-30: x }';
    expect(edit(rules)(adt)[0]).toBe(
      'PID|007||4711^^^HOSP^MR~75-5^^^SSA^SS||Anna&von^Berger^M||19580417|""||""|Weg 3^^Seeburg~Allee 9^^Berg|||||||||||||||||||x',
    );
  });

  it('keep components and escapes of what is only moved, and escape what is text', () => {
    const message = hl7(MSH, 'PID|||||A\\T\\B^C&D~E||""', 'PV1|1');
    expect(
      edit('  - set: { PV1-7: { from: PID-5 }, PV1-8: { from: PID-5.2 }, PV1-9: { from: PID-7 } }')(message)[1],
    ).toBe('PV1|1||||||A\\T\\B^C&D|C&D|""');
    expect(edit(`  - set: { PV1-7: '\${PID-5.1}|x', PV1-8.2: { from: PID-5 } }`)(message)[1]).toBe(
      'PV1|1||||||A\\T\\B\\F\\x|^A\\T\\B\\S\\C\\T\\D',
    );
  });

  it('take the first path that holds something, and a default', () => {
    expect(
      edit(
        "  - set: { PV1-50: { from: ['PID-3[5=PI].1', 'PID-3[5=SS].1'] }, PV1-3.4: { from: PV1-3.4, default: HOSP } }",
      )(adt)[1],
    ).toBe(`PV1|1|I|3W^312^^HOSP${'|'.repeat(47)}75-5`);
  });

  it('put texts together; a text is empty when none of its paths holds anything', () => {
    const rules = `  - set:\n      PV1-4: '\${PID-5.1|upper}, \${PID-5.2}'\n      PV1-5: 'Dr. \${PV1-7.2} \${PV1-7.3}'\n      PV1-6: { join: [{ from: PID-5.1 }, { from: PID-39 }, x], with: '-' }\n      PV1-8: $\${literal}`;
    expect(edit(rules)(adt)[1]).toBe(
      'PV1|1|I|3W^312|BERGER, Anna\\T\\von||Berger-x||$\\literal'.replace('$\\literal', `\${literal}`),
    );
  });

  it('choose a value', () => {
    const rules =
      '  - set:\n      PV1-4:\n        choose:\n          - { when: { PV1-2: [O, E] }, use: out }\n          - { when: { PID-3.5: SS }, use: { from: PID-3.1 } }\n          - { use: none }\n';
    expect(edit(rules)(adt)[1]).toContain('|4711');
    expect(edit(rules)(hl7(MSH, 'PV1|1|O'))[0]).toBe('PV1|1|O||out');
    expect(edit(rules)(hl7(MSH, 'PV1|1|I'))[0]).toBe('PV1|1|I||none');
  });

  it('empty a place, keep it, or make the message an error when there is no value', () => {
    const rules = (whenEmpty: string) => `  - set: { PID-8: { from: PID-39, whenEmpty: ${whenEmpty} } }`;
    expect(edit(rules('clear'))(adt)[0]).toContain('|19580417|||');
    expect(edit(rules('keep'))(adt)[0]).toContain('|19580417|F|');
    expect(() => edit(rules('error'))(adt)).toThrow(
      'mapping with lab, lab.map.yaml:5:12, set PID-8: there is no value',
    );
  });

  it('hold only when their condition does, with the words of channel filters', () => {
    const rules =
      '  - when: { PV1-2: [I, E], PID-3.5: { not: [XX] } }\n    set: { PV1-18: in }\n  - when: { any: [{ PV1-2: O }, { NK1: { exists: false } }] }\n    set: { PV1-19: out }';
    expect(edit(rules)(adt)[1]).toBe(`PV1|1|I|3W^312${'|'.repeat(15)}in`);
    expect(edit(rules)(hl7(MSH, 'PV1|1|O'))[0]).toBe(`PV1|1|O${'|'.repeat(17)}out`);
  });

  it('go one way or the other', () => {
    const rules =
      '  - when: { PV1-2: I }\n    rules:\n      - set: { PV1-4: in }\n    else:\n      - set: { PV1-4: out }';
    expect(edit(rules)(adt)[1]).toContain('|in');
    expect(edit(rules)(hl7(MSH, 'PV1||O'))[0]).toBe('PV1||O||out');
  });

  it('delete segments, fields, repetitions and components', () => {
    expect(edit("  - delete: [NK1, PID-10, 'PID-3[5=SS]', PID-5.3, 'PID-11[2].1']")(adt)).toEqual([
      'PID|1||4711^^^HOSP^MR||Berger^Anna&von^||19580417|F|||Weg 3^^Seeburg~^^Berg',
      'PV1|1|I|3W^312',
    ]);
    expect(edit("  - delete: 'NK1[2]'")(adt).at(-1)).toBe('NK1|1|Berger^Karl');
    expect(edit('  - delete: PID-3')(adt)[0]).toMatch(/^PID\|1\|\|\|\|Berger/);
  });

  it('insert segments beside others, and repetitions', () => {
    const rules =
      "  - insert: ZPI\n    after: [ZZZ, NK1]\n    fields: { ZPI-1: '1', ZPI-3.2: { from: PID-5.1 } }\n  - insert: ZPV\n    before: PV1\n  - insert: PID-3\n    fields: { PID-3.1: '9', PID-3.5: PI }\n  - insert: PID-13\n    fields: { PID-13.7: '555' }\n  - insert: ZZ9\n    after: ZZ8\n";
    expect(edit(rules)(adt)).toEqual([
      'PID|1||4711^^^HOSP^MR~75-5^^^SSA^SS~9^^^^PI||Berger^Anna&von^M||19580417|F||""|Weg 3^^Seeburg~Allee 9^^Berg||^^^^^^555',
      'ZPV',
      'PV1|1|I|3W^312',
      'NK1|1|Berger^Karl',
      'NK1|2|Berger^Ute',
      'ZPI|1||^Berger',
      'ZZ9',
    ]);
  });

  it('copy whole fields with their repetitions', () => {
    expect(edit('  - copy: PID-3\n    to: PID-4')(adt)[0]).toContain(
      '|4711^^^HOSP^MR~75-5^^^SSA^SS|4711^^^HOSP^MR~75-5^^^SSA^SS|',
    );
  });

  it('name values for later, and know the message and the position', () => {
    const rules = `  - let: { family: { from: PID-5.1, do: [upper] } }\n  - set: { PID-9: '\${$family} \${$channel} \${$meta.peer} \${$receivedAt}' }\n  - when: { $family: BERGER }\n    set: { PID-2: yes }\n`;
    expect(edit(rules)(adt)[0]).toContain('PID|1|yes|');
    expect(edit(rules)(adt)[0]).toContain('|BERGER adt 10.0.0.7 2026-03-02T07:15:00.000Z|');
  });

  it('make the message an error where they say so', () => {
    expect(() => edit('  - when: { PV1-2: I }\n    fail: inpatients do not belong here')(adt)).toThrow(
      'mapping with lab, lab.map.yaml:6:5, fail: inpatients do not belong here',
    );
  });

  it('replace references to the environment when the map is compiled', () => {
    const references = { environment: { SITE: 'Nord|1' }, readFile: () => undefined };
    expect(edit(`  - set: { PV1-4: 'x\${env:SITE}\${PID-1}' }`, { references })(adt)[1]).toContain('|xNord\\F\\11');
  });

  it('replace characters that the character set does not have, where the map says by what', () => {
    const message = hl7('MSH|^~\\&|A|B|||20260302||ADT^A01|1|P|2.5|||||||8859/1'.replace('|||||||', '||||||'), 'PID|1');
    expect(() => edit('  - set: { PID-5: 漢 }')(message)).toThrow('a character is not in that set');
    expect(edit('  - set: { PID-5: 漢字x }', {}, "substitute: '?'\n")(message)[0]).toBe('PID|1||||??x');
  });
});

const oruLines = [
  MSH.replace('ADT^A01^ADT_A01', 'ORU^R01^ORU_R01'),
  'PID|1||7||A',
  'NTE|1||of the patient',
  'ORC|RE|A',
  'OBR|1|A|F1|X',
  'NTE|1||of the order',
  'OBX|1|NM|K||6.9|||HH',
  'NTE|1||of the value',
  'OBX|2|NM|N||1|||N',
  'ORC|RE|B',
  'OBR|2|B|F2|Y',
  'OBX|1|ST|C||""',
];
const oru = hl7(...oruLines);

function editOru(rules: string): (message: Hl7Message) => readonly string[] {
  const map = mapOf(`map: lab\nfrom: { hl7v2: { structures: [ORU_R01] } }\nto: hl7v2\nrules:\n${rules}\n`);
  return (message) => (map.run(message, messageOf(message)) as Hl7Message).text().split('\r').slice(1, -1);
}

describe('loops', () => {
  it('go over segments, and mean in the result the segment of the source', () => {
    const rules =
      '  - each: OBX\n    when: { OBX-2: NM }\n    rules:\n      - set: { OBX-1: { from: $index }, OBX-20: { from: PID-3 } }\n      - when: { OBX-8: HH }\n        delete: OBX-3\n';
    expect(edit(rules)(oru).filter((line) => line.startsWith('OBX'))).toEqual([
      `OBX|1|NM|||6.9|||HH${'|'.repeat(12)}7`,
      `OBX|2|NM|N||1|||N${'|'.repeat(12)}7`,
      'OBX|1|ST|C||""',
    ]);
  });

  it('go from one segment to the next, with those that belong to it, one loop in another', () => {
    const map = mapOf(`
map: lab
from: hl7v2
to: json
rules:
  - each: OBR
    with: [OBX, NTE]
    rules:
      - insert: orders
        fields: { placer: { from: OBR-2 }, note: { from: NTE-3 } }
      - each: OBX
        with: [NTE]
        rules:
          - insert: orders.results
            fields: { code: { from: OBX-3 }, value: { from: OBX-5 }, note: { from: NTE-3 }, patientNote: { from: /NTE-3 }, n: { from: $index, do: [number] } }
`);
    expect(map.run(oru, messageOf(oru))).toEqual({
      orders: [
        {
          placer: 'A',
          note: 'of the order',
          results: [
            { code: 'K', value: '6.9', note: 'of the value', patientNote: 'of the patient', n: 1 },
            { code: 'N', value: '1', patientNote: 'of the patient', n: 2 },
          ],
        },
        { placer: 'B', results: [{ code: 'C', value: null, patientNote: 'of the patient', n: 1 }] },
      ],
    });
  });

  it('go over the groups of the message’s structure', () => {
    const rules = `  - each: ORDER_OBSERVATION\n    rules:\n      - set: { OBR-4: '\${ORC-2}\${NTE-3}', ORC-5: { from: 'OBX[2]-3' } }\n      - when: { 'OBX[8=HH]': { exists: true } }\n        set: { OBR-25: C }\n      - each: OBX\n        rules:\n          - set: { OBX-17: { from: OBR-3 } }\n`;
    expect(editOru(rules)(oru).filter((line) => /^(ORC|OBR|OBX)/.test(line))).toEqual([
      'ORC|RE|A|||N',
      `OBR|1|A|F1|Aof the order${'|'.repeat(21)}C`,
      `OBX|1|NM|K||6.9|||HH${'|'.repeat(9)}F1`,
      `OBX|2|NM|N||1|||N${'|'.repeat(9)}F1`,
      'ORC|RE|B',
      'OBR|2|B|F2|B',
      `OBX|1|ST|C||""${'|'.repeat(12)}F2`,
    ]);
  });

  it('go over groups in groups, with segments of the site’s own where the loop names them', () => {
    const message = hl7(...oruLines.slice(0, 4), 'OBR|1|A|F1|X', 'OBX|1|NM|K', 'ZOB|first', 'OBX|2|NM|N', 'ZOB|second');
    const map = mapOf(
      'map: m\nfrom: { hl7v2: { structures: [ORU_R01] } }\nto: json\nrules:\n  - each: ORDER_OBSERVATION\n    rules:\n      - each: OBSERVATION\n        with: [ZOB]\n        rules:\n          - insert: results\n            fields: { code: { from: OBX-3 }, own: { from: ZOB-1 }, order: { from: OBR-3 } }\n',
    );
    expect(map.run(message, messageOf(message))).toEqual({
      results: [
        { code: 'K', own: 'first', order: 'F1' },
        { code: 'N', own: 'second', order: 'F1' },
      ],
    });
  });

  it('go over groups by the only structure that the map names, else by the one of the message among them', () => {
    const rules = '  - each: ORDER_OBSERVATION\n    rules:\n      - set: { OBR-4: x }';
    const strange = hl7(MSH.replace('ADT^A01^ADT_A01', 'XXX^X99'), 'OBR|1');
    expect(editOru(rules)(strange)).toEqual(['OBR|1|||x']);
    const two = `map: lab\nfrom: { hl7v2: { structures: [ORU_R01, OUL_R21] } }\nto: hl7v2\nrules:\n${rules}\n`;
    expect(() => mapOf(two).run(strange, messageOf(strange))).toThrow(
      'lab.map.yaml:5:5, each ORDER_OBSERVATION: the message is of none of the structures that the map names',
    );
  });

  it('go over the repetitions of a field', () => {
    const rules = '  - each: PID-3\n    when: { PID-3.5: { not: [SS] } }\n    rules:\n      - set: { PID-3.4: X }\n';
    expect(edit(rules)(adt)[0]).toContain('|4711^^^X^MR~75-5^^^SSA^SS|');
    const map = mapOf(
      "map: m\nfrom: hl7v2\nto: json\nrules:\n  - each: 'PID-3[5=SS]'\n    rules:\n      - insert: ids\n        fields: { value: { from: PID-3.1 }, name: { from: PID-5.1 } }\n      - set: { 'flat[]': { from: PID-3.5 } }\n",
    );
    expect(map.run(adt, messageOf(adt))).toEqual({ ids: [{ value: '75-5', name: 'Berger' }], flat: ['SS'] });
    const several = hl7(MSH, 'NK1|1|A~B', 'NK1|2', 'NK1|3|C');
    const names = mapOf(
      `map: m\nfrom: hl7v2\nto: json\nrules:\n  - each: NK1-2\n    rules:\n      - set: { 'names[]': '\${NK1-2}\${NK1-1}' }\n`,
    );
    expect(names.run(several, messageOf(several))).toEqual({ names: ['A1', 'B1', 'C3'] });
  });
});

describe('a message that is built', () => {
  const build = (rules: string, top = '') =>
    mapOf(`map: lab\nfrom: hl7v2\nto: hl7v2\nmode: build\nzone: Europe/Berlin\n${top}rules:\n${rules}\n`);
  const lines = (message: Hl7Message) => message.text().split('\r').slice(0, -1);

  it('begins with its header alone: type of the source, time of receipt in the zone, an id made of the message’s', () => {
    const result = build('  []').run(adt, messageOf(adt)) as Hl7Message;
    expect(lines(result)).toEqual([
      'MSH|^~\\&|||||20260302081500+0100||ADT^A01^ADT_A01|019C0A5E3F00456789AB|P|2.5.1||||||UNICODE UTF-8',
    ]);
    expect(result.raw).toEqual((build('  []').run(adt, messageOf(adt)) as Hl7Message).raw);
  });

  it('has the header that it is given', () => {
    const top = `message:\n  type: ORU^R01\n  version: '2.4'\n  processingId: T\n  controlId: X\${MSH-10}\n  charset: 8859/1\n  sendingApplication: WEIR\n  sendingFacility: { from: MSH-4 }\n  receivingApplication: LAB^1.2.3^ISO\n  receivingFacility: L\n`;
    expect(lines(build('  []', top).run(adt, messageOf(adt)) as Hl7Message)).toEqual([
      'MSH|^~\\&|WEIR|HOSP|LAB^1.2.3^ISO|L|20260302081500+0100||ORU^R01|XC1|T|2.4||||||8859/1',
    ]);
  });

  it('gets segments in the order of the rules: copied, set, inserted; a path means the last of its name', () => {
    const rules =
      '  - copy: [PID, NK1]\n  - set: { PV1-2: O, PID-1: 9, NK1-1: last }\n  - insert: OBX\n    fields: { OBX-1: 1 }\n  - set: { OBX-5: a }\n  - insert: OBX\n    fields: { OBX-1: 2 }\n  - set: { OBX-5: b }\n  - copy: PV1-3\n';
    expect(lines(build(rules).run(adt, messageOf(adt)) as Hl7Message).slice(1)).toEqual([
      'PID|9||4711^^^HOSP^MR~75-5^^^SSA^SS||Berger^Anna&von^M||19580417|F||""|Weg 3^^Seeburg~Allee 9^^Berg',
      'NK1|1|Berger^Karl',
      'NK1|last|Berger^Ute',
      'PV1||O|3W^312',
      'OBX|1||||a',
      'OBX|2||||b',
    ]);
  });

  it('has the usual delimiters and its own character set, whatever the source has', () => {
    const source = hl7('MSH!@*%$!A!B!!!20260302!!ADT@A01!1!P!2.5', 'PID!!!1@@@H*2!!M^ller@x%F%y');
    expect(lines(build('  - copy: PID').run(source, messageOf(source)) as Hl7Message)[1]).toBe(
      'PID|||1^^^H~2||M\\S\\ller^x!y',
    );
  });

  it('is one of several when the map splits: each with an id of its own, none filters', () => {
    const map = build('  - copy: OBX\n', 'split: { each: OBX, when: { OBX-2: NM } }\n');
    const split = map.run(oru, messageOf(oru)) as Many<Hl7Message>;
    expect(isMany(split)).toBe(true);
    expect(split.outputs.map((each) => [each.controlId, lines(each)[1]])).toEqual([
      ['019C0A5E3F00456789AB', 'OBX|1|NM|K||6.9|||HH'],
      ['019C0A5E3F00456789AC', 'OBX|2|NM|N||1|||N'],
    ]);
    expect((map.run(adt, messageOf(adt)) as Many<Hl7Message>).outputs).toEqual([]);
  });
});
