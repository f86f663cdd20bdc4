import { expect, it } from 'vitest';
import { edit, hl7, MSH } from './testing/maps.ts';

it('deletes in a loop over repetitions those that the items are, however many went before', () => {
  const message = hl7(MSH, 'PID|1||A^^^H^SS~B^^^H^PI~C^^^H^MR~D^^^H^SS');
  const remove = edit('  - each: PID-3\n    when: { PID-3.5: [SS, PI] }\n    rules: [{ delete: PID-3 }]');
  expect(remove(message)).toEqual(['PID|1||C^^^H^MR']);
});

it('sets in such a loop what stays where it is now', () => {
  const message = hl7(MSH, 'PID|1||A^^^H^SS~B^^^H^PI~C^^^H^MR');
  const both = edit(
    '  - each: PID-3\n    rules:\n      - when: { PID-3.5: SS }\n        delete: PID-3\n      - when: { PID-3.5: MR }\n        set: { PID-3.4: X }',
  );
  expect(both(message)).toEqual(['PID|1||B^^^H^PI~C^^^X^MR']);
});

it('lets no item see what was named for one before it', () => {
  const message = hl7(MSH, 'PID|1', 'OBX|1|ST|A||1|||H', 'OBX|2|ST|B||2|||N');
  const flag = edit(
    '  - each: OBX\n    rules:\n      - when: { OBX-8: H }\n        let: { flag: high }\n      - set: { OBX-9: { from: $flag } }',
  );
  expect(flag(message)).toEqual(['PID|1', 'OBX|1|ST|A||1|||H|high', 'OBX|2|ST|B||2|||N']);
});

it('lets no item see what was kept from one before it', () => {
  const message = hl7(MSH, 'PID|1', 'OBX|1|ST|A||1|||H', 'OBX|2|ST|B||2|||');
  const flag = edit(
    '  - each: OBX\n    rules:\n      - let: { flag: { from: OBX-8, whenEmpty: keep } }\n      - set: { OBX-9: { from: $flag } }',
  );
  expect(flag(message)).toEqual(['PID|1', 'OBX|1|ST|A||1|||H|H', 'OBX|2|ST|B||2|||']);
});

it('keeps segments that HL7 does not have, and every escape, when it edits beside them', () => {
  const lines = ['PID|1||A\\X0D\\B\\.br\\C\\H\\D||Q\\Z01\\', 'ZZZ|a^b~c&d\\E\\|', '', 'OBX|1||||||||||'].filter(
    Boolean,
  );
  expect(edit('  - set: { PID-8: F }')(hl7(MSH, ...lines))).toEqual([`${lines[0]}|||F`, ...lines.slice(1)]);
});

it('inserts a repetition at the end of a field, also of an empty one', () => {
  expect(edit('  - insert: PID-3\n    fields: { PID-3.1: N, PID-3.5: XX }')(hl7(MSH, 'PID|1||A^^^H^MR'))).toEqual([
    'PID|1||A^^^H^MR~N^^^^XX',
  ]);
  expect(edit('  - insert: PID-3\n    fields: { PID-3.1: N, PID-3.5: XX }')(hl7(MSH, 'PID|1'))).toEqual([
    'PID|1||N^^^^XX',
  ]);
});

it('knows after the loop what was named in it last', () => {
  const message = hl7(MSH, 'PID|1', 'OBX|1|ST|W||70', 'OBX|2|ST|B||2');
  const found = edit(
    '  - each: OBX\n    rules:\n      - when: { OBX-3: W }\n        let: { weight: { from: OBX-5 } }\n  - set: { PID-1: { from: $weight } }',
  );
  expect(found(message)[0]).toBe('PID|70');
});

it('gathers over items into what was named before the loop', () => {
  const message = hl7(MSH, 'PID|1', 'OBX|1|ST|W||70', 'OBX|2|ST|B||2');
  const all = edit(
    `  - let: { all: '-' }\n  - each: OBX\n    rules:\n      - let: { all: '\${$all}\${OBX-5}' }\n  - set: { PID-1: { from: $all } }`,
  );
  expect(all(message)[0]).toBe('PID|-702');
});
