import { V2 } from '../../hl7v2-to-fhir/urls.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { cameFrom } from '../hints.ts';
import { keptNumbers, keptOn } from '../kept.ts';
import { mapBack } from '../map-back.ts';
import { SegmentDraft } from '../repetition.ts';
import { emit, type Source } from './emit.ts';

/** A PRT, and which one of the message it was. */
export interface Participation {
  readonly number: number;
  readonly segment: SegmentDraft;
}

/** PRT of the roles that an order or a report refers to by these elements, as the references say that they came from one. */
export function participations(
  resource: Element | undefined,
  keys: readonly string[],
  context: Context,
): Participation[] {
  if (!resource || !context.own) return [];
  return keys
    .flatMap((key) => context.reading.objects(resource, key))
    .flatMap((reference): Participation[] => {
      const number = numberOf(reference, context);
      const role = context.target(reference);
      const segment = number && role && emit('PRT', [['PRT[PractitionerRole]', role]], context);
      return segment ? [{ number, segment }] : [];
    });
}

/** What one PRT said of an observation. */
interface Parts {
  role?: Element;
  device?: Element;
  readonly places: Element[];
}

/** PRT of an observation: the role, the device and the place that say that they came from the same one. */
export function participationsIn(observation: Element, context: Context): SegmentDraft[] {
  if (!context.own) return [];
  const { reading } = context;
  const found = new Map<number, Parts>();
  const see = (reference: Element | undefined, add: (parts: Parts, target: Element) => void) => {
    const number = numberOf(reference, context);
    const target = context.target(reference);
    if (number === undefined || !target) return;
    const parts = found.get(number) ?? { places: [] };
    found.set(number, parts);
    add(parts, target);
  };
  for (const reference of reading.objects(observation, 'performer'))
    see(reference, (parts, role) => {
      parts.role = role;
    });
  see(reading.object(observation, 'device'), (parts, device) => {
    parts.device = device;
  });
  for (const extension of reading.objects(observation, 'extension')) {
    const reference = reading.object(extension, 'valueReference');
    const beside = extension.url === `${V2}PRT`;
    see(reference, (parts, target) => {
      if (beside) parts.device = target;
      // As it was before it was noted.
      else parts.places.push({ ...extension, valueReference: { ...reference, extension: [] } });
      reading.take(extension, 'url');
    });
  }
  const numbers = keptNumbers(observation, 'PRT', context);
  const segments = [...found]
    .sort(([one], [other]) => one - other)
    .flatMap(([, parts]) => segmentOf(observation, parts, parts.role ? undefined : numbers.shift(), context));
  const others = numbers.map((which) => {
    const draft = new SegmentDraft('PRT');
    keptOn(observation, draft, context, which);
    return draft;
  });
  return [...segments, ...others];
}

function segmentOf(
  observation: Element,
  { role, device, places }: Parts,
  which: number | undefined,
  context: Context,
): SegmentDraft {
  const sources: Source[] = [
    ['PRT[Device]', device],
    ['PRT[PractitionerRole]', role],
  ];
  const draft = emit('PRT', sources, context) ?? new SegmentDraft('PRT');
  if (places.length > 0) mapBack('PRT[Observation-Location]').read(observation, draft, context, { extension: places });
  if (which !== undefined) keptOn(observation, draft, context, which);
  return draft;
}

/** Which PRT of the message said who takes part in an observation. */
export function participationNumbers(observation: Element, context: Context): number[] {
  return ['performer', 'device']
    .flatMap((key) => context.reading.objects(observation, key))
    .flatMap((reference) => numberOf(reference, context) ?? []);
}

/** Which PRT of the message made what a reference leads to. */
function numberOf(reference: Element | undefined, { reading }: Context): number | undefined {
  const [, number] = /^PRT\[(\d{1,5})\]$/.exec(cameFrom(reference, reading) ?? '') ?? [];
  return number === undefined ? undefined : Number(number);
}
