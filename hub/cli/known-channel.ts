import { unknownName } from '../../core/config/registry.ts';
import type { ChannelList } from '../admin/channel-routes.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { CommandFailure, exit } from './exit.ts';

/**
 * For an answer that is empty: that there is nothing is good news only where there is such a channel. Throws CommandFailure for a name
 * that no channel has, also none that was undeployed.
 */
export async function assertChannel(options: ClientOptions, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const { channels, undeployed } = await call<ChannelList>(options, '/api/channels');
  const known = [...channels, ...undeployed].map(({ channel }) => channel);
  if (!known.includes(name))
    throw new CommandFailure(exit.notFound, `there is no channel ${name}${unknownName(name, known)}`);
}
