import { z } from 'zod';
import { type Charge, charge } from '../../contracts/charge.ts';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import {
  codedAt,
  codedIn,
  codesOf,
  identifiersOf,
  isoTime,
  originOf,
  peopleOf,
  said,
  textAt,
} from '../../contracts/hl7v2-clinical.ts';
import { defineTransform } from '../../core/define.ts';
import { type Many, many } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Segment } from '../../protocols/hl7v2/segment.ts';

/** HL7 table 0017. */
const kinds: Readonly<Record<string, Charge['kind']>> = {
  CG: 'charge',
  CD: 'credit',
  PY: 'payment',
  AJ: 'adjustment',
};

/** Splits a financial message (DFT) into one typed event for each transaction (FT1) on a patient’s account (HL7 2.5.1 §6.5.1). */
export const hl7v2ToCharge = defineTransform({
  type: 'hl7v2-to-charge',
  summary:
    'Splits a financial message (DFT) into one typed event for each transaction (FT1) on a patient’s account (HL7 2.5.1 §6.5.1).',
  accepts: hl7v2,
  produces: charge,
  config: z.strictObject({}),
  examples: [{ title: 'Charges from DFT messages', config: {} }],
  create: () => chargesOf,
});

function chargesOf(message: Hl7Message): Many<Charge> {
  const [[pid], [pv1]] = [message.segments('PID'), message.segments('PV1')];
  const about = {
    patient: { identifiers: identifiersOf(pid, 3) },
    account: identifiersOf(pid, 18)[0],
    visit: identifiersOf(pv1, 19)[0],
    origin: originOf(message),
  };
  return many(message.segments('FT1').map((ft1) => chargeIn(ft1, about)));
}

function chargeIn(
  ft1: Segment,
  about: Pick<Charge, 'patient' | 'origin'> & { readonly [K in 'account' | 'visit']: Charge[K] | undefined },
): Charge {
  const type = textAt(ft1, '6') ?? '';
  return said<Charge>({
    kind: kinds[type] ?? 'other',
    type,
    transaction: textAt(ft1, '2'),
    batch: textAt(ft1, '3'),
    ...about,
    code: codedIn(ft1, 7),
    procedure: codedAt(ft1, 25),
    quantity: textAt(ft1, '10'),
    total: moneyIn(ft1, 11),
    each: moneyIn(ft1, 12),
    department: codedAt(ft1, 13),
    diagnoses: codesOf(ft1, 19),
    performedBy: peopleOf(ft1, 20),
    performedAt: isoTime(ft1.get('4.1')),
    postedAt: isoTime(ft1.get('5')),
  });
}

/** A CP field: `210.00&EUR`, or as senders write it who still think of versions before 2.3, `210.00^EUR`. */
function moneyIn(ft1: Segment, field: number): Charge['total'] {
  const amount = textAt(ft1, `${field}.1.1`)?.trim().replace(/^\+/, '');
  if (amount === undefined || !/^-?\d+(\.\d+)?$/.test(amount)) return undefined;
  const second = textAt(ft1, `${field}.2`);
  const currency = textAt(ft1, `${field}.1.2`) ?? (/^[A-Z]{3}$/.test(second ?? '') ? second : undefined);
  return said<NonNullable<Charge['total']>>({ amount, currency });
}
