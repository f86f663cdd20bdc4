import { describe, expect, it } from 'vitest';
import type { Document } from '../../core/document.ts';
import type { Message } from '../../core/message.ts';
import { isMany, type TransformSpec } from '../../core/transform.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { delimitedFormat, delimitedOptions } from '../delimited.ts';
import { splitDocuments } from './hl7-documents.ts';
import { splitHl7 } from './hl7-split.ts';
import { splitRecords } from './record-split.ts';

function outputsOf<I, O>(split: TransformSpec<I, O>, payload: I): readonly O[] {
  const result = split.create()(payload, {} as Message<I>);
  if (!isMany(result)) throw new Error('nothing was split');
  return result.outputs as readonly O[];
}

const names = (message: Hl7Message) =>
  message
    .segments()
    .map(({ name, text }) => `${name}${text.split('|')[1] ?? ''}`)
    .join(' ');
const msh = (type: string) => `MSH|^~\\&|LAB|HOSP|WEIR|HOSP|20260302081500||${type}|C1|P|2.5.1\r`;
const line = (name: string, n: number | string = '') => `${name}|${n}\r`;

describe('splitting an HL7 message', () => {
  const results =
    msh('ORU^R01^ORU_R01') +
    [
      line('PID', 1) + line('NTE', 1) + line('PV1', 1),
      line('ORC', 'a') + line('OBR', 1) + line('OBX', 1) + line('NTE', 9) + line('OBX', 2),
      line('ORC', 'b') + line('OBR', 2) + line('OBX', 3),
      line('PID', 2) + line('ORC', 'c') + line('OBR', 3) + line('OBX', 4),
      line('ZPI', 7),
    ].join('');

  it.for([
    'OBR',
    'ORDER_OBSERVATION',
    'PATIENT_RESULT/ORDER_OBSERVATION',
  ])('at %s gives each order what belongs to it, and to each its own patient', (unit) => {
    expect(outputsOf(splitHl7(unit), parse(Buffer.from(results))).map(names)).toEqual([
      'MSH^~\\& PID1 NTE1 PV11 ORCa OBR1 OBX1 NTE9 OBX2',
      'MSH^~\\& PID1 NTE1 PV11 ORCb OBR2 OBX3',
      'MSH^~\\& PID2 ORCc OBR3 OBX4 ZPI7',
    ]);
  });

  it('at a group splits by patient', () => {
    expect(outputsOf(splitHl7('PATIENT_RESULT'), parse(Buffer.from(results))).map(names)).toEqual([
      'MSH^~\\& PID1 NTE1 PV11 ORCa OBR1 OBX1 NTE9 OBX2 ORCb OBR2 OBX3',
      'MSH^~\\& PID2 ORCc OBR3 OBX4 ZPI7',
    ]);
  });

  it('at a segment that repeats by itself keeps what stands before the first', () => {
    const adt =
      msh('ADT^A01^ADT_A01') +
      line('EVN') +
      line('PID', 1) +
      line('PV1', 1) +
      line('DG1', 1) +
      line('DG1', 2) +
      line('PR1', 1);
    expect(outputsOf(splitHl7('DG1'), parse(Buffer.from(adt))).map(names)).toEqual([
      'MSH^~\\& EVN PID1 PV11 DG11',
      'MSH^~\\& EVN PID1 PV11 DG12 PR11',
    ]);
  });

  it('of no known structure goes by the order, where a new patient begins a new one', () => {
    const odd =
      msh('ZZZ^Z01') +
      line('PID', 1) +
      line('OBR', 1) +
      line('OBX', 1) +
      line('PID', 2) +
      line('PV1', 2) +
      line('OBR', 2);
    expect(outputsOf(splitHl7('OBR'), parse(Buffer.from(odd))).map(names)).toEqual([
      'MSH^~\\& PID1 OBR1 OBX1',
      'MSH^~\\& PID2 PV12 OBR2',
    ]);
  });

  it('leaves bytes as they are and ends every segment with CR', () => {
    const raw = Buffer.from(`${msh('ORU^R01^ORU_R01')}PID|1||7||Müller\nOBR|1\r\nOBX|1|ST|||a\\F\\b`, 'latin1');
    const [only] = outputsOf(splitHl7('OBR'), parse(raw, { charset: '8859/1' }));
    expect(Buffer.from(only!.raw).toString('latin1')).toBe(
      `${msh('ORU^R01^ORU_R01')}PID|1||7||Müller\rOBR|1\rOBX|1|ST|||a\\F\\b\r`,
    );
    expect(only!.get('PID-5')).toBe('Müller');
  });

  it('gives nothing of a message without it', () => {
    expect(outputsOf(splitHl7('OBR'), parse(Buffer.from(msh('ADT^A01^ADT_A01') + line('PID', 1))))).toEqual([]);
  });

  it('names no segment or group that HL7 does not have', () => {
    expect(() => splitHl7('OBQ')).toThrow(/has no segment OBQ – did you mean/);
    expect(() => splitHl7('OBR-4')).toThrow('a segment or a group is split off, not a field');
    expect(() => splitHl7('ORDER_OBSERVASION')).toThrow('no version of HL7 has a group ORDER_OBSERVASION');
  });
});

describe('splitting off documents', () => {
  const pdf = Buffer.from('%PDF-1.4 a report');
  const ed = (subtype: string, encoding: string, data: string) => `^Application^${subtype}^${encoding}^${data}`;
  const message = (...values: readonly string[]) =>
    parse(
      Buffer.from(
        `${msh('ORU^R01^ORU_R01')}PID|1\rOBR|1\r${values.map((each, n) => `OBX|${n + 1}|${each}\r`).join('')}`,
      ),
    );

  it('gives the bytes of each, with a name and a type', () => {
    const found = outputsOf(
      splitDocuments('OBX-5'),
      message(
        'ST|TXT||no document',
        `ED|REPORT^Report||${ed('PDF', 'Base64', pdf.toString('base64'))}`,
        `ED|11502-2||${ed('', 'Hex', pdf.toString('hex'))}`,
      ),
    );
    expect(
      found.map(({ name, contentType, bytes }: Document) => [name, contentType, Buffer.from(bytes).toString()]),
    ).toEqual([
      ['REPORT-2.pdf', 'application/pdf', '%PDF-1.4 a report'],
      ['11502-2-3.pdf', 'application/pdf', '%PDF-1.4 a report'],
    ]);
  });

  it('takes only those that the path selects', () => {
    const all = message(`ED|A||${ed('PDF', 'Base64', 'QQ==')}`, `ED|B||${ed('PDF', 'Base64', 'Qg==')}`);
    expect(outputsOf(splitDocuments('OBX[3.1=B]-5'), all).map(({ name }) => name)).toEqual(['B-2.pdf']);
  });

  it('says where one cannot be decoded, and nothing of what it holds', () => {
    expect(() => outputsOf(splitDocuments('OBX-5'), message(`ED|A||${ed('PDF', 'Base64', 'Berger!')}`))).toThrow(
      /^decoding the document in OBX\[1\]-5\[1\]: it is not Base64$/,
    );
    expect(() => outputsOf(splitDocuments('OBX-5'), message(`ED|A||${ed('PDF', 'UUX', 'Berger')}`))).toThrow(
      /its encoding is not known$/,
    );
    expect(() => splitDocuments('OBX-5.5')).toThrow(/the field that holds documents is needed/);
  });
});

describe('splitting a file of records', () => {
  it('gives a file for each, with the header that the format has', () => {
    const format = delimitedFormat('staff.v1', delimitedOptions.parse({ columns: ['id', 'name'], newline: 'lf' }));
    const files = outputsOf(splitRecords(format, 'row'), format.decode(Buffer.from('id,name\n1,a\n2,b\n'), {}));
    expect(files.map((each) => Buffer.from(format.encode(each)).toString())).toEqual([
      'id,name\n1,a\n',
      'id,name\n2,b\n',
    ]);
    expect(() => splitRecords(format, 'rwo')).toThrow('staff.v1 has no records rwo – did you mean row?; it has row');
  });
});
