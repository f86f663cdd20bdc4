import type { ChannelDefinition } from './channel.ts';
import { HubError } from './errors.ts';

export function invalidChannel(channel: string, what: string): HubError {
  return new HubError('config-invalid', 'permanent', `defining channel ${channel}: ${what}`);
}

/** What the types of the builder cannot see of a channel. Throws HubError `config-invalid`. */
export function checkChannel(channel: ChannelDefinition): void {
  const { name, options, source, format, destinations } = channel;
  if (source.acknowledges !== 'never' && !source.ackPoints.includes(options.ackAfter))
    throw invalidChannel(
      name,
      `${source.type} cannot acknowledge after ${options.ackAfter}, only after ${source.ackPoints.join(' or ')}`,
    );
  if (options.validation !== 'off' && !format.validate && !source.profile)
    throw invalidChannel(name, `validation: nothing says what is wrong with ${format.id}`);
  if (options.validation === 'reject' && source.acknowledges !== 'never' && options.ackAfter === 'stored')
    throw invalidChannel(
      name,
      'validation: reject needs ackAfter transformed or settled, for after stored a message has been accepted',
    );
  if (options.mode === 'query') checkQuery(channel);
  const answering = options.ackOn ?? destinations.map((each) => each.name);
  const collecting = destinations.find((each) => each.to.collect && answering.includes(each.name));
  if (options.ackAfter === 'settled' && !options.replyFrom && collecting)
    throw invalidChannel(
      name,
      `${collecting.name} collects, so no sender can wait for it: ackOn has to name the others`,
    );
}

function checkQuery({ name, options, destinations }: ChannelDefinition): void {
  const { replyFrom, duplicates } = options;
  if (replyFrom === undefined) throw invalidChannel(name, 'mode: query needs replyFrom, the destination that answers');
  if (duplicates === 'detect')
    throw invalidChannel(name, 'duplicates: a question that is asked again is answered again');
  const answering = destinations.find((each) => each.name === replyFrom);
  if (answering?.to.collect) throw invalidChannel(name, `replyFrom: ${replyFrom} collects, so it answers nobody`);
}
