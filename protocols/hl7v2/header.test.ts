import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHeader } from './header.ts';

const fixture = (name: string) => readFileSync(new URL(`../../test-fixtures/hl7v2/${name}`, import.meta.url));

describe('readHeader', () => {
  it('reads what a reply needs', () => {
    expect(pick(fixture('adt-a01.hl7'))).toEqual({
      sendingApplication: 'EHR',
      sendingFacility: 'HOSP',
      receivingApplication: 'WEIR',
      receivingFacility: 'HOSP',
      code: 'ADT',
      event: 'A01',
      controlId: 'ADT00001',
      processingId: 'P',
      version: '2.5.1',
      acceptAckType: 'AL',
      applicationAckType: 'NE',
    });
  });

  it('reads by the declared delimiters, over blank lines, and to any segment end', () => {
    expect(pick(fixture('adt-a08-delimiters.hl7'))).toMatchObject({ code: 'ADT', event: 'A08', controlId: 'ADT00108' });
    expect(pick(fixture('adt-a01-mixed.hl7'))).toMatchObject({ controlId: 'ADT00001', acceptAckType: 'AL' });
    expect(readHeader(Buffer.from('MSH|^~\\&|A|B|C|D|||ACK|7\nMSA|'))?.controlId).toBe('7');
  });

  it('gives empty strings for what is not there', () => {
    expect(new Set(Object.values(pick(Buffer.from('MSH|^~\\&'))))).toEqual(new Set(['']));
    expect(readHeader(Buffer.from('MSH|^~\\&|""'))?.sendingApplication).toBe('');
  });

  it('decodes and unescapes values, and gives fields as their bytes too', () => {
    const header = readHeader(Buffer.from('MSH|^~\\&|B\\T\\W|Köln|||||ADT^A01|\xff', 'utf8'))!;
    expect([header.sendingApplication, header.sendingFacility]).toEqual(['B&W', 'Köln']);
    expect(Buffer.from(header.bytesOf(4), 'latin1').toString('utf8')).toBe('Köln');
    const latin = readHeader(Buffer.from(`MSH|^~\\&|A|Köln${'|'.repeat(14)}8859/1`, 'latin1'))!;
    expect([latin.sendingFacility, latin.charset.name]).toEqual(['Köln', 'iso-8859-1']);
  });

  it.each(['', 'MS', 'MSH', 'MSH|', 'MSH|^~', 'PID|1', 'MSH||A', 'MSHAAAAA|'])('answers undefined for %j', (raw) => {
    expect(readHeader(Buffer.from(raw))).toBeUndefined();
  });

  it('never throws', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.uint8Array().map((rest) => Buffer.concat([Buffer.from('MSH|^~\\&|'), rest])),
    );
    fc.assert(
      fc.property(bytes, (raw) => {
        const header = readHeader(raw);
        if (header) pick(raw);
      }),
      { numRuns: 1_000 },
    );
  });
});

function pick(raw: Uint8Array) {
  const header = readHeader(raw);
  if (!header) throw new Error('no header');
  const { sendingApplication, sendingFacility, receivingApplication, receivingFacility } = header;
  const { code, event, controlId, processingId, version, acceptAckType, applicationAckType } = header;
  return {
    ...{ sendingApplication, sendingFacility, receivingApplication, receivingFacility },
    ...{ code, event, controlId, processingId, version, acceptAckType, applicationAckType },
  };
}
