import { expect, it } from 'vitest';
import { checkProfile, isSiteProfile } from './check-profile.ts';
import { schemaOf } from './schema.ts';

const schema = schemaOf('2.5.1');

it('lets a right profile through', () => {
  const profile = {
    segments: {
      ZPI: {
        title: 'Flags',
        fields: { 1: { type: 'CWE', required: true, max: 0, length: 9, table: '0001', name: 'x' } },
      },
      PID: {},
    },
    tables: { '0001': ['F', 'M'] },
    required: { ADT_A01: ['ZPI', 'PV1'], '*': ['PID', 'ZZZ'] },
    ignore: [{ code: 'too-long' }, { path: 'PID-8' }],
  };
  expect(checkProfile(profile, schema)).toEqual([]);
  expect(isSiteProfile(profile, schema)).toBe(true);
  expect(checkProfile({}, schema)).toEqual([]);
});

it.each([
  [[], '', 'a profile is a map'],
  [null, '', 'a profile is a map'],
  [{ segment: {} }, 'segment', 'not known here; did you mean segments?'],
  [{ segments: [] }, 'segments', 'a map is expected'],
  [{ segments: { PDI: {} } }, 'segments.PDI', 'HL7 2.5.1 has no segment PDI; did you mean PID?'],
  [{ segments: { zp: {} } }, 'segments.zp', 'a segment has a name of three capitals or digits'],
  [{ segments: { ZPI: { fields: { 0: {} } } } }, 'segments.ZPI.fields.0', 'a field has a number from 1 to 999'],
  [
    { segments: { ZPI: { fields: { 1: { type: 'CWX' } } } } },
    'segments.ZPI.fields.1.type',
    'HL7 2.5.1 has no data type CWX; did you mean CWE or CX?',
  ],
  [
    { segments: { ZPI: { fields: { 1: { max: -1 } } } } },
    'segments.ZPI.fields.1.max',
    'a whole number from 0 is expected',
  ],
  [
    { segments: { ZPI: { fields: { 1: { required: 'yes' } } } } },
    'segments.ZPI.fields.1.required',
    'true or false is expected',
  ],
  [{ segments: { ZPI: { title: 5 } } }, 'segments.ZPI.title', 'a text is expected'],
  [{ segments: { ZPI: 5 } }, 'segments.ZPI', 'a map is expected'],
  [{ tables: { sex: ['F'] } }, 'tables.sex', 'a table has a number of four digits'],
  [{ tables: { '0001': [] } }, 'tables.0001', 'a table without codes would allow nothing'],
  [{ tables: { '0001': [1] } }, 'tables.0001', 'a list of codes is expected'],
  [
    { required: { ADT_A10: ['PID'] } },
    'required.ADT_A10',
    'HL7 2.5.1 has no message structure ADT_A10; did you mean ADT_A01?',
  ],
  [{ required: { '*': ['PDI'] } }, 'required.*', 'no segment PDI is known; did you mean PID?'],
  [{ required: { '*': 'PID' } }, 'required.*', 'a list of segments is expected'],
  [{ ignore: {} }, 'ignore', 'a list is expected'],
  [{ ignore: [{}] }, 'ignore.0', 'a code, a path or both are expected: nothing is ignored as a whole'],
  [{ ignore: [{ code: 'to-long' }] }, 'ignore.0.code', 'no such issue; did you mean too-long?'],
  [{ ignore: [{ path: 'PID-3[5=MR]' }] }, 'ignore.0.path', 'a path without selectors is expected, as PID-8'],
])('finds what is wrong in %j', (profile, at, message) => {
  expect(checkProfile(profile, schema)).toEqual([{ at, message }]);
  expect(isSiteProfile(profile, schema)).toBe(false);
});
