import { expect, it } from 'vitest';
import { edit, hl7, hl7ToHl7, MSH, problemsIn } from './testing/maps.ts';

it('deletes where the path of a template does', () => {
  const message = hl7(MSH, 'PID|1||||""^""', 'PV1|1|I');
  expect(edit(`  - set: { PV1-3: '\${PID-5.1}' }`)(message)[1]).toBe('PV1|1|I|""');
});

it('writes the others where one of the paths of a template deletes', () => {
  const message = hl7(MSH, 'PID|1||||""^Anna', 'PV1|1|I');
  expect(edit(`  - set: { PV1-3: '\${PID-5.1}\${PID-5.2}' }`)(message)[1]).toBe('PV1|1|I|Anna');
});

it('takes "" through functions as what it is', () => {
  const message = hl7(MSH, 'PID|1||||||""', 'PV1|1|I');
  expect(edit('  - set: { PV1-44: { from: PID-7, date: iso } }')(message)[1]).toBe(`PV1|1|I${'|'.repeat(42)}""`);
  expect(edit('  - set: { PV1-3: { from: PID-7, do: [upper] } }')(message)[1]).toBe('PV1|1|I|""');
  expect(edit('  - set: { PV1-3: { from: PID-7, default: X } }')(message)[1]).toBe('PV1|1|I|""');
});

it('names a hole that is not closed', () => {
  expect(problemsIn(hl7ToHl7(`  - set: { PID-1: '\${PID-5.1, \${PID-5.2}' }`))).toEqual([
    `5:19 path-invalid rules.0.set.PID-1: a "\${" has no "}" after it; $\${ stands for the characters themselves`,
  ]);
  expect(problemsIn(hl7ToHl7(`  - set: { PID-1: '\${PID-5.1' }`))[0]).toContain('has no "}" after it');
  expect(problemsIn(hl7ToHl7(`  - set: { PID-1: 'a \${} b' }`))[0]).toContain('reading an HL7 path');
  expect(problemsIn(hl7ToHl7(`  - set: { PID-1: 'a $\${b' }`))).toEqual([]);
});
