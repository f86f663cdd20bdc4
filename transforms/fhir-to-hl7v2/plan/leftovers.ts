import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { cameFrom } from '../hints.ts';
import type { SegmentDraft } from '../repetition.ts';
import { resourceSegments, scheduleSegments } from './appointment.ts';
import { emit, noted } from './emit.ts';
import { observationSegments } from './observation.ts';
import { orderSegments, ordersOf } from './orders.ts';
import { isLivingWill } from './patient.ts';

/**
 * What a sender put into a message whose structure has no place for it: an order in an admission, charges in a result. Where the
 * structure has one, its segments are there already.
 */
export function leftovers(context: Context): SegmentDraft[] {
  if (!context.own) return [];
  const { resources } = context;
  const of = (type: string) => resources.of(type).filter((each) => !context.written.has(each));
  const orders = ordersOf(undefined, context).filter(
    ({ request, report }) => !(request && context.written.has(request)) && !(report && context.written.has(report)),
  );
  const values = new Set(resources.of('Observation').flatMap((each) => resources.targets(each, 'derivedFrom')));
  return [
    ...orders.flatMap((order) =>
      order.request && isReferral(order.request, context)
        ? referral(order.request, context)
        : orderSegments(order, true, context),
    ),
    ...of('Observation').flatMap((each) => (isLivingWill(each) ? [] : observationSegments(each, context))),
    ...of('Appointment').flatMap((each) => [...scheduleSegments(each, context), ...resourceSegments(each, context)]),
    ...of('DocumentReference').flatMap((each) =>
      values.has(each) ? [] : noted(emit('TXA', [['TXA[DocumentReference]', each]], context), each, context),
    ),
    ...of('ChargeItem').flatMap((each) => noted(emit('FT1', [['FT1[ChargeItem]', each]], context), each, context)),
  ];
}

function isReferral(request: Element, { reading }: Context): boolean {
  return cameFrom(request, reading)?.startsWith('RF1') ?? false;
}

/** RF1, and what was observed behind it. */
function referral(request: Element, context: Context): SegmentDraft[] {
  const observed = context.resources.targets(request, 'supportingInfo');
  return [
    ...noted(emit('RF1', [['RF1[ServiceRequest]', request]], context), request, context),
    ...observed.flatMap((each) => observationSegments(each, context)),
  ];
}

/** Observations that an order in no place of the structure holds: they stand behind it. */
export function heldByLeftovers({ own, resources }: Context): ReadonlySet<Element> {
  if (!own) return new Set();
  return new Set([
    ...resources.of('DiagnosticReport').flatMap((each) => resources.targets(each, 'result')),
    ...resources.of('ServiceRequest').flatMap((each) => resources.targets(each, 'supportingInfo')),
  ]);
}
