import { Option } from 'commander';
import type { ClientOptions } from '../admin-client.ts';
import type { ErrorOptions } from '../errors.ts';
import type { ReportOptions } from '../report.ts';
import { type AddCommands, acting, client, counting, examples } from './options.ts';

/** What an analyst asks every day: how much, what failed, what is stuck, who changed what. */
export const reportCommands: AddCommands = (program, end) => {
  client(
    program.command('report'),
    'Count what was received on a day and how it stands: filtered, queued (still open), sent, errored.',
  )
    .option('--day <day>', 'received on this day, in the time zone of the hub; today if absent')
    .option('--from <day>', 'from this day on')
    .option('--to <day>', 'up to this day, which is included')
    .addOption(
      new Option('--by <what>', 'messages by channel or by type, or what came to each destination')
        .choices(['channel', 'destination', 'type'])
        .default('channel'),
    )
    .option('--channel <name>', 'of this channel')
    .addHelpText(
      'after',
      examples(
        'weir report --day 2026-11-20',
        'weir report --from 2026-11-01 --to 2026-11-30 --by type --channel adt-inbound',
        'weir report --by destination --json',
      ),
    )
    .action(async (options: ReportOptions) => end(await (await import('../report.ts')).report(options)));

  client(program.command('errors'), 'List what failed and nobody has closed; without content.')
    .option('--group', 'by cause: channel, destination, code and text without its ids and numbers')
    .option('--channel <name>', 'of this channel')
    .option('--destination <name>', 'of this destination; not with --group')
    .option('--error <code|signature>', 'with an error of this code, or of one cause as --group names it')
    .option('--limit <n>', 'at most so many; not with --group', '50')
    .option('--cursor <cursor>', 'the page after; not with --group')
    .addHelpText(
      'after',
      examples(
        'weir errors --group',
        'weir errors --error reply-negative/3f9a1c2b',
        'weir errors --channel orders-to-lab --destination lab --json',
      ),
    )
    .action(async (options: ErrorOptions) => end(await (await import('../errors.ts')).errors(options)));

  client(
    program.command('findings'),
    'List what validation found in what senders sent, by code and place, since the channels were started; without content.',
  )
    .option('--channel <name>', 'of this channel, with the ids of the last messages of each kind')
    .addHelpText('after', examples('weir findings', 'weir findings --channel adt-inbound --json'))
    .action(async (options: ClientOptions & { channel?: string }) =>
      end(await (await import('../findings.ts')).findings(options)),
    );

  acting(client(program.command('key'), 'Say what holds up the messages of a patient; this is on the audit trail.'))
    .argument('<identifier>', 'a key: a patient’s number, alone or as <number>^<authority>')
    .option('--channel <name>', 'in this channel')
    .option('--limit <n>', 'parts and dead letters that are listed of each lane', counting, 20)
    .addHelpText(
      'after',
      examples(
        'weir key 4711^HOSP --reason "ward misses a result" --ticket INC-7',
        'weir key 4711 --channel orders-to-lab --reason "ward misses a result"',
      ),
    )
    .action(async (identifier: string, options: ClientOptions & { channel?: string; limit?: number }) =>
      end(await (await import('../key.ts')).key(identifier, options)),
    );

  client(
    program.command('changes'),
    'List who deployed, started, stopped, retried, replayed or skipped what, and why; newest first.',
  )
    .option('--limit <n>', 'at most so many', '50')
    .option('--before <n>', 'before the entry of the audit trail with this number')
    .addHelpText('after', examples('weir changes', 'weir changes --limit 200 --json'))
    .action(async (options: ClientOptions & { limit?: string; before?: string }) =>
      end(await (await import('../changes.ts')).changes(options)),
    );
};
