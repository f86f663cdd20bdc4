import type { Hop } from '../../core/search/search-index.ts';
import type { FindAnswer } from '../admin/find-routes.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { type ExitCode, exit } from './exit.ts';
import { instant } from './messages.ts';
import { print, printJson, table, when } from './output.ts';

export interface FindMessagesOptions extends ClientOptions {
  readonly text?: boolean;
  readonly at?: string;
  readonly channel?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
}

const columns = [
  { title: 'Time' },
  { title: 'Channel' },
  { title: 'Type' },
  { title: 'MSH-10' },
  { title: 'Status' },
  { title: 'Answer' },
  { title: 'Message' },
] as const;

/** `weir find <identifier>`: each message with what each destination was sent and answered below it, in order of receipt. */
export async function find(identifier: string, options: FindMessagesOptions): Promise<ExitCode> {
  const { channel, limit } = options;
  const query = {
    q: identifier,
    in: options.text ? 'text' : 'identifiers',
    path: options.at,
    channel,
    limit,
    from: instant(options.from),
    to: instant(options.to),
  };
  const found = await call<FindAnswer>(options, '/api/find', { query, reason: 'command line' });
  if (options.json) {
    printJson(found);
    return exit.done;
  }
  if (found.hops.length > 0) print(table(columns, found.hops.flatMap(rows)));
  else print('nothing was found');
  if (found.more) print('there is more: --from, --to and --limit say of what');
  if (found.indexedUpTo !== undefined)
    print(`indexed up to ${when(found.indexedUpTo)}: what was received from then on is not found yet`);
  print(`on the audit trail as ${found.subject}`);
  return exit.done;
}

function rows(hop: Hop): readonly (readonly string[])[] {
  const { id, receivedAt, channel, type = '', status, facts, parts, error, replayOf, by } = hop;
  const joined = replayOf ? ` (replay of ${replayOf})` : by === 'topic' ? ' (through a topic)' : '';
  const own = [when(receivedAt), channel, type, facts.controlId ?? '', status, error?.message ?? '', `${id}${joined}`];
  const below = parts.map((part) => {
    const name = part.n === 0 ? part.destination : `${part.destination}[${part.n}]`;
    const answer = [part.facts.ackCode, part.facts.ackText, part.error && `${part.error.code}: ${part.error.message}`];
    const standing = part.status === 'queued' ? (part.queued ?? part.status) : part.resolved ? 'resolved' : part.status;
    return [
      part.sentAt === undefined ? '' : when(part.sentAt),
      `  → ${name}`,
      '',
      part.facts.controlId ?? '',
      standing,
      answer.filter(Boolean).join(' '),
      '',
    ];
  });
  return [own, ...below].map((row) => row.map(printable));
}

/** What a terminal would take as a command, or as a new line, is not in what is shown of content. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
