import type { ChannelDefinition, DestinationOptions } from '../../../core/channel.ts';

/** When the sender is answered what. */
export function replyWords({ options, source, destinations }: ChannelDefinition): readonly string[] {
  const { ackAfter, ackOn, ackTimeoutMs, onUnsettled, replyFrom, unmatched, duplicates, limits } = options;
  if (source.acknowledges === 'never') return ['Nobody: this source has no answers.'];
  const positive = source.acknowledges === 'reply' ? 'answered positively' : 'told that it may let go of the message';
  const waited = ackOn ?? destinations.map(({ name }) => name);
  const lines = {
    stored: [`The sender is ${positive} as soon as the message is safe on the disk, whatever becomes of it later.`],
    transformed: [`The sender is ${positive} once the steps have run, and negatively where one of them failed.`],
    settled: [
      `The sender is ${positive} once ${list(waited)} ${waited.length === 1 ? 'has' : 'have'} it, and negatively where that failed.`,
    ],
  }[ackAfter];
  const late =
    onUnsettled === 'accept' && !replyFrom
      ? 'answered positively, and the message stays queued'
      : 'answered negatively, and what was not begun is withdrawn';
  return [
    ...(replyFrom ? [`The answer of ${replyFrom} goes back to the sender as it came.`] : lines),
    ...(ackAfter === 'stored' ? [] : [`After ${seconds(ackTimeoutMs)} the sender is ${late}.`]),
    'A message that the filter does not let through is answered positively.',
    unmatched
      ? `One that no destination takes is answered ${unmatched.reply} and counts as ${unmatched.as === 'error' ? 'an error' : 'filtered'}.`
      : 'One that no destination takes is filtered, and answered positively.',
    duplicates === 'detect'
      ? 'A repeated message (same sender, control id and content) is answered again and not processed again.'
      : 'A repeated message is processed again: duplicates are not looked for.',
    limits.whenFull === 'wait'
      ? 'When there is no room, the sender waits.'
      : 'When there is no room, the sender is answered negatively.',
  ];
}

export function orderWords(order: DestinationOptions['order'], keyed: boolean): string {
  switch (order) {
    case 'key':
      return keyed ? 'Messages of one key are sent in order.' : 'All messages are sent in order.';
    case 'strict':
      return 'All messages are sent one at a time, in order.';
    case 'none':
      return 'Messages are sent in any order.';
    default:
      return order satisfies never;
  }
}

export function retryWords({ retry, afterDeadLetter, writeTimeoutMs }: DestinationOptions): string {
  const { initialMs, maxMs, maxAttempts, maxAgeMs } = retry;
  const ends = [
    ...(maxAttempts === undefined ? [] : [`after ${maxAttempts} attempts`]),
    ...(maxAgeMs === undefined ? [] : [`when it is ${seconds(maxAgeMs)} old`]),
  ];
  const until = ends.length === 0 ? 'until it succeeds' : `until it becomes a dead letter ${ends.join(' or ')}`;
  const then = {
    continue: 'the next messages go on',
    'hold-key': 'the messages of its key wait until somebody resolves it',
    stop: 'the destination stops',
  }[afterDeadLetter];
  const pause =
    initialMs === maxMs
      ? seconds(initialMs)
      : `${seconds(initialMs)}, each time twice as long, up to ${seconds(maxMs)}`;
  return `What fails for a passing reason is tried again after ${pause}, ${until}; a write may take ${seconds(writeTimeoutMs)}. After a dead letter ${then}.`;
}

export function errorWords({ options }: ChannelDefinition): readonly string[] {
  const { limits, content, retention } = options;
  const looked = {
    off: [],
    report: ['Messages are looked at by the definitions of their format; what is wrong is noted, and they go on.'],
    reject: ['Messages are looked at by the definitions of their format; one with errors is refused.'],
  }[options.validation];
  const kept = { full: 'what came, what was sent and the answers', raw: 'what came', metadata: 'no content at all' }[
    content
  ];
  return [
    ...looked,
    'A message that cannot be read, or on which a step fails, becomes an error: it is kept, and goes nowhere until somebody replays it.',
    'A destination that is away keeps its messages in the queue, and goes on by itself when it is back; none becomes a dead letter by that.',
    'A message that a destination refuses for good becomes a dead letter there; the other destinations still get theirs.',
    ...(limits.stepTimeoutMs > 0
      ? [`A step that takes longer than ${seconds(limits.stepTimeoutMs)} is ended, and the message becomes an error.`]
      : []),
    `Kept: ${kept}, for ${retention.contentDays} days.`,
  ];
}

function seconds(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  return ms < 120_000 ? `${ms / 1_000} s` : `${Math.round(ms / 60_000)} min`;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
