import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { topics } from '../../contracts/topics.ts';
import type { EventLog } from '../../core/events/event-log.ts';
import type { MessageStore } from '../../core/store/message-store.ts';
import { readHeader } from '../../protocols/hl7v2/header.ts';
import { bundlesOf } from './bundles.ts';
import { interfaces } from './interfaces.ts';
import type { Laboratory } from './laboratory.ts';
import { eachEvent } from './published-events.ts';
import type { Sample } from './samples.ts';

/** What should be at one far end, and what is. */
export interface Delivered {
  readonly place: string;
  readonly what: string;
  readonly expected: number;
  readonly found: number;
  /** Control ids of samples that are not there, or not as they should be. */
  readonly wrong: readonly string[];
}

export interface FarEnds {
  readonly events: EventLog;
  readonly store: MessageStore;
  readonly laboratory: Laboratory;
  /** Where the archives of the ADT and orders channels are. */
  readonly archives: { readonly adt: string; readonly orders: string };
}

/** Looks at every far end for every sample, by its control id; what is archived must be the very bytes that were sent. */
export async function deliveries(
  samples: readonly Sample[],
  { events, store, laboratory, archives }: FarEnds,
): Promise<readonly Delivered[]> {
  const wanted = samples.filter((sample) => !sample.filtered);
  const unwanted = samples.filter((sample) => sample.filtered);
  const of = (feed: Sample['feed']) => wanted.filter((sample) => sample.feed === feed);
  const [adt, orders, results] = [of('adt'), of('orders'), of('results')];
  const bundled = counts(
    wanted.filter(({ feed }) => feed !== 'orders'),
    () => 1,
  );
  const topic = async (feed: Sample['feed'], { name }: { readonly name: string }, what: string) =>
    compared(
      `topic ${name}`,
      what,
      counts(of(feed), (each) => each.events),
      await published(events, name),
    );
  const bundles = await bundlesOf(events);
  return [
    compared(
      `topic ${topics.patient.name}`,
      'patient events',
      counts(adt, () => 1),
      await published(events, topics.patient.name),
    ),
    compared(
      `topic ${topics.labResult.name}`,
      'results by order',
      counts(results, ({ events }) => events),
      await published(events, topics.labResult.name),
    ),
    compared(
      `topic ${topics.labResultCritical.name}`,
      'critical values',
      counts(results, ({ critical }) => critical),
      await published(events, topics.labResultCritical.name),
    ),
    await topic('appointments', topics.appointment, 'appointments'),
    await topic('vaccinations', topics.immunization, 'doses'),
    await topic('charges', topics.charge, 'charges'),
    compared(`topic ${topics.bundle.name}`, 'messages and posts as bundles', bundled, bundles.found),
    compared('  of these', 'valid by FHIR R4', bundled, bundles.valid),
    compared(
      'laboratory',
      'orders accepted',
      counts(orders, () => 1),
      new Map([...laboratory.accepted.keys()].map((id) => [id, 1])),
    ),
    compared(
      'archive adt',
      'files, byte for byte',
      counts(adt, () => 1),
      await archived(archives.adt, adt),
    ),
    compared(
      'archive orders',
      'files, byte for byte',
      counts(orders, () => 1),
      await archived(archives.orders, orders),
    ),
    compared(
      'filtered',
      'appointments on the ADT feed',
      counts(unwanted, () => 1),
      await filtered(store, interfaces.adt.channel),
    ),
  ];
}

type Counts = ReadonlyMap<string, number>;

function counts(samples: readonly Sample[], of: (sample: Sample) => number): Counts {
  return new Map(samples.map((sample) => [sample.controlId, of(sample)] as const).filter(([, count]) => count > 0));
}

function compared(place: string, what: string, expected: Counts, found: Counts): Delivered {
  const wrong = [...new Set([...expected.keys(), ...found.keys()])].filter((id) => expected.get(id) !== found.get(id));
  return { place, what, expected: total(expected), found: total(found), wrong };
}

function total(counts: Counts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** Effects by control id. A merge is two events with one effect id, under the keys of both patients: it counts once. */
async function published(log: EventLog, topic: string): Promise<Counts> {
  const effects = new Map<string, Set<string>>();
  await eachEvent(log, topic, ({ id, headers }) => {
    const controlId = headers['hl7.controlId'];
    // What devices of the ward say is no sample.
    if (controlId === undefined) return;
    const known = effects.get(controlId);
    if (known) known.add(id);
    else effects.set(controlId, new Set([id]));
  });
  return new Map([...effects].map(([controlId, ids]) => [controlId, ids.size]));
}

async function filtered(store: MessageStore, channel: string): Promise<Counts> {
  const found = new Map<string, number>();
  let cursor: string | undefined;
  do {
    const page = await store.find({ channel, status: 'filtered', limit: 500, ...(cursor !== undefined && { cursor }) });
    for (const { meta } of page.messages) {
      const controlId = meta['hl7.controlId'] ?? '';
      found.set(controlId, (found.get(controlId) ?? 0) + 1);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

/** Files whose bytes are those of a sample; a file with other bytes counts under a name that no sample has. */
async function archived(folder: string, samples: readonly Sample[]): Promise<Counts> {
  const sent = new Map(samples.map(({ controlId, raw }) => [controlId, Buffer.from(raw)]));
  const found = new Map<string, number>();
  for (const name of await readdir(folder)) {
    const content = await readFile(join(folder, name));
    const controlId = readHeader(content)?.controlId ?? '';
    const place = sent.get(controlId)?.equals(content) ? controlId : `${controlId} (${name})`;
    found.set(place, (found.get(place) ?? 0) + 1);
  }
  return found;
}
