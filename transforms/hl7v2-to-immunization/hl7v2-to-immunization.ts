import { z } from 'zod';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import { codedAt, codedIn, identifiersOf, isoTime, originOf, said, textAt } from '../../contracts/hl7v2-clinical.ts';
import { type Immunization, immunization } from '../../contracts/immunization.ts';
import { defineTransform } from '../../core/define.ts';
import { type Many, many } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Segment } from '../../protocols/hl7v2/segment.ts';

/** HL7 table 0322. */
const kinds: Readonly<Record<string, Immunization['kind']>> = {
  CP: 'given',
  RE: 'refused',
  NA: 'not-given',
  PA: 'partly-given',
};

/** HL7 table 0206. */
const actions: Readonly<Record<string, Immunization['action']>> = { A: 'added', U: 'updated', D: 'deleted' };

/** HL7 2.5.1 §4.14.7.6: the amount is not known. */
const unknownAmount = '999';

/** Splits a vaccination message (VXU) into one typed event for each dose: an RXA with its ORC and RXR (HL7 2.5.1 §4.17). */
export const hl7v2ToImmunization = defineTransform({
  type: 'hl7v2-to-immunization',
  summary:
    'Splits a vaccination message (VXU) into one typed event for each dose: an RXA with its ORC and RXR (HL7 2.5.1 §4.17).',
  accepts: hl7v2,
  produces: immunization,
  config: z.strictObject({}),
  examples: [{ title: 'Doses from VXU messages', config: {} }],
  create: () => immunizationsOf,
});

function immunizationsOf(message: Hl7Message): Many<Immunization> {
  const doses: { readonly orc: Segment | undefined; readonly rxa: Segment; rxr?: Segment }[] = [];
  let orc: Segment | undefined;
  for (const segment of message.segments()) {
    if (segment.name === 'ORC') orc = segment;
    else if (segment.name === 'RXA') {
      doses.push({ orc, rxa: segment });
      orc = undefined;
    } else if (segment.name === 'RXR') {
      const last = doses.at(-1);
      if (last) last.rxr ??= segment;
    }
  }
  const patient = { identifiers: identifiersOf(message.segments('PID')[0], 3) };
  const origin = originOf(message);
  return many(
    doses.map(({ orc, rxa, rxr }) => {
      const amount = textAt(rxa, '6');
      const isKnown = amount !== undefined && amount !== unknownAmount;
      return said<Immunization>({
        kind: kinds[textAt(rxa, '20') ?? ''] ?? 'given',
        action: actions[textAt(rxa, '21') ?? ''] ?? 'added',
        patient,
        placer: textAt(orc, '2.1'),
        filler: textAt(orc, '3.1'),
        vaccine: codedIn(rxa, 5),
        givenAt: isoTime(rxa.get('3')),
        amount: isKnown ? amount : undefined,
        unit: isKnown ? textAt(rxa, '7.1') : undefined,
        lots: rxa.all('15').filter((lot) => lot !== ''),
        expires: isoTime(rxa.get('16')),
        manufacturer: codedAt(rxa, 17),
        route: codedAt(rxr, 1),
        site: codedAt(rxr, 2),
        reason: codedAt(rxa, 18),
        source: codedAt(rxa, 9),
        origin,
      });
    }),
  );
}
