import { describe, expect, it } from 'vitest';
import { delimitedFormat, delimitedOptions } from '../../contracts/delimited.ts';
import { criticalResult } from '../../contracts/lab-result.ts';
import type { Erased } from '../../core/channel.ts';
import type { Format } from '../../core/format.ts';
import type { Many } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { hl7, MSH, mapOf, messageOf } from './testing/maps.ts';

const lines = (message: Hl7Message) => message.text().split('\r').slice(1, -1);

describe('a map between formats', () => {
  it('makes JSON of HL7: numbers where the map says so, what is not there left out', () => {
    const message = hl7(
      MSH,
      'PID|1||7^^^H^MR~8^^^I^PI||Berger^Anna||198004|F',
      'OBX|1|NM|K||6.90|mmol/L',
      'OBX|2|NM|N||1',
    );
    const map = mapOf(`
map: m
from: hl7v2
to: json
rules:
  - set:
      id: { from: 'PID-3[5=PI].1' }
      name.family: { from: PID-5.1 }
      name.middle: { from: PID-5.3 }
      birthDate: { from: PID-7, date: iso }
      active: true
      count: 2
      'tags[]': a
      'list[1]': b
      nothing: null
  - set: { 'tags[]': b }
  - each: OBX
    rules:
      - insert: results
        fields: { code: { from: OBX-3 }, value: { from: OBX-5, do: [number] }, unit: { from: OBX-6 } }
  - delete: count
`);
    expect(JSON.parse(JSON.stringify(map.run(message, messageOf(message))))).toEqual({
      id: '8',
      name: { family: 'Berger' },
      birthDate: '1980-04',
      active: true,
      tags: ['a', 'b'],
      list: [null, 'b'],
      nothing: null,
      results: [
        { code: 'K', value: 6.9, unit: 'mmol/L' },
        { code: 'N', value: 1 },
      ],
    });
  });

  it('makes HL7 of JSON', () => {
    const map = mapOf(`
map: m
from: json
to: hl7v2
message: { type: ORU^R01^ORU_R01, sendingApplication: { from: origin } }
rules:
  - set:
      PID-3.1: { from: 'ids[type=MR].value' }
      PID-5.1: { from: name.family }
      PID-7: { from: born, date: hl7 }
      PID-8: { from: sex, do: [{ codes: { map: { female: F } } }] }
      PID-30: { from: dead }
      PID-24: { from: 'ids[0].none' }
  - each: orders
    as: order
    rules:
      - insert: OBR
        fields: { OBR-1: { from: $index }, OBR-4: { from: order.code } }
      - each: order.results
        rules:
          - insert: OBX
            fields: { OBX-1: { from: $index }, OBX-3: { from: order.code }, OBX-5: { from: item.value } }
`);
    const payload = {
      origin: 'APP',
      ids: [
        { type: 'PI', value: '1' },
        { type: 'MR', value: 22 },
      ],
      name: { family: 'Ber^ger' },
      born: '1980-04-01T08:15:00+02:00',
      sex: 'female',
      dead: false,
      orders: [
        { code: 'A', results: [{ value: 1.5 }, { value: null }] },
        { code: 'B', results: { value: 'x' } },
      ],
    };
    const result = map.run(payload, messageOf(payload)) as Hl7Message;
    expect([result.get('MSH-3'), result.type]).toEqual(['APP', 'ORU^R01']);
    expect(lines(result)).toEqual([
      `PID|||22||Ber\\S\\ger||19800401081500+0200|F${'|'.repeat(22)}false`,
      'OBR|1|||A',
      'OBX|1||A||1.5',
      'OBX|2||A||""',
      'OBR|2|||B',
      'OBX|1||B||x',
    ]);
  });

  it('copies parts of JSON as they are, and never changes them', () => {
    const map = mapOf(
      'map: m\nfrom: json\nto: json\nrules:\n  - copy: a.list\n  - copy: a\n    to: b\n  - set: { c: { from: a.n } }\n',
    );
    const payload = Object.freeze({ a: Object.freeze({ list: Object.freeze([1, { x: 2 }]), n: 1.5 }) });
    expect(map.run(payload, messageOf(payload))).toEqual({ a: { list: [1, { x: 2 }] }, b: payload.a, c: 1.5 });
  });

  it('rule 7: writes into copies of parts of JSON, never into the source', () => {
    const map = mapOf(
      'map: m\nfrom: json\nto: json\nrules:\n  - copy: a\n  - set: { b: { from: a }, a.n: 2, b.n: 3 }\n  - insert: a.list\n    fields: { x: 1 }\n',
    );
    const payload = Object.freeze({ a: Object.freeze({ n: 1, list: Object.freeze([]) }) });
    expect(map.run(payload, messageOf(payload))).toEqual({ a: { n: 2, list: [{ x: 1 }] }, b: { n: 3, list: [] } });
  });

  it('goes over the items of all lists that a path into JSON leads to', () => {
    const map = mapOf(
      "map: m\nfrom: json\nto: json\nrules:\n  - each: orders[].results\n    rules:\n      - set: { 'codes[]': { from: item.code } }\n  - each: 'orders[kind=b]'\n    rules:\n      - set: { 'kinds[]': { from: item.kind } }\n",
    );
    const payload = { orders: [{ results: [{ code: 1 }, { code: 2 }] }, { kind: 'b', results: { code: 3 } }] };
    expect(map.run(payload, messageOf(payload))).toEqual({ codes: [1, 2, 3], kinds: ['b'] });
  });

  it('makes one message of every row of delimited text', () => {
    const map = mapOf(`
map: staff
from: { delimited: { columns: [mrn, family, born], delimiter: ';' } }
to: hl7v2
message: { type: ADT^A28 }
split: { each: row, when: { family: { exists: true } } }
rules:
  - set: { PID-3: { from: mrn }, PID-5.1: { from: family }, PID-7: { from: row.born, date: { from: dd.MM.yyyy } } }
`);
    expect([map.accepts.id, map.produces.id]).toEqual(['bytes', 'hl7v2']);
    const raw = Buffer.from('born;mrn;family\n01.04.1980;1;"Ber;ger"\n;2;\n02.04.1980;3;Sommer\n');
    const split = map.run(raw, messageOf(raw)) as Many<Hl7Message>;
    expect(split.outputs.map(lines)).toEqual([['PID|||1||Ber;ger||19800401'], ['PID|||3||Sommer||19800402']]);
    expect(() => map.run(Buffer.from('mrn\n1'), messageOf(raw))).toThrow(
      'mapping with staff, lab.map.yaml, reading the source: decoding staff.delimited: line 1, column 1: the header has no column family',
    );
  });

  it('makes delimited and fixed-width text, record by record', () => {
    const message = hl7(MSH, 'PID|||7', 'OBX|1|NM|K||6.9', 'OBX|2|NM|N||1');
    const rules =
      'rules:\n  - each: OBX\n    rules:\n      - insert: item\n        fields: { code: { from: OBX-3 } }\n      - set: { item.value: { from: OBX-5 } }\n';
    const fixed = mapOf(
      `map: m\nfrom: hl7v2\nto:\n  fixedWidth:\n    newline: lf\n    records:\n      - { name: head, mark: { start: 1, value: H }, columns: [{ name: id, start: 2, length: 5 }] }\n      - { name: item, columns: [{ name: code, start: 1, length: 3 }, { name: value, start: 4, length: 4, align: right }] }\n${rules}  - set: { head.id: { from: PID-3 } }\n`,
    );
    expect(Buffer.from(fixed.produces.encode(fixed.run(message, messageOf(message)))).toString()).toBe(
      'K   6.9\nN     1\nH7     \n',
    );
    const csv = mapOf(
      `map: m\nfrom: hl7v2\nto: { delimited: { columns: [code, value] } }\n${rules.replace('insert: item', 'insert: row').replace('item.value', 'value')}`,
    );
    expect(Buffer.from(csv.produces.encode(csv.run(message, messageOf(message)))).toString()).toBe(
      'code,value\r\nK,6.9\r\nN,1\r\n',
    );
  });

  it('reads fixed-width records by their type', () => {
    const map = mapOf(
      'map: m\nfrom: { fixedWidth: { records: [{ name: head, mark: { start: 1, value: H }, columns: [{ name: id, start: 2, length: 3 }] }, { name: item, columns: [{ name: code, start: 1, length: 4 }] }] } }\nto: json\nrules:\n  - set: { id: { from: head.id } }\n  - each: item\n    rules:\n      - set: { "codes[]": { from: item.code } }\n',
    );
    const raw = Buffer.from('H7\nA\nB\n');
    expect(map.run(raw, messageOf(raw))).toEqual({ id: '7', codes: ['A', 'B'] });
  });

  it('reads and writes contracts by their ids', () => {
    const staff = delimitedFormat('staff.v1', delimitedOptions.parse({ columns: ['id'] }));
    const formats = new Map<string, Format<Erased>>([
      [staff.id, staff],
      [criticalResult.id, criticalResult],
    ]);
    const map = mapOf(
      'map: m\nfrom: lab.result.critical.v1\nto: staff.v1\nrules:\n  - set: { id: { from: order.placer } }\n',
      { formats },
    );
    expect([map.accepts, map.produces]).toEqual([criticalResult, staff]);
    const payload = { order: { placer: 'A1' } };
    expect(staff.encode(map.run(payload, messageOf(payload)) as never).toString()).toBe('id\r\nA1\r\n');
  });
});
