import { text } from 'node:stream/consumers';
import type { ActionReport } from '../../core/runtime/engine.ts';
import type { MessagePage, MessageSummary, PartSummary } from '../../core/store/message-store.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { CommandFailure, type ExitCode, exit } from './exit.ts';
import { assertChannel } from './known-channel.ts';
import { print, printJson, size, table, when } from './output.ts';

export interface FindOptions extends ClientOptions {
  readonly channel?: string;
  readonly destination?: string;
  readonly status?: string;
  readonly from?: string;
  readonly to?: string;
  readonly meta?: readonly string[];
  readonly replayOf?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

/** `weir messages`: newest first, without content. */
export async function messages(options: FindOptions): Promise<ExitCode> {
  const { channel, destination, status, replayOf, limit, cursor } = options;
  const meta = metaOf(options.meta).map(([name, value]) => [`meta.${name}`, value] as const);
  const query = {
    channel,
    destination,
    status,
    replayOf,
    limit,
    cursor,
    from: instant(options.from),
    to: instant(options.to),
  };
  const page = await call<MessagePage>(options, '/api/messages', { query: { ...query, ...Object.fromEntries(meta) } });
  if (options.json) printJson(page);
  else {
    const columns = [
      { title: 'Id' },
      { title: 'Received' },
      { title: 'Channel' },
      { title: 'Type' },
      { title: 'Status' },
      { title: 'Size', align: 'right' as const },
      { title: 'Destinations' },
    ];
    if (page.messages.length > 0) print(table(columns, page.messages.map(row)));
    else if (!page.cursor) {
      await assertChannel(options, channel);
      print('there are no such messages');
    }
    if (page.cursor) print(`more: --cursor ${page.cursor}`);
  }
  return exit.done;
}

function row(message: MessageSummary): readonly string[] {
  const { id, receivedAt, channel, type = '', status } = message;
  return [id, when(receivedAt), channel, type, status, size(message.size), message.parts.map(partText).join(', ')];
}

function partText({ destination, n, status, queued, resolved }: PartSummary): string {
  const name = n === 0 ? destination : `${destination}[${n}]`;
  return `${name} ${status === 'queued' ? (queued ?? status) : resolved ? 'resolved' : status}`;
}

/** What `--meta` was given. */
export function metaOf(pairs: readonly string[] = []): readonly (readonly [name: string, value: string])[] {
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new CommandFailure(exit.usage, `--meta takes name=value, not ${pair}`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
}

/** A day or time as people write it, local where it has no offset. */
export function instant(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text.replace(' ', 'T'));
  if (Number.isNaN(at))
    throw new CommandFailure(exit.usage, `a time is written 2026-03-02 or 2026-03-02T08:15, not ${text}`);
  return String(at);
}

interface ShownMessage extends MessageSummary {
  readonly raw?: string;
  readonly contents: readonly {
    readonly destination: string;
    readonly n: number;
    readonly bytes?: string;
    readonly reply?: string;
  }[];
}

/** `weir show <id>`: with content, which is on the audit trail. */
export async function show(id: string, options: ClientOptions & { readonly raw?: boolean }): Promise<ExitCode> {
  if (!options.reason) throw new CommandFailure(exit.usage, 'reading content needs --reason: it is on the audit trail');
  const message = await call<ShownMessage>(options, `/api/messages/${encodeURIComponent(id)}`, {
    reason: options.reason,
  });
  if (options.json) printJson(message);
  else if (options.raw) process.stdout.write(Buffer.from(message.raw ?? '', 'base64'));
  else {
    print(
      `${message.id}  ${message.channel} #${message.seq}  ${message.type ?? ''}  ${message.status}  ${when(message.receivedAt)}`,
    );
    for (const [name, value] of Object.entries(message.meta)) print(`  ${name}: ${value}`);
    if (message.error) print(`  ${message.error.code}: ${message.error.message}`);
    content('received', message.raw);
    for (const part of message.parts) {
      print(`\n→ ${partText(part)}, attempts ${part.attempts}${part.sentAt ? `, ${when(part.sentAt)}` : ''}`);
      if (part.error) print(`  ${part.error.code}: ${part.error.message}`);
      const own = message.contents.find(({ destination, n }) => destination === part.destination && n === part.n);
      content('sent', own?.bytes);
      content('reply', own?.reply);
    }
  }
  return exit.done;
}

function content(what: string, base64: string | undefined): void {
  if (!base64) return;
  const received = Buffer.from(base64, 'base64').toString('utf8');
  // What a terminal would take as a command is shown, not obeyed.
  const safe = received
    .replace(/\r\n?/g, '\n')
    .replace(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g,
      (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
  print(`\n${what}:\n${safe.trimEnd()}`);
}

export interface ActOptions extends ClientOptions {
  readonly destination?: string;
  readonly confirm?: boolean;
}

/** `weir retry|replay|skip <id…>`. Acting twice acts once; the second time says that there was nothing to do. */
export async function actOnMessages(
  verb: 'retry' | 'replay' | 'skip',
  ids: readonly string[],
  options: ActOptions,
): Promise<ExitCode> {
  const { destination, confirm } = options;
  const body = { ...(destination && { destination }), ...(confirm && { confirmed: true }) };
  const reports: (ActionReport & { readonly id: string })[] = [];
  for (const id of await idsOf(ids)) {
    const report = await call<ActionReport>(options, `/api/messages/${encodeURIComponent(id)}/${verb}`, {
      method: 'POST',
      body,
      reason: 'command line',
    });
    reports.push({ id, ...report });
    if (!options.json) print(described(verb, id, report));
  }
  if (options.json) printJson(reports);
  return exit.done;
}

function described(verb: string, id: string, { parts, messageId }: ActionReport): string {
  if (messageId) return `${id}: replayed as ${messageId}`;
  const names = parts.map(({ destination, n }) => (n === 0 ? destination : `${destination}[${n}]`));
  return names.length > 0 ? `${id}: ${verb} ${names.join(', ')}` : `${id}: nothing to ${verb}`;
}

/** Ids as arguments, or `-` for one a line on standard input. */
async function idsOf(ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length !== 1 || ids[0] !== '-') return ids;
  return (await text(process.stdin)).split(/\s+/).filter((id) => id !== '');
}
