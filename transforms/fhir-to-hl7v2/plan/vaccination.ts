import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { SegmentDraft } from '../repetition.ts';
import { emit, fill, keptSegments, noted } from './emit.ts';
import { observationSegments } from './observation.ts';
import { commonOrder } from './orders.ts';

/** ORC, RXA, RXR and the observations of an immunization. */
export function vaccinationSegments(given: Element, context: Context): SegmentDraft[] {
  const orc = commonOrder([['ORC[Immunization]', given]], given, context);
  const rxa = fill(new SegmentDraft('RXA'), [['RXA[Immunization]', given]], context);
  const rxr = emit('RXR', [['RXR[Immunization]', given]], context);
  const observed = context.resources.pointing('Observation', 'partOf', given);
  return [
    ...(orc ? [orc] : []),
    ...keptSegments(given, ['TQ1', 'TQ2'], context),
    rxa,
    ...(rxr ? [rxr] : []),
    ...observed.flatMap((each) => observationSegments(each, context)),
    ...noted(undefined, given, context),
  ];
}
