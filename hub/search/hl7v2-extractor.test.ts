import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { controlIdOf } from '../../connectors/mllp/prepared.ts';
import { build } from '../../protocols/hl7v2/build.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { hl7v2Extractor } from './hl7v2-extractor.ts';

const extractor = hl7v2Extractor({ paths: ['OBR-18', 'PV1-3.1'] });
const fixture = (name: string) => readFile(new URL(`../../test-fixtures/hl7v2/${name}`, import.meta.url));
const effectId = '0198c0de-0000-7000-8000-000000000000/lab/0';
const part = { destination: 'lab', n: 0, effectId };

describe('the identifiers of an HL7 message', () => {
  it('are patient, visit, control id and the configured ones of an admission', async () => {
    const found = extractor.received({ raw: await fixture('adt-a01.hl7'), meta: {} });
    expect(new Set(found)).toEqual(
      new Set([
        '4711001',
        '4711001^^^HOSP',
        '755-01-9001',
        '755-01-9001^^^SSA',
        'V70001',
        'V70001^^^HOSP',
        'ADT00001',
        '3W',
      ]),
    );
  });

  it('are both patients of a merge', async () => {
    const raw = await fixture('adt-a40.hl7');
    const found = extractor.received({ raw, meta: {} });
    const [survivor = '', retired = ''] = [parse(raw).get('PID-3.1') ?? '', parse(raw).get('MRG-1.1') ?? ''];
    expect(survivor).not.toBe(retired);
    expect(found).toEqual(expect.arrayContaining([survivor, retired]));
  });

  it('are those of meta and of the key where there is nothing else, or what there is cannot be read', () => {
    const meta = { 'hl7.controlId': 'C-1' };
    expect(extractor.received({ meta })).toEqual(['C-1']);
    expect(extractor.received({ meta, raw: Buffer.from('{"json": true}'), key: '4711^HOSP&1.2.3&ISO' })).toEqual([
      'C-1',
      '4711',
      '4711^^^HOSP',
    ]);
    expect(extractor.received({ meta: {}, raw: Buffer.from('MSH|') })).toEqual([]);
  });

  it('are the control ids of what was sent: of its bytes, of the answer, and of the effect', () => {
    const { raw } = build({ type: ['ADT', 'A01', 'ADT_A01'], controlId: 'OUT-1', now: 0, segments: [] });
    const reply = Buffer.from('MSH|^~\\&|A|B|C|D|20260302||ACK|7|P|2.5.1\rMSA|AA|OUT-2\r');
    expect(extractor.sent({ ...part, bytes: raw, reply })).toEqual([controlIdOf(effectId), 'OUT-1', 'OUT-2']);
    expect(extractor.sent(part)).toEqual([controlIdOf(effectId)]);
    expect(extractor.sent({ ...part, bytes: Buffer.from('{}') })).toEqual([]);
  });

  it('refuse a path that HL7 does not have', () => {
    expect(() => hl7v2Extractor({ paths: ['PID-99'] })).toThrow(/PID-99/);
    expect(() => hl7v2Extractor({ paths: ['OBR'] })).toThrow('configuring search.paths: OBR: it names no field');
  });

  it('are found whatever the message', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9 ./^~&|\\äß-]{1,20}$/).filter((text) => text.trim() !== '');
    const cx = fc.tuple(id, fc.option(fc.stringMatching(/^[A-Z]{1,6}$/), { nil: '' }));
    const message = fc.record({
      patients: fc.array(cx, { minLength: 1, maxLength: 4 }),
      orders: fc.array(fc.tuple(id, id), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(message, ({ patients, orders }) => {
        const { raw } = build({
          ...{ type: ['ORM', 'O01', 'ORM_O01'], controlId: 'C-1', now: 0 },
          segments: [
            {
              name: 'PID',
              fields: { 3: { repetitions: patients.map(([value, authority]) => [value, '', '', authority]) } },
            },
            ...orders.map(([placer, filler]) => ({ name: 'ORC', fields: { 2: [placer], 3: [filler] } })),
          ],
        });
        const found = extractor.received({ raw, meta: {} });
        for (const [value, authority] of patients) {
          expect(found).toContain(value);
          if (authority !== '') expect(found).toContain(`${value}^^^${authority}`);
        }
        for (const order of orders) expect(found).toEqual(expect.arrayContaining(order));
      }),
    );
  });
});

describe('the places of an HL7 message', () => {
  it('are every value with where it stands, decoded and in lower case', async () => {
    const found = extractor.places({ raw: await fixture('adt-a01.hl7'), meta: {} });
    expect(found).toEqual(
      expect.arrayContaining([
        'MSH-10.1=adt00001',
        'MSH-9.2=a01',
        'PID-3.1=4711001',
        'PID-3.1=755-01-9001',
        'PID-5.1=berger',
      ]),
    );
    const raw = Buffer.from('MSH|^~\\&|A\rPID|||1^^^H&1.2.3&ISO~2||O\\T\\Neill\\S\\X^""\r');
    expect(extractor.places({ raw, meta: {} })).toEqual([
      'MSH-3.1=a',
      'PID-3.1=1',
      'PID-3.4=h',
      'PID-3.4.2=1.2.3',
      'PID-3.4.3=iso',
      'PID-3.1=2',
      'PID-5.1=o&neill^x',
      // As `O&Neill^X` is asked for at PID-5, and at PID-5.1.
      'PID-5.1=o',
      'PID-5.1.2=neill',
      'PID-5.2=x',
      'PID-5.1.2=neill^x',
    ]);
    expect(extractor.places({ meta: {} })).toEqual([]);
  });

  it('are no path that HL7 does not have, and only some of them identifiers', () => {
    expect(() => extractor.at('PID-99', 'x')).toThrow(expect.objectContaining({ code: 'not-allowed' }));
    expect(() => extractor.at('PID', 'x')).toThrow('finding by path: it names no field');
    // In the message it may be `O\\T\\Neill`.
    expect(extractor.at('PID-5.1', 'O&Neill').text).toBe('Neill');
    const identifiers = ['PID-3', 'PID-3.1', 'PID-3[5=MR].1', 'MSH-10', 'PV1-3.1', 'OBR-18'];
    for (const path of identifiers) expect([path, extractor.at(path, 'x').isIdentifier]).toEqual([path, true]);
    for (const path of ['PID-5.1', 'PID-3.4'])
      expect([path, extractor.at(path, 'x').isIdentifier]).toEqual([path, false]);
  });

  it('have all that is asked for, of every message that has the value there', () => {
    const text = fc.stringMatching(/^[A-Za-z0-9 .^&~|\\äß"-]{1,12}$/);
    const component = fc.array(text, { minLength: 1, maxLength: 3 });
    const field = fc.array(fc.array(component, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('3', '5', '8', '11'), field, { minKeys: 1 }), (given) => {
        const fields = Object.fromEntries(Object.entries(given).map(([n, repetitions]) => [n, { repetitions }]));
        const { raw } = build({
          ...{ type: ['ADT', 'A01', 'ADT_A01'], controlId: 'C-1', now: 0 },
          segments: [{ name: 'PID', fields }],
        });
        const message = parse(raw);
        const places = new Set(extractor.places({ raw, meta: {} }));
        for (const n of Object.keys(given)) {
          const paths = [`PID-${n}`, `PID-${n}.1`, `PID-${n}.2`, ...(n === '3' ? ['PID-3.4.1', 'PID-3.4.2'] : [])];
          for (const path of paths) {
            for (const value of message.all(path)) {
              const question = extractor.at(path, value);
              if (value.trim() !== '')
                expect([path, value, question.has({ raw, meta: {} })]).toEqual([path, value, true]);
              expect([...places]).toEqual(expect.arrayContaining([...question.places]));
            }
          }
        }
      }),
    );
  });
});

describe('the facts of a message', () => {
  it('are its control id, what a destination answered, and where that found the mistake', async () => {
    expect(extractor.describe({ raw: await fixture('adt-a01.hl7'), meta: {} })).toEqual({ controlId: 'ADT00001' });
    expect(extractor.describe({ meta: { 'hl7.controlId': 'C-1' } })).toEqual({ controlId: 'C-1' });
    const reply = Buffer.from(
      'MSH|^~\\&|A|B|C|D|20260302||ACK|7|P|2.5.1\rMSA|AE|OUT-2\rERR||PID^1^3|101^Required field missing|E||||no identifier\r',
    );
    expect(extractor.describePart({ ...part, reply })).toEqual({
      controlId: 'OUT-2',
      ackCode: 'AE',
      ackText: 'PID-3: no identifier',
    });
    expect(extractor.describePart({ ...part, reply: Buffer.from('no answer') })).toEqual({});
  });

  it('are the messages that an event came from', () => {
    expect(extractor.origins({ 'event.id': effectId })).toEqual([effectId.split('/')[0]]);
    expect(extractor.origins({ messageId: 'x' })).toEqual([]);
  });
});
