import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type VitalReadings, vitalReadings } from '../../contracts/vitals.ts';
import type { Message } from '../../core/message.ts';
import type { Many } from '../../core/transform.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { hl7v2ToReading } from './hl7v2-to-reading.ts';

const corpus = new URL('../../../shared/data/hl7-corpus/pcd/', import.meta.url);
const RECEIVED = Date.UTC(2026, 2, 2, 8, 15);

function readingsIn(text: string, config: Parameters<typeof hl7v2ToReading>[0] = {}): readonly VitalReadings[] {
  const message = { receivedAt: RECEIVED } as Message<Hl7Message>;
  const made = hl7v2ToReading(config).create()(parse(Buffer.from(text)), message) as Many<VitalReadings>;
  for (const each of made.outputs) expect(vitalReadings.decode(vitalReadings.encode(each), {})).toEqual(each);
  return made.outputs;
}

const MSH = 'MSH|^~\\&|GATE^0a1b^EUI-64|H|||20260302091500+0100||ORU^R01^ORU_R01|1|P|2.6\r';
const MDS = (id: string) => `OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||${id}\r`;
const obx = (fields: string) => `OBX|2|${fields}\r`;
const only = (fields: string, config = {}) => readingsIn(MSH + MDS('mon-1') + obx(fields), config)[0]?.readings[0];

describe('readings of device messages', () => {
  it('have code, unit and the moment with the zone of the message', () => {
    expect(
      only(
        'NM|147842^MDC_ECG_CARD_BEAT_RATE^MDC^8867-4^^LN|1.2.1.1|80|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R|||20260302091458',
      ),
    ).toEqual({
      point: 'ecg-card-beat-rate',
      value: 80,
      unit: '{beats}/min',
      code: { mdc: 147842, loinc: ['8867-4'] },
      validity: 'Vld',
      deviceTime: '2026-03-02T08:14:58.000Z',
      skewMs: -2_000,
    });
  });

  it('are named by the configuration, by their profile, or by their reference name', () => {
    const spo2 = 'NM|150456^MDC_PULS_OXIM_SAT_O2^MDC^^^^^^sat|1.3.1.1|99|%^%^UCUM|||||R';
    expect(only(spo2)?.point).toBe('sat');
    expect(only(spo2, { points: { 150456: 'spo2' } })?.point).toBe('spo2');
    expect(only(spo2.replace('^^^^^^sat', ''))?.point).toBe('puls-oxim-sat-o2');
  });

  it.for([
    ['without a value', 'NM|1^A^MDC|1.1.1.1|||||||X', { validity: 'Inv' }],
    ['flagged invalid', 'NM|1^A^MDC|1.1.1.1|7|||INV|||R', { validity: 'Inv' }],
    ['questionable', 'NM|1^A^MDC|1.1.1.1|7|||QUES|||R', { value: 7, validity: 'Qst' }],
    ['over the scale', 'NM|1^A^MDC|1.1.1.1|7|||>|||R', { validity: 'Oflw' }],
    ['a comparison', 'SN|1^A^MDC|1.1.1.1|<^5||||||R', { validity: 'Uflw' }],
    ['a structured number', 'SN|1^A^MDC|1.1.1.1|^5.5||||||R', { value: 5.5, validity: 'Vld' }],
    ['no number', 'NM|1^A^MDC|1.1.1.1|seven||||||R', { validity: 'Inv' }],
    ['a state', 'CWE|1^A^MDC|1.1.1.1|x^Sinus rhythm^MDC||||||R', { value: 'Sinus rhythm', validity: 'Vld' }],
  ] as const)('say what a value is worth: %s', ([, fields, expected]) => {
    expect(only(fields)).toEqual({ point: 'a', code: { mdc: 1 }, ...expected });
  });

  it.for([
    ['a waveform', 'NA|1^A^MDC|1.1.1.1|1^2^3||||||R'],
    ['one that was taken back', 'NM|1^A^MDC|1.1.1.1|7||||||D'],
    ['one of nothing', 'NM||1.1.1.1|7||||||R'],
  ])('leave out %s', ([, fields]) => expect(only(fields!)).toBeUndefined());

  it('keep a unit that is none of UCUM as a word', () => {
    expect(only('NM|1^A^MDC|1.1.1.1|7|widgets per day^^L|||||R')?.unit).toBe('{widgetsperday}');
  });

  it('are one event for each device, with whom and where the message says it is', () => {
    const events = readingsIn(
      `${MSH}PID|||4711^^^HOSP^MR\rPV1||I|ICU^1^2\rOBR|1|||x|||20260302091458+0100\r${MDS('mon-1')}${obx('NM|1^A^MDC|1.1.1.1|7')}${MDS('mon-2')}${obx('NM|1^A^MDC|1.1.1.1|8')}`,
    );
    expect(events).toMatchObject([
      {
        device: 'mon-1',
        patient: { identifiers: [{ value: '4711', authority: 'HOSP', type: 'MR' }] },
        subject: 'ICU/1/2',
        location: 'ICU, 1, 2',
        readings: [{ value: 7, deviceTime: '2026-03-02T08:14:58.000Z' }],
      },
      { device: 'mon-2', readings: [{ value: 8 }] },
    ]);
  });

  it('do not give the patient of one to the next', () => {
    const events = readingsIn(
      `${MSH}PID|||1^^^H^MR\rOBR|1\r${MDS('mon-1')}${obx('NM|1^A^MDC|1.1.1.1|7')}PID|||\rOBR|1\r${MDS('mon-1')}${obx('NM|1^A^MDC|1.1.1.1|8')}`,
    );
    expect(events.map(({ patient }) => patient?.identifiers[0]?.value)).toEqual(['1', undefined]);
  });

  it('have the gateway as device where a message names no other', () => {
    expect(readingsIn(MSH + obx('NM|1^A^MDC|1.1.1.1|7'))[0]?.device).toBe('0a1b');
  });

  it('come from any message or none at all, never a throw', () => {
    const part = fc.stringMatching(/^[A-Z0-9^~.<>&\\|]{0,24}$/);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (rest) => {
        readingsIn(`${MSH}${rest.map((each) => `OBX|${each}\r`).join('')}`);
      }),
      { numRuns: 300 },
    );
  });

  it.skipIf(!existsSync(corpus))('of the framework’s own examples (the corpus is not beside the repository)', () => {
    const read = (name: string) => readingsIn(readFileSync(new URL(name, corpus), 'utf8').replaceAll(/\r?\n/g, '\r'));
    const brief = (name: string) =>
      read(name).map(({ device, readings }) => [
        device,
        ...readings.map(({ point, value, unit }) => `${point} ${value} ${unit ?? ''}`.trim()),
      ]);
    expect(brief('ihe_pcd_tf_vol2__01__ORU_R01.hl7')).toEqual([
      [
        'e86c094f-f751-4acf-92b2-38f11c1f6f57-Device',
        'press-bld-noninv-sys 117 mm[Hg]',
        'press-bld-noninv-dia 82 mm[Hg]',
        'press-bld-noninv-mean 90 mm[Hg]',
        'ecg-card-beat-rate 80 {beats}/min',
        'ecg-time-pd-qt-gl 360 ms',
        'ecg-time-pd-qtc 416 ms',
        'resp-rate 30 {breaths}/min',
        'ecg-stat-rhy MDC_ECG_SINUS_RHY',
        'puls-oxim-sat-o2 99 %',
      ],
    ]);
    expect(read('ihe_pcd_tf_vol2__02__ORU_R01.hl7')[0]).toMatchObject({
      patient: { identifiers: [{ value: '12345', authority: 'A', type: 'MR' }] },
      location: 'COLWELL, SOLAR',
      readings: [{ value: 111, deviceTime: '2011-06-02T04:58:42.000Z' }, {}, {}, {}],
    });
  });
});
