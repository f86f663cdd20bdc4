import type { Context } from '../context.ts';
import { type Element, isElement } from '../element.ts';
import { keptBeside } from '../kept.ts';
import { put, type Repetition, SegmentDraft } from '../repetition.ts';
import { eiOf } from '../types/identifier.ts';
import { xcnOf } from '../types/party.ts';
import { timeIn } from '../types/time.ts';
import { emit, fill, keptSegments, noted } from './emit.ts';

/** SCH, and the notes on the appointment. */
export function scheduleSegments(appointment: Element, context: Context): SegmentDraft[] {
  const { reading, resources } = context;
  const entered = resources.pointing('Provenance', 'target', appointment)[0];
  const timing: Repetition = [];
  const draft = new SegmentDraft('SCH');
  put(timing, 4, 1, timeIn(appointment, 'start', context));
  put(timing, 5, 1, timeIn(appointment, 'end', context));
  if (timing.length > 0) draft.add(11, timing);
  const orders = resources.targets(appointment, 'basedOn');
  for (const [at, order] of orders.entries()) {
    const [identifier] = reading.objects(order, 'identifier');
    const value = identifier && eiOf(identifier, context);
    if (!identifier || !value) continue;
    const field = isFiller(identifier, at, context) ? 27 : 26;
    keptBeside(identifier, 'SCH', field, value, context);
    draft.add(field, value);
    for (const key of ['status', 'intent']) reading.take(order, key);
  }
  // In another maker's appointment who takes part is told by AIP, and is whom to ask.
  const main = context.own ? appointment : { ...appointment, participant: [] };
  fill(
    draft,
    [
      ['SCH[Appointment]', main],
      ['SCH[Provenance]', entered],
    ],
    context,
  );
  if (!context.own) {
    for (const key in appointment) if (reading.has(main, key)) reading.take(appointment, key);
    const person = reading
      .objects(appointment, 'participant')
      .find(({ actor }) => context.target(actor)?.resourceType === 'Practitioner');
    const actor = reading.object(person, 'actor');
    if (actor && !draft.has(16)) draft.add(16, xcnOf(actor, context));
  }
  if (draft.has(9)) draft.need(10, 'min');
  const tq1 = orders.flatMap((order) => emit('TQ1', [['TQ1[ServiceRequest]', order]], context) ?? []);
  return [draft, ...tq1, ...noted(undefined, appointment, context)];
}

/** The placer’s number of an order comes first; what follows it is the filler’s. */
function isFiller(identifier: Element, at: number, context: Context): boolean {
  const kept = context.reading
    .objects(identifier, 'extension')
    .some(({ url }) => typeof url === 'string' && url.includes('SCH-27'));
  return kept || at > 0;
}

/** AIS, AIG, AIL and AIP of what and who takes part, behind an RGS. */
export function resourceSegments(appointment: Element, context: Context): SegmentDraft[] {
  const { reading } = context;
  const services = reading.objects(appointment, 'serviceType');
  const made: SegmentDraft[] = [];
  for (const [at, serviceType] of services.entries()) {
    const { start, _start, status, _status, ...others } = appointment;
    // The first one said when it begins; what the others say of it is kept.
    const times = at > 0 && context.own ? {} : { start, _start, status, _status };
    const service: Element = { ...others, ...times, serviceType: [serviceType] };
    const draft = emit('AIS', [['AIS[Appointment]', service, undefined, at + 1]], context);
    if (draft) made.push(draft);
  }
  for (const [name, type] of [
    ['AIG', 'Device'],
    ['AIL', 'Location'],
    ['AIP', 'Practitioner'],
  ] as const) {
    let which = 0;
    for (const participant of reading.objects(appointment, 'participant')) {
      const actor = context.target(participant.actor);
      if (actor?.resourceType !== type || isScheduled(participant)) continue;
      const draft = emit(name, [[`${name}[Appointment]`, appointment, { participant }, ++which]], context);
      if (draft) made.push(draft);
    }
    for (const kept of keptSegments(appointment, [name], context)) made.push(kept);
  }
  const groups = keptSegments(appointment, ['RGS', 'APR'], context);
  if (made.length === 0) return groups;
  // Which group a resource was in is not said: all are in the first one.
  const [rgs = new SegmentDraft('RGS'), ...others] = groups;
  return [rgs, ...made, ...others];
}

/** Whether a participant is one that SCH names. */
function isScheduled({ extension }: Element): boolean {
  return (
    Array.isArray(extension) &&
    extension.some((each) => isElement(each) && typeof each.valueCode === 'string' && each.valueCode.startsWith('SCH-'))
  );
}
