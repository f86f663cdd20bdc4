import type { Hold } from '../../core/runtime/jobs/job.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { CommandFailure, type ExitCode, exit } from './exit.ts';
import { type BulkOptions, begin } from './jobs.ts';
import { print, printJson, table, when } from './output.ts';

export interface HoldOptions extends BulkOptions {
  readonly list?: boolean;
  readonly key?: string;
  readonly all?: boolean;
}

/** `weir hold`: from now on matching messages queue. */
export async function hold(options: HoldOptions): Promise<ExitCode> {
  if (options.list) return listHolds(options);
  const { channel, destination, key, type, all } = options;
  if (channel === undefined || [key, type, all].filter((each) => each !== undefined).length !== 1)
    throw new CommandFailure(exit.usage, 'hold takes --channel and one of --key, --type and --all; or --list');
  if (!options.reason) throw new CommandFailure(exit.usage, 'holding messages back needs --reason');
  const made = await call<Hold>(options, '/api/holds', {
    method: 'POST',
    reason: options.reason,
    body: { channel, destination, key, type, all },
  });
  if (options.json) printJson(made);
  else print(`hold ${made.id} is in force; weir release ${made.id} ends it`);
  return exit.done;
}

async function listHolds(options: HoldOptions): Promise<ExitCode> {
  const held = (await holds(options)).filter((each) => selects(options, each));
  if (options.json) printJson(held);
  else {
    const titles = ['Hold', 'Channel', 'Destination', 'Holds', 'Since', 'By'].map((title) => ({ title }));
    const rows = held.map((each) => [
      each.id,
      each.channel,
      each.destination ?? 'all',
      each.key !== undefined ? `key ${each.key}` : each.type !== undefined ? `type ${each.type}` : 'everything',
      when(each.at),
      `${each.by.actor}: ${each.by.reason}${each.by.ticket ? ` (${each.by.ticket})` : ''}`,
    ]);
    print(rows.length === 0 ? 'nothing is held back' : table(titles, rows));
  }
  return exit.done;
}

async function holds(options: ClientOptions): Promise<readonly Hold[]> {
  return (await call<{ holds: readonly Hold[] }>(options, '/api/holds', { reason: 'command line' })).holds;
}

function selects({ channel, destination, key, type, all }: HoldOptions, each: Hold): boolean {
  return (
    (channel === undefined || each.channel === channel) &&
    (destination === undefined || each.destination === destination) &&
    (key === undefined || each.key === key) &&
    (type === undefined || each.type === type) &&
    (!all || (each.key === undefined && each.type === undefined))
  );
}

/** `weir release [hold…]`, or by what the holds are about: lets go at a rate, then ends them. */
export async function release(ids: readonly string[], options: HoldOptions): Promise<ExitCode> {
  if (ids.length === 0 && options.channel === undefined)
    throw new CommandFailure(exit.usage, 'release takes ids of holds, or --channel; weir hold --list names them');
  const held = await holds(options);
  const chosen = ids.length > 0 ? ids : held.filter((each) => selects(options, each)).map(({ id }) => id);
  if (chosen.length === 0) throw new CommandFailure(exit.notFound, 'there is no such hold');
  let worst: ExitCode = exit.done;
  for (const id of chosen) {
    const code = await begin({ verb: 'release', hold: id }, options);
    if (code !== exit.done) worst = code;
  }
  return worst;
}
