import type { ChannelDefinition, DestinationDefinition } from '../channel.ts';
import { bytes } from '../format.ts';
import { problemAt, type ReadChannel } from './loaded-channel.ts';
import type { Problem } from './problem.ts';
import { unknownName } from './registry.ts';
import { isMapping, type Place } from './yaml-file.ts';

/** The type of the source and of the destination by which channels give messages to each other. */
const LINK = 'channel';

interface Link {
  readonly from: ReadChannel;
  readonly destination: DestinationDefinition;
  readonly to: string;
  readonly place: Place;
}

/** @param unread the names of channels whose files have mistakes of their own: nothing is said about them */
export function checkLinks(channels: readonly ReadChannel[], unread: ReadonlySet<string>): readonly Problem[] {
  const byName = new Map(channels.map((each) => [each.definition.name, each]));
  const links = channels.flatMap(linksOf);
  const names = new Set([...byName.keys(), ...unread]);
  return [
    ...links.flatMap((link) => checkLink(link, byName, names)),
    ...channels.flatMap((channel) => checkGivers(channel, links, names, unread)),
    ...checkCircles(links),
  ];
}

function linksOf(from: ReadChannel): readonly Link[] {
  return from.definition.destinations.flatMap((destination) => {
    const { type, config } = destination.to;
    if (type !== LINK || !isMapping(config) || typeof config.name !== 'string') return [];
    return [{ from, destination, to: config.name, place: ['destinations', destination.name, 'to', LINK, 'name'] }];
  });
}

function checkLink(
  { from, destination, to, place }: Link,
  byName: ReadonlyMap<string, ReadChannel>,
  names: ReadonlySet<string>,
): readonly Problem[] {
  if (!names.has(to))
    return [
      problemAt(
        from,
        place,
        'channel-unknown',
        `${place.join('.')}: there is no channel ${to}${unknownName(to, names)}`,
      ),
    ];
  const target = byName.get(to)?.definition;
  if (!target) return [];
  const said = (what: string) => [problemAt(from, place, 'channel-unknown', `${place.join('.')}: ${what}`)];
  if (target.source.type !== LINK)
    return said(`${to} takes no messages of other channels: its source is ${target.source.type}`);
  const givers = giversOf(target);
  if (givers && !givers.includes(from.definition.name))
    return said(`${to} takes messages of ${givers.join(', ')} only`);
  if (target.format.id !== bytes.id && target.format.id !== destination.format.id)
    return said(`${to} takes ${target.format.id}, but gets ${destination.format.id}`);
  return [];
}

function giversOf({ source }: ChannelDefinition): readonly string[] | undefined {
  const name = source.type === LINK && isMapping(source.config) ? source.config.name : undefined;
  if (typeof name === 'string') return [name];
  return Array.isArray(name) ? (name as readonly string[]) : undefined;
}

function checkGivers(
  channel: ReadChannel,
  links: readonly Link[],
  names: ReadonlySet<string>,
  unread: ReadonlySet<string>,
): readonly Problem[] {
  const { name } = channel.definition;
  return (giversOf(channel.definition) ?? []).flatMap((giver, index) => {
    const listed = Array.isArray((channel.definition.source.config as { readonly name?: unknown }).name);
    const place = ['source', LINK, 'name', ...(listed ? [index] : [])];
    if (!names.has(giver)) {
      const what = `there is no channel ${giver}${unknownName(giver, names)}`;
      return [problemAt(channel, place, 'channel-unknown', `${place.join('.')}: ${what}`)];
    }
    if (unread.has(giver) || links.some(({ from, to }) => from.definition.name === giver && to === name)) return [];
    return [problemAt(channel, place, 'channel-unknown', `${place.join('.')}: ${giver} gives it no messages`)];
  });
}

/** Each circle is told once, at the first of its links. */
function checkCircles(links: readonly Link[]): readonly Problem[] {
  const problems: Problem[] = [];
  const told = new Set<string>();
  const follow = (link: Link, path: readonly string[]): void => {
    const start = path.indexOf(link.to);
    if (start >= 0) {
      const circle = path.slice(start);
      const key = circle.toSorted().join(' ');
      if (told.has(key)) return;
      told.add(key);
      const what = `messages would go in a circle: ${[...circle, link.to].join(' → ')}`;
      problems.push(problemAt(link.from, link.place, 'links-circular', `${link.place.join('.')}: ${what}`));
      return;
    }
    for (const next of links) if (next.from.definition.name === link.to) follow(next, [...path, link.to]);
  };
  for (const link of links) follow(link, [link.from.definition.name]);
  return problems;
}
