import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Reading, type VitalReadings, validities, vitalReadingsSchema } from '../contracts/vitals.ts';
import type { Message } from '../core/message.ts';
import type { Many } from '../core/transform.ts';
import type { Hl7Message } from '../protocols/hl7v2/message.ts';
import { validate } from '../protocols/hl7v2/schema/validate.ts';
import { hl7v2ToReading } from './hl7v2-to-reading/hl7v2-to-reading.ts';
import { readingToHl7v2 } from './reading-to-hl7v2/reading-to-hl7v2.ts';

const AT = Date.UTC(2026, 2, 2, 8, 15);

function sent(event: VitalReadings): Hl7Message {
  return readingToHl7v2({ sendingApplication: 'WEIR' }).create()(event, {} as Message<VitalReadings>) as Hl7Message;
}

function received(message: Hl7Message, profile: string): readonly VitalReadings[] {
  const step = hl7v2ToReading({ profile }).create();
  return (step(message, { receivedAt: AT } as Message<Hl7Message>) as Many<VitalReadings>).outputs;
}

function event(readings: readonly Reading[], more: Partial<VitalReadings> = {}): VitalReadings {
  const receivedAt = new Date(AT).toISOString();
  return vitalReadingsSchema.parse({ device: 'mon-1', profile: 'monitor', receivedAt, readings, ...more });
}

const hr: Reading = {
  point: 'hr',
  value: 72,
  unit: '{beats}/min',
  code: { mdc: 147842, loinc: ['8867-4'] },
  validity: 'Vld',
  deviceTime: '2026-03-02T08:14:59.250Z',
  skewMs: -750,
};

describe('readings as device messages and back', () => {
  it('are an ORU^R01 of the profile, with nothing wrong by its schema', () => {
    const patient = { identifiers: [{ value: '4711', authority: 'HOSP', type: 'MR' }] };
    const message = sent(event([hr], { patient, subject: 'bed/1', location: 'ICU, bed 1' }));
    expect(
      message
        .text()
        .split('\r')
        .map((line) => line.replace(/[0-9a-f]{32}/, 'id')),
    ).toEqual([
      'MSH|^~\\&|WEIR||||20260302081500.000+0000||ORU^R01^ORU_R01|id|P|2.6|||AL|NE||UNICODE UTF-8|||IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO',
      'PID|||4711^^^HOSP^MR||^^^^^^U',
      'PV1|1|U|bed/1^^^^^^^^ICU, bed 1',
      'OBR|1||id|182777000^monitoring of patient^SCT|||20260302081500.000+0000',
      'OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||mon-1',
      'OBX|2|NM|147842^MDC_ECG_CARD_BEAT_RATE^MDC^8867-4^^LN^^^hr|1.0.0.1|72|264864^MDC_DIM_BEAT_PER_MIN^MDC^{beats}/min^{beats}/min^UCUM|||||R|||20260302081459.250+0000',
      '',
    ]);
    expect(validate(message).filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  const value = fc.oneof(
    fc
      .double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 })
      .map((n) => (Math.abs(n) < 1e-60 ? 0 : Number(n.toPrecision(15)))),
    fc.stringMatching(/^[A-Za-z|^&~\\]{1,9}$/),
  );
  const reading = fc
    .record({
      point: fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/),
      value,
      unit: fc.constantFrom('mm[Hg]', '{beats}/min', 'Cel', '10*9/L'),
      mdc: fc.option(fc.integer({ min: 1, max: 300_000 }), { nil: undefined }),
      loinc: fc.option(fc.constantFrom('8867-4', '8480-6'), { nil: undefined }),
      validity: fc.constantFrom(...validities),
    })
    .map(({ value, unit, mdc, loinc, ...rest }): Reading => {
      const code = { ...(mdc !== undefined && { mdc }), ...(loinc !== undefined && { loinc: [loinc] }) };
      const known = rest.validity === 'Vld' || rest.validity === 'Qst';
      return {
        ...rest,
        ...(known && { value }),
        ...(known && typeof value === 'number' && { unit }),
        ...(Object.keys(code).length > 0 && { code }),
      };
    });

  it('come back as they went, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 8 }), (readings) => {
        const before = event(readings);
        const message = sent(before);
        expect(message.raw).toEqual(sent(before).raw);
        // A metric without a moment of its own counts for that of its request, which is when it came in.
        const moment = { deviceTime: before.receivedAt, skewMs: 0 };
        const after = { ...before, readings: readings.map((each) => ({ ...each, ...moment })) };
        expect(received(message, 'monitor')).toEqual([after]);
      }),
      { numRuns: 200 },
    );
  });
});
