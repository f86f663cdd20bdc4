import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitBatch } from '../../protocols/hl7v2/batch.ts';
import { hl7Batch } from './hl7-batch.ts';
import { jsonArray } from './json-array.ts';
import { lines } from './lines.ts';

const collection = { sequence: 7, at: Date.UTC(2026, 0, 2, 3, 4, 5), channel: 'dft', destination: 'billing' };
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const message = (id: string) => Buffer.from(`MSH|^~\\&|HIS|WARD|||202601020304||DFT^P03|${id}|P|2.5.1\rPID|1||${id}\r`);

describe('the envelopes of collections', () => {
  it('hl7-batch: is what a batch reader takes without a complaint, message for message, with right counts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.boolean(), (count, file) => {
        const parts = Array.from({ length: count }, (_, n) => message(`M${n}`));
        const written = hl7Batch({ file, sendingApplication: 'HIS', name: 'A&B' }).wrap(parts, collection);
        const read = splitBatch(written);
        expect(read.problems).toEqual([]);
        expect(read.batches[0]?.messages.map(text)).toEqual(parts.map(text));
        expect(read.batches[0]?.trailer?.get('1')).toBe(String(count));
        expect(read.batches[0]?.header?.get('11')).toBe('7');
        expect(read.trailer?.get('1')).toBe(file ? '1' : undefined);
      }),
    );
  });

  it('lines: joins rows under one row of names, and counts in the footer', () => {
    const rows = ['mrn;name\r\n1;Ada\r\n', 'mrn;name\r\n2;Bo', 'mrn;name\r\n'].map((each) => Buffer.from(each));
    const written = lines({ skipLines: 1, footer: 'TRL|{count}|{sequence}|{date}', ending: 'crlf' }).wrap(
      rows,
      collection,
    );
    expect(text(written)).toBe('mrn;name\r\n1;Ada\r\n2;Bo\r\nTRL|3|7|20260102\r\n');
  });

  it('lines: leaves a word that it does not know as it stands, and skips no more lines than there are', () => {
    const parts = [Buffer.from('a'), Buffer.from('b')];
    expect(text(lines({ header: '{who}', skipLines: 3 }).wrap(parts, collection))).toBe('{who}\na\n');
  });

  it('json-array: is JSON of the same values', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (values) => {
        const parts = values.map((value) => Buffer.from(JSON.stringify(value)));
        expect(JSON.parse(text(jsonArray({}).wrap(parts, collection)))).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });
});
