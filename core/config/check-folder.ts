import { checkLinks } from './check-links.ts';
import { problemAt, type ReadChannel } from './loaded-channel.ts';
import type { Problem } from './problem.ts';

/**
 * What is wrong between channels: two of one name, and links that lead nowhere or in a circle.
 * @param unread the names of channels whose files have mistakes of their own
 */
export function checkFolder(channels: readonly ReadChannel[], unread: ReadonlySet<string>): readonly Problem[] {
  return [...checkNames(channels), ...checkLinks(channels, unread)];
}

function checkNames(channels: readonly ReadChannel[]): readonly Problem[] {
  const first = new Map<string, ReadChannel>();
  return channels.flatMap((channel) => {
    const { name } = channel.definition;
    const other = first.get(name);
    if (!other) first.set(name, channel);
    return other
      ? [problemAt(channel, ['channel'], 'name-taken', `the channel ${name} is defined in ${other.file} too`)]
      : [];
  });
}
