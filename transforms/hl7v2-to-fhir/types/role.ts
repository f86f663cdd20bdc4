import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import type { Draft } from '../segment-view.ts';
import { locationOf } from './location.ts';
import { bounded, timeAt } from './period.ts';
import { practitionerOfCnn } from './person.ts';

const NDL = rows('NDL[PractitionerRole]', 3, 4, 5, 6, 11, 16, 21, 32, 37);

/** An NDL value: who, from when until when, and where. */
export function roleOfNdl(view: View, conversion: Conversion): Draft | undefined {
  const { resources } = conversion;
  const person = view.sub(1);
  const practitioner = person && practitionerOfCnn(person, conversion);
  if (!practitioner) return undefined;
  const role = resources.make('PractitionerRole');
  role.practitioner = resources.reference(practitioner);
  const start = timeAt(view, 2, NDL[4], conversion);
  const end = timeAt(view, 3, NDL[5], conversion);
  const period = bounded(start, end, view.peek(2), view.peek(3));
  if (period) role.period = period;
  // NDL-4 to NDL-11 are the places of a PL: point of care, room, bed, facility, -, -, building, floor.
  const leaves = [4, 5, 6, 7, 0, 0, 10, 11].map((n) => (n === 0 ? undefined : view.parts[n - 1]));
  const place = view.authority(leaves);
  const location = place.valued ? locationOf(place, conversion) : undefined;
  if (location) role.location = [resources.reference(location)];
  return role;
}
