import { identifiersOf } from '../../contracts/hl7v2-clinical.ts';
import type { Reading, VitalReadings } from '../../contracts/vitals.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Segment } from '../../protocols/hl7v2/segment.ts';
import { readingOf } from './observation.ts';

export interface Options {
  readonly profile: string;
  readonly points: Readonly<Record<string, string>>;
}

/** What one event may carry: as its contract says. */
const MOST = 5_000;

/** A place in the tree of a device: system, virtual device, channel, metric; 0 where a level is not the segment’s. */
const PLACE = /^(\d+)\.(\d+)\.(\d+)\.(\d+)/;

/**
 * One event for each device, in the order of the message: metrics with the device that they stand under. Segments that only say what
 * a part of a device is carry no reading, and neither do waveforms.
 * @param receivedAt milliseconds since 1970
 */
export function readingsIn(message: Hl7Message, receivedAt: number, options: Options): readonly VitalReadings[] {
  const events: VitalReadings[] = [];
  let about: Pick<VitalReadings, 'patient' | 'subject' | 'location'> = {};
  const offset = /[+-]\d{4}$/.exec(message.get('MSH-7') ?? '')?.[0];
  let observedAt: string | undefined;
  let device: string | undefined;
  for (const segment of message.segments()) {
    switch (segment.name) {
      case 'PID': {
        const identifiers = identifiersOf(segment, 3);
        about = identifiers.length > 0 ? { patient: { identifiers } } : {};
        device = undefined;
        break;
      }
      case 'PV1':
        about = { ...about, ...placeIn(segment) };
        break;
      case 'OBR':
        observedAt = segment.get('7') ?? undefined;
        device = undefined;
        break;
      case 'OBX': {
        const [, , part, channel, metric] = PLACE.exec(segment.get('4') ?? '') ?? [];
        const own = named(segment.get('18.1'));
        if (metric === '0') {
          if (part === '0' && channel === '0') device = own;
          else device ??= own;
          break;
        }
        const reading = readingOf(segment, { observedAt, offset, receivedAt, points: options.points });
        if (!reading) break;
        const of = device ?? own ?? named(message.get('MSH-3.2')) ?? named(message.get('MSH-3.1')) ?? 'unknown';
        eventFor(events, of, about, receivedAt, options.profile).readings.push(reading);
        break;
      }
    }
  }
  return events;
}

function eventFor(
  events: VitalReadings[],
  device: string,
  about: Pick<VitalReadings, 'patient' | 'subject' | 'location'>,
  receivedAt: number,
  profile: string,
): { readonly readings: Reading[] } {
  const last = events.findLast((event) => event.device === device && event.patient === about.patient);
  if (last && last.readings.length < MOST) return last;
  const event = { device, profile, ...about, receivedAt: new Date(receivedAt).toISOString(), readings: [] };
  events.push(event);
  return event;
}

/** PV1-3: the parts that name a place, and what it is called where that is said. */
function placeIn(pv1: Segment): Pick<VitalReadings, 'subject' | 'location'> {
  const parts = [1, 2, 3, 4].map((n) => pv1.get(`3.${n}`)?.trim()).filter(Boolean);
  const described = pv1.get('3.9')?.trim();
  return {
    ...(parts.length > 0 && { subject: parts.join('/') }),
    ...(described ? { location: described } : parts.length > 0 && { location: parts.join(', ') }),
  };
}

/** An identifier as the contract takes it: words with a blank between them. */
function named(text: string | null | undefined): string | undefined {
  return text?.trim().replaceAll(/\s+/g, ' ') || undefined;
}
