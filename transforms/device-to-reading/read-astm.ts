import { type AstmPointKeys, dialectIn, isUnitOf } from '../../contracts/device-profile/astm-keys.ts';
import type { ContentOf } from '../../contracts/device-profile/keys.ts';
import { HubError } from '../../core/errors.ts';
import type { Dialect } from '../../protocols/astm/dialect.ts';
import { parseAll } from '../../protocols/astm/message.ts';
import { type AstmResult, resultsOf } from '../../protocols/astm/results.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { DeviceClock } from './device-time.ts';
import { type Judged, judgedNumber, NO_VALUE, readingOf } from './judged.ts';
import type { FrameReader, SpecimenReading } from './reader.ts';

/** The results of a message that were measured for a patient: never those of quality control, training or debugging. */
export function astmReader({ astm, points, clock }: ContentOf<'astm'>): FrameReader<'astm', SpecimenReading> {
  const byCode = new Map(points.flatMap((point) => point.match.map((code) => [code, point] as const)));
  const dialect = dialectIn(astm);
  const deviceClock = new DeviceClock(clock?.zone);
  return (_, bytes, receivedAt) =>
    resultsIn(bytes, astm.charset, dialect).flatMap((result) => {
      const point = result.purpose === 'patient' ? byCode.get(result.test.code ?? '') : undefined;
      if (!point) return [];
      const { sequence } = result.record;
      const reading = {
        ...readingOf(point, judged(result, point)),
        ...deviceClock.ofIso(result.completedAt ?? result.startedAt, receivedAt),
        ...(sequence !== undefined && { sequence }),
      };
      return [{ specimen: result.specimenId, reading }];
    });
}

function resultsIn(bytes: Buffer, charset: string | undefined, dialect: Partial<Dialect>): readonly AstmResult[] {
  try {
    const messages = parseAll(bytes, charset === undefined ? {} : { charset });
    return messages.flatMap((message) => resultsOf(message, dialect));
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    throw new HubError('decode-failed', 'permanent', `reading an ASTM message: ${fault.message}`, { cause: fault });
  }
}

/** R-9 (LIS02-A2 §9.9): it cannot be done, or is not done yet. */
const NOT_DONE = new Set(['X', 'I']);

function judged(result: AstmResult, point: AstmPointKeys): Judged {
  const { value, status } = result;
  if (value === undefined || point.invalid?.includes(value) || NOT_DONE.has(status ?? '')) return NO_VALUE;
  const validity = status === 'W' ? 'Qst' : 'Vld';
  if (point.type === 'text') return { value, validity };
  if (!isUnitOf(result.unit, point)) return NO_VALUE;
  if (/^<\s*\d/.test(value)) return { validity: 'Uflw' };
  if (/^>\s*\d/.test(value)) return { validity: 'Oflw' };
  return /^[+-]?\d+(?:\.\d+)?$/.test(value) ? judgedNumber(Number(value), point, validity) : NO_VALUE;
}
