import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitBatch } from './batch.ts';
import { joinBatch } from './join-batch.ts';
import { parse } from './message.ts';

const fixture = (name: string) => readFileSync(new URL(`../../test-fixtures/hl7v2/${name}`, import.meta.url));
const split = (...lines: string[]) => splitBatch(Buffer.from(`${lines.join('\r')}\r`));
const ids = (raw: Uint8Array) =>
  splitBatch(raw).batches.map(({ messages }) => messages.map((message) => parse(message).controlId));
const now = Date.UTC(2026, 2, 2);

describe('splitBatch', () => {
  it('reads a file of batches with their headers', () => {
    const { header, batches, trailer, problems } = splitBatch(fixture('batch-file.hl7'));
    expect(header?.get('11')).toBe('FILE77');
    expect(batches.map((batch) => [batch.header?.get('11'), batch.messages.length, batch.trailer?.get('1')])).toEqual([
      ['BATCH1', 2, '2'],
      ['BATCH2', 1, '1'],
    ]);
    expect(trailer?.get('1')).toBe('2');
    expect(problems).toEqual([]);
    expect(ids(fixture('batch-file.hl7'))).toEqual([['ADT00201', 'ADT00202'], ['ADT00203']]);
  });

  it('gives messages as views that leave nothing out', () => {
    const raw = fixture('batch-bare.hl7');
    const { batches } = splitBatch(raw);
    expect(batches).toHaveLength(1);
    expect(Buffer.concat(batches[0]!.messages)).toEqual(raw);
    expect(batches[0]!.messages[0]!.buffer).toBe(raw.buffer);
  });

  it('takes a single message for a batch of one', () => {
    const raw = fixture('adt-a01-lf.hl7');
    expect(splitBatch(raw)).toMatchObject({ header: undefined, problems: [], batches: [{ header: undefined }] });
    expect(splitBatch(raw).batches[0]?.messages.map((message) => Buffer.from(message))).toEqual([raw]);
  });

  it('reports counts that are wrong and a trailer that is missing, and keeps the messages', () => {
    const raw = fixture('batch-wrong-count.hl7');
    expect(splitBatch(raw).problems).toEqual([
      { code: 'message-count', offset: raw.indexOf('BTS'), expected: 3, actual: 2 },
      { code: 'no-trailer', offset: raw.length },
    ]);
    expect(ids(raw)).toEqual([['ADT00201', 'ADT00202']]);
  });

  it.each([
    [['BHS|^~\\&', 'MSH|^~\\&|A', 'BHS|^~\\&', 'BTS|0'], ['no-trailer']],
    [['MSH|^~\\&|A', 'BTS|1'], ['no-header']],
    [['MSH|^~\\&|A', 'FTS|1'], ['no-header']],
    [['FHS|^~\\&', 'FHS|^~\\&', 'FTS'], ['second-header']],
    [['FHS|^~\\&', 'FTS|1'], ['batch-count']],
    [
      ['BHS|^~\\&', 'NTE|1', 'MSH|^~\\&|A', 'BTS|one'],
      ['stray-segment', 'message-count'],
    ],
    [['BHS#*!?@', 'MSH|^~\\&|A', 'BTS#1'], []],
    [['FHS|^~\\&', 'MSH|^~\\&|A', 'FTS|1'], []],
  ])('reports of %j: %j', (lines, codes) => {
    expect(split(...lines).problems.map(({ code }) => code)).toEqual(codes);
  });

  it('does not end a message at a segment that only begins like an envelope', () => {
    expect(split('MSH|^~\\&|A', 'BTSX|1', 'MSHA|1').batches[0]?.messages).toHaveLength(1);
  });

  it.each(['', 'PID|1', 'BTS|1', 'garbage'])('refuses %j', (raw) => {
    expect(() => splitBatch(Buffer.from(raw))).toThrow(expect.objectContaining({ code: 'hl7v2.no-header' }));
  });
});

describe('joinBatch', () => {
  it('writes an envelope with the right count', () => {
    const joined = joinBatch([Buffer.from('MSH|^~\\&|A\r'), Buffer.from('MSH|^~\\&|B')], {
      now,
      controlId: 'B1',
      header: { 3: 'EHR' },
      fileHeader: {},
    });
    expect(joined.toString().split('\r')).toEqual([
      'FHS|^~\\&|||||20260302000000+0000||||B1',
      'BHS|^~\\&|EHR||||20260302000000+0000||||B1',
      'MSH|^~\\&|A',
      'MSH|^~\\&|B',
      'BTS|2',
      'FTS|1',
      '',
    ]);
  });

  it('refuses what is no message', () => {
    expect(() => joinBatch([Buffer.from('PID|1')], { now, controlId: '1' })).toThrow(
      expect.objectContaining({ code: 'hl7v2.no-header' }),
    );
  });

  it('is undone by splitting, without a problem', () => {
    const names = fc.array(
      fc.constantFrom(
        'adt-a01.hl7',
        'adt-a01-lf.hl7',
        'adt-a01-crlf.hl7',
        'adt-a04-8859-1.hl7',
        'adt-a08-delimiters.hl7',
      ),
    );
    fc.assert(
      fc.property(names, fc.boolean(), (files, inFile) => {
        const messages = files.map(fixture);
        const file = splitBatch(joinBatch(messages, { now, controlId: '1', ...(inFile && { fileHeader: {} }) }));
        expect(file.problems).toEqual([]);
        expect(file.batches.flatMap((batch) => batch.messages).map((message) => Buffer.from(message))).toEqual(
          messages,
        );
      }),
    );
  });
});
