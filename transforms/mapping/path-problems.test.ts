import { describe, expect, it } from 'vitest';
import { hl7ToHl7 as hl7, problemsIn } from './testing/maps.ts';

const columns = 'delimited: { columns: [mrn, family] }';

describe('a map whose paths lead nowhere', () => {
  it.for<readonly [string, string, readonly string[]]>([
    [
      'a path of another engine',
      hl7('  - set: { PID.5.1: x }\n  - delete: pid-5'),
      [
        '5:12 path-invalid rules.0.set.PID.5.1: reading an HL7 path: expected "-" or "[" at position 3 – did you mean PID-5.1?',
        '6:13 path-invalid rules.1.delete: reading an HL7 path: expected a segment name of three capitals or digits at position 0 – did you mean PID-5?',
      ],
    ],
    [
      'a segment with a letter too many',
      hl7('  - set: { PID-1: { from: PIV1-3.1 } }'),
      [
        '5:27 path-invalid rules.0.set.PID-1.from: reading an HL7 path: expected "-" or "[" at position 3 – did you mean PV1-3.1?',
      ],
    ],
    [
      'a path that HL7 does not have',
      hl7('  - set: { PID-1: { from: PDI-5 } }'),
      ['5:27 path-invalid rules.0.set.PID-1.from: HL7 2.8 has no segment PDI – did you mean PID-5?'],
    ],
    [
      'fields and components that HL7 does not have, also in selectors and conditions',
      hl7(
        "  - set: { PID-99: x, PID-3.44: x, 'PID-3[55=MR].1': x }\n  - when: { PV1-88: I }\n    delete: PV1-3.99\n  - each: OBX-99\n    rules: []",
      ),
      [
        '5:12 path-invalid rules.0.set.PID-99: PID has 40 fields in HL7 2.8',
        '5:23 path-invalid rules.0.set.PID-3.44: PID-3 is CX in HL7 2.8, which has 12 components',
        '5:36 path-invalid rules.0.set.PID-3[55=MR].1: PID-3 is CX in HL7 2.8, which has 12 components',
        '6:13 path-invalid PV1-88: PV1 has 54 fields in HL7 2.8',
        '7:13 path-invalid rules.1.delete: PV1-3 is PL in HL7 2.8, which has 11 components',
        '8:11 path-invalid rules.2.each: OBX has 28 fields in HL7 2.8',
      ],
    ],
    [
      'what the version or the structures that the map names do not have',
      'map: m\nfrom: { hl7v2: { version: 2.5.1, structures: [ADT_A01] } }\nto: { hl7v2: { structures: [ADT_A1] } }\nrules:\n  - set: { PID-40: { from: PID-40 }, PID-1: { from: OBR-4 } }\n',
      [
        '3:29 value-invalid to.hl7v2.structures.0: HL7 has no structure ADT_A1 – did you mean ADT_A01?',
        '5:28 path-invalid rules.0.set.PID-40.from: PID has 39 fields in HL7 2.5.1; PID-40 came with HL7 2.7',
        '5:53 path-invalid rules.0.set.PID-1.from: ADT_A01 has no OBR in HL7 2.5.1 – did you mean OBX-4?',
      ],
    ],
    [
      'what the version that is built does not have',
      'map: m\nfrom: json\nto: hl7v2\nmessage: { type: ADT^A01 }\nrules:\n  - set: { PID-40: x }\n',
      ['6:12 path-invalid rules.0.set.PID-40: PID has 39 fields in HL7 2.5.1; PID-40 came with HL7 2.7'],
    ],
    [
      'segments that belong to an item and are none',
      hl7('  - each: OBX\n    with: [NTE-3]\n    rules: []'),
      ['5:11 path-invalid rules.0.each: with: names segments, and NTE-3 is none'],
    ],
    [
      'a list with holes',
      'map: m\nfrom: json\nto: json\nrules:\n  - set: { "a[1000]": x }\n',
      ['5:12 path-invalid rules.0.set.a[1000]: a list has at most 1000 items by their number'],
    ],
    [
      'a path without a field',
      hl7('  - set: { PID: x, PID-1: { from: PV1 } }'),
      [
        '5:12 path-invalid rules.0.set.PID: a value goes into a field, and the path names none',
        '5:35 path-invalid rules.0.set.PID-1.from: a value stands in a field, and the path names none',
      ],
    ],
    [
      'the delimiters',
      hl7('  - set: { MSH-2: x }\n  - delete: MSH'),
      [
        '5:12 path-invalid rules.0.set.MSH-2: the delimiters of a message are fixed',
        '6:13 path-invalid rules.1.delete: MSH stays',
      ],
    ],
    [
      'a path in a text',
      hl7(`  - set: { PID-1: 'a \${PID-} b' }`),
      ['5:19 path-invalid rules.0.set.PID-1: reading an HL7 path: expected a field number from 1 at position 4'],
    ],
    [
      'a path in a filter',
      hl7('  - when: { PV1: I, PV1.2: I }\n    delete: NK1'),
      ['5:21 path-invalid PV1.2: reading an HL7 path: expected "-" or "[" at position 3 – did you mean PV1-2?'],
    ],
    [
      'an unknown group',
      hl7('  - each: ORDER_OBSERVATON\n    rules: []'),
      ['5:11 path-invalid rules.0.each: no message has a group ORDER_OBSERVATON – did you mean ORDER_OBSERVATION?'],
    ],
    [
      'a group of no structure that the map names',
      'map: m\nfrom: { hl7v2: { structures: [ORU_R01] } }\nto: json\nrules:\n  - each: INSURANCE\n    rules: []',
      ['5:11 path-invalid rules.0.each: ORU_R01 has no group INSURANCE'],
    ],
    [
      'a group where the map names no structures',
      hl7('  - each: TIMING_QTY\n    rules: []'),
      [
        '5:11 path-invalid rules.0.each: a loop over groups needs to know the structures: from: { hl7v2: { structures: […] } }',
      ],
    ],
    [
      'a loop over a component',
      hl7('  - each: PID-3.1\n    rules: []'),
      ['5:11 path-invalid rules.0.each: a loop goes over segments, groups, or the repetitions of a field'],
    ],
    [
      'an insertion of no segment',
      hl7('  - insert: PID-3.1\n  - insert: PID-3\n    after: PV1\n  - insert: ZPI\n    fields: { ZPV-1: x }\n'),
      [
        '5:13 path-invalid rules.0.insert: a segment or a field is needed: ZPI, or PID-3 for a repetition',
        '6:13 path-invalid rules.1.insert: a repetition goes to the end of its field',
        '9:15 path-invalid rules.2.fields.ZPV-1: a field of ZPI is needed: ZPI-1',
      ],
    ],
    [
      'a copy of what is there',
      hl7('  - copy: [PID, PID-3.1]'),
      [
        '5:12 path-invalid rules.0.copy.0: the result has the segments of the source already',
        '5:17 path-invalid rules.0.copy.1: a segment or a whole field is copied',
      ],
    ],
    [
      'a copy between formats',
      'map: m\nfrom: hl7v2\nto: json\nrules:\n  - copy: PID',
      ['5:11 path-invalid rules.0.copy: copy: is for HL7 to HL7 and JSON to JSON'],
    ],
    [
      'a JSON path',
      'map: m\nfrom: json\nto: json\nrules:\n  - set: { "a[": x, "[0].b": x, "c[x=1]": x, d: { from: "e..f" }, __proto__.x: y }\n',
      [
        '5:12 path-invalid rules.0.set.a[: reading a JSON path: it cannot be read from position 1',
        '5:21 path-invalid rules.0.set.[0].b: a path into the result begins with a key',
        '5:33 path-invalid rules.0.set.c[x=1]: a path into the result names one place: a key, [n], or [] at its end for one item more',
        '5:57 path-invalid rules.0.set.d.from: reading a JSON path: it cannot be read from position 1',
        '5:67 path-invalid rules.0.set.__proto__.x: reading a JSON path: __proto__ is no key',
      ],
    ],
    [
      'a column',
      `map: m\nfrom: { ${columns} }\nto: { ${columns} }\nrules:\n  - set: { mnr: { from: famly } }\n  - each: rows\n    rules: []\n`,
      [
        '5:12 path-invalid rules.0.set.mnr: row has no column mnr – did you mean mrn?',
        '5:25 path-invalid rules.0.set.mnr.from: row has no column famly – did you mean family?',
        '6:11 path-invalid rules.1.each: there are no records rows – did you mean row?',
      ],
    ],
  ])('names every mistake at its place: %s', ([, text, expected]) => {
    expect(problemsIn(text)).toEqual(expected);
  });
});
