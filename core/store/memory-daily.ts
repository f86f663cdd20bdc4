import { type DailyCounts, type DailyQuery, type Heading, longestType, mostTypes, untyped } from './daily-counts.ts';
import { dayText } from './local-days.ts';
import type { Item } from './memory-message.ts';

type Counts = Record<'received' | Heading, number>;

interface OfDay {
  readonly day: number;
  readonly channel: string;
  readonly messages: Counts;
  duplicates: number;
  readonly destinations: Map<string, Counts>;
  readonly types: Map<string, Counts>;
}

const nothing = (): Counts => ({ received: 0, filtered: 0, sent: 0, errored: 0, queued: 0 });

/** The counts of days: a message is taken out of them before it is changed, and counted anew after it. */
export class MemoryDaily {
  readonly #days = new Map<string, OfDay>();

  duplicate(channel: string, day: number): void {
    this.#of(channel, day).duplicates++;
  }

  /** Counts a message, as it stands; with -1 no more. */
  count(item: Item, by: 1 | -1): void {
    const { messages, destinations, types } = this.#of(item.channel, item.day);
    const heading = headingOf(item);
    const add = (counts: Counts, as: Heading) => {
      counts.received += by;
      counts[as] += by;
    };
    add(messages, heading);
    for (const { destination, status } of item.parts)
      add(existing(destinations, destination), status === 'error' ? 'errored' : status);
    const type = item.settlement?.type ?? '';
    const known = types.has(type) || (type !== '' && type.length <= longestType && types.size < mostTypes);
    if (known) add(existing(types, type), heading);
  }

  counts(query: DailyQuery): readonly DailyCounts[] {
    return [...this.#days.values()]
      .filter(({ channel }) => query.channel === undefined || channel === query.channel)
      .sort((a, b) => a.day - b.day)
      .flatMap((ofDay) => {
        const day = dayText(ofDay.day);
        return day < query.from || day > query.to ? [] : told(ofDay, day, query.by);
      });
  }

  #of(channel: string, day: number): OfDay {
    const key = `${day} ${channel}`;
    let ofDay = this.#days.get(key);
    if (!ofDay) {
      ofDay = { day, channel, messages: nothing(), duplicates: 0, destinations: new Map(), types: new Map() };
      this.#days.set(key, ofDay);
    }
    return ofDay;
  }
}

function existing(all: Map<string, Counts>, name: string): Counts {
  let counts = all.get(name);
  if (!counts) all.set(name, (counts = nothing()));
  return counts;
}

function headingOf({ message, settlement, parts }: Item): Heading {
  if ((!settlement && !message.fault) || parts.some(({ status }) => status === 'queued')) return 'queued';
  if (message.fault || settlement?.error || parts.some(({ status }) => status === 'error')) return 'errored';
  return parts.some(({ status }) => status === 'sent') ? 'sent' : 'filtered';
}

function told(ofDay: OfDay, day: string, by: DailyQuery['by']): readonly DailyCounts[] {
  const { channel, messages, duplicates } = ofDay;
  const whole = { day, channel, ...messages, duplicates };
  switch (by) {
    case 'channel':
      return [whole];
    case 'destination':
      return [...ofDay.destinations].map(([destination, counts]) => ({ day, channel, destination, ...counts }));
    case 'type': {
      const types = [...ofDay.types]
        .filter(([, { received }]) => received > 0)
        .map(([type, counts]) => ({ day, channel, type, ...counts }))
        .sort((a, b) => (a.type < b.type ? -1 : 1));
      const rest = untyped(whole, types);
      return rest ? [...types, rest] : types;
    }
    default:
      return by satisfies never;
  }
}
