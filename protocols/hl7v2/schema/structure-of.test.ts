import { expect, it } from 'vitest';
import { parse } from '../message.ts';
import { structureOf } from './structure-of.ts';

const nameOf = (type: string, version: string, ...segments: string[]) =>
  structureOf(parse(Buffer.from([`MSH|^~\\&|||||||${type}|1|P|${version}`, ...segments].join('\r'))))?.name;

it.each([
  ['ADT^A01^ADT_A01', '2.5.1', 'ADT_A01'],
  ['ADT^A04', '2.5.1', 'ADT_A01'],
  ['ADT^A08^ADT_A08', '2.5.1', 'ADT_A01'],
  ['ADT^A40', '2.5', 'ADT_A39'],
  ['ORU^R01', '2.1', 'ORU_R01'],
  ['ACK', '2.3', 'ACK'],
  ['ACK^A01^ACK', '2.5.1', 'ACK'],
  ['ACK^A01', '', 'ACK'],
  ['ADT^X99', '2.5.1', undefined],
  ['', '2.5.1', undefined],
  ['ZZZ^Z01^ZZZ_Z01', '2.5.1', undefined],
])('a message %s of version %j has the structure %s', (type, version, expected) => {
  expect(nameOf(type, version)).toBe(expected);
});

it('takes the event from EVN-1 where MSH-9 has none', () => {
  expect(nameOf('ADT', '2.2', 'EVN|A03|20260302')).toBe('ADT_A03');
  expect(nameOf('ADT', '2.2')).toBeUndefined();
});
