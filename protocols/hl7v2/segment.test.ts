import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from './message.ts';

const open = (name: string) => parse(readFileSync(new URL(`../../test-fixtures/hl7v2/${name}`, import.meta.url)));

describe('segments', () => {
  it('come in order, all or by name, Z segments too', () => {
    const message = open('adt-a08-z.hl7');
    expect(message.segments().map(({ name }) => name)).toEqual(['MSH', 'EVN', 'PID', 'ZPI', 'PV1', 'ZZ1']);
    expect(message.segments('ZZ1').map(({ index, text, fieldCount }) => [index, text, fieldCount])).toEqual([
      [5, 'ZZ1', 0],
    ]);
    expect(message.segments('OBX')).toEqual([]);
  });

  it('read their own places only', () => {
    const [first, second] = open('oru-r01-critical.hl7').segments('OBX');
    expect([first?.get('3.1'), second?.get('3.1')]).toEqual(['2823-3', '2951-2']);
    expect(first?.get('99')).toBeUndefined();
    expect(first?.all('3.2')).toEqual(['Potassium']);
  });

  it('select among repetitions', () => {
    const [pid] = open('adt-a01.hl7').segments('PID');
    expect(pid?.get('3[5=SS].1')).toBe('755-01-9001');
    expect(pid?.get('3[2].1')).toBe('755-01-9001');
    expect(pid?.all('3.1')).toEqual(['4711001', '755-01-9001']);
  });

  it('that are no segments can be read as lines, and match no path', () => {
    const message = parse(Buffer.from('MSH|^~\\&|A\rPIDX|1|2\rhi'));
    expect(message.segments().map(({ name }) => name)).toEqual(['MSH', 'PIDX', 'hi']);
    expect(message.segments()[1]?.get('2')).toBe('2');
    expect(message.segments()[2]?.get('1')).toBeUndefined();
    expect(message.has('PID')).toBe(false);
  });

  it('may be indented', () => {
    const message = parse(Buffer.from('  MSH|^~\\&|A\n\t PID|1\n   \n  ZPI|2'));
    expect(message.segments().map(({ name }) => name)).toEqual(['MSH', 'PID', 'ZPI']);
    expect(message.get('PID-1')).toBe('1');
  });
});

describe('a field', () => {
  it('opens into repetitions, components and subcomponents', () => {
    const [segment] = parse(Buffer.from('MSH|^~\\&|A\rZAB|a&b^c~d\\T\\^""')).segments('ZAB');
    const tree = segment
      ?.field(1)
      .repetitions.map(({ components }) =>
        components.map(({ subcomponents }) => subcomponents.map(({ value }) => value)),
      );
    expect(tree).toEqual([
      [['a', 'b'], ['c']],
      [['d&'], [null]],
    ]);
    expect(segment?.field(1).text).toBe('a&b^c~d\\T\\^""');
    expect(segment?.field(1).repetitions[1]?.components[0]?.text).toBe('d\\T\\');
  });

  it('answers for its first repetition and component where no other is asked for', () => {
    const [pid] = open('adt-a01.hl7').segments('PID');
    expect(pid?.field(3).components.map(({ value }) => value)).toEqual(['4711001', undefined, undefined, 'HOSP', 'MR']);
    expect(pid?.field(5).subcomponents.map(({ value }) => value)).toEqual(['Berger']);
  });

  it('beyond the end is empty', () => {
    const [pid] = open('adt-a01.hl7').segments('PID');
    expect(pid?.field(40)).toMatchObject({ text: '', value: undefined });
    expect(pid?.field(40).repetitions).toHaveLength(1);
    expect(pid?.field(0).text).toBe('');
  });

  it('MSH-1 and MSH-2 are one value each', () => {
    const [msh] = open('adt-a08-truncation.hl7').segments('MSH');
    expect(msh?.field(1).value).toBe('|');
    expect(msh?.field(2).components.map(({ value }) => value)).toEqual(['^~\\&#']);
    expect(msh?.field(3).value).toBe('EHR');
    expect(msh?.fieldCount).toBe(12);
    expect(msh?.get('2')).toBe('^~\\&#');
  });
});
