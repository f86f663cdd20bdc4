import { describe, expect, it } from 'vitest';
import { compilePath } from '../path.ts';
import { checkPath, describePath } from './check-path.ts';
import { schemaOf } from './schema.ts';

const schema = schemaOf('2.5.1');
const structure = schema.structure('ADT_A01')!;

describe('a path that names something', () => {
  it.each([
    ['PID', 'PID Patient Identification'],
    ['PID-5', 'PID-5 Patient Name'],
    ['PID-5.1', 'PID-5.1 Patient Name, Family Name'],
    ['PID-5[2].1.1', 'PID-5.1.1 Patient Name, Family Name, Surname'],
    ['PID-3[5=MR].4.2', 'PID-3.4.2 Patient Identifier List, Assigning Authority, Universal ID'],
    ['PID-8.1', 'PID-8.1 Administrative Sex'],
    ['OBX[3.1=718-7][11=F]-5', 'OBX-5 Observation Value'],
    ['OBX-5.3', 'OBX-5.3 Observation Value'],
    ['ZPI-3.1', 'ZPI'],
  ])('%s is called %s', (path, title) => {
    expect(describePath(schema, path)).toBe(title);
  });

  it('tells its type and table, and whether it repeats', () => {
    expect(checkPath(schema, compilePath('PID-3.5'))).toEqual({
      ok: true,
      title: 'PID-3.5 Patient Identifier List, Identifier Type Code',
      names: ['Patient Identification', 'Patient Identifier List', 'Identifier Type Code'],
      type: 'ID',
      table: '0203',
      repeats: true,
      withdrawn: false,
    });
    expect(checkPath(schema, 'PID-19')).toMatchObject({ withdrawn: false, repeats: false, type: 'ST' });
    expect(checkPath(schemaOf('2.8'), 'PID-19')).toMatchObject({ withdrawn: true });
    expect(checkPath(schema, 'OBX-5.1')).not.toHaveProperty('type');
  });

  it('may lie in a segment that a profile describes', () => {
    const profile = { segments: { ZPI: { title: 'Flags', fields: { 2: { name: 'Flag', type: 'CWE', max: 0 } } } } };
    expect(describePath(schema, 'ZPI-2.1', { profile, structure })).toBe('ZPI-2.1 Flag, Identifier');
    expect(checkPath(schema, 'ZPI-3', { profile })).toEqual({
      ok: false,
      message: 'ZPI has 2 fields in HL7 2.5.1',
      suggestions: [],
    });
  });
});

describe('a path that names nothing', () => {
  it.each([
    ['PDI-5.1', 'HL7 2.5.1 has no segment PDI', ['PID-5.1']],
    ['PID-40', 'PID has 39 fields in HL7 2.5.1; PID-40 came with HL7 2.7', []],
    ['PID-99', 'PID has 39 fields in HL7 2.5.1', []],
    ['PID-8.2', 'PID-8 is IS in HL7 2.5.1, which has no component 2', ['PID-8']],
    ['PID-3.11', 'PID-3 is CX in HL7 2.5.1, which has 10 components', []],
    ['PID-3.4.4', 'PID-3.4 is HD in HL7 2.5.1, which has 3 components', []],
    ['PID-3[11=MR].1', 'PID-3 is CX in HL7 2.5.1, which has 10 components', []],
    ['OBX[88=HH]-5', 'OBX has 25 fields in HL7 2.5.1', []],
    ['pid-5', 'reading an HL7 path: expected a segment name of three capitals or digits at position 0', []],
  ])('%s: %s', (path, message, suggestions) => {
    const checked = checkPath(schema, path);
    expect(checked).toMatchObject({ ok: false, message });
    expect(!checked.ok && checked.suggestions).toEqual(suggestions);
  });

  it('lies in a segment that the structure does not have', () => {
    expect(checkPath(schema, 'PV3-2', { structure })).toMatchObject({ ok: false, suggestions: ['PV1-2', 'PV2-2'] });
    expect(checkPath(schema, 'OBR-4', { structure })).toMatchObject({
      ok: false,
      message: 'ADT_A01 has no OBR in HL7 2.5.1',
    });
    expect(checkPath(schema, 'BHS-3', { structure }).ok).toBe(true);
    expect(checkPath(schema, 'ZPI-3', { structure }).ok).toBe(true);
  });
});
