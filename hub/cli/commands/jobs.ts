import { type Command, Option } from 'commander';
import type { ClientOptions } from '../admin-client.ts';
import { CommandFailure, exit } from '../exit.ts';
import type { HoldOptions } from '../holds.ts';
import type { BulkOptions } from '../jobs.ts';
import { type AddCommands, acting, client, collect, examples, positive } from './options.ts';

const messageVerbs = {
  retry: 'Send dead letters again: the same bytes, what was sent stays sent.',
  replay: 'Process what was received again, as new messages under the current definition.',
  skip: 'Give up on what is queued, or close dead letters.',
};
const jobVerbs = {
  pause: 'Interrupt a job.',
  resume: 'Go on with a job.',
  cancel: 'End a job; what it did stays done.',
};

/** Verbs on single messages and on all of a filter, what is held back, and the jobs that come of them. */
export const jobCommands: AddCommands = (program, end) => {
  for (const [verb, what] of Object.entries(messageVerbs) as ['retry' | 'replay' | 'skip', string][]) {
    const command = acting(client(program.command(verb), what))
      .argument('[id...]', 'messages; - reads ids from standard input; else a filter says which')
      .option('--channel <name>', 'all of this channel')
      .option('--destination <name>', 'for this destination only')
      .addOption(
        new Option('--status <status>', 'that stand like this; retry and skip take open errors if absent').choices([
          'received',
          'queued',
          'error',
          'sent',
          'filtered',
          'open-error',
        ]),
      )
      .option('--from <time>', 'received at or after')
      .option('--to <time>', 'received before')
      .option('--type <type>', 'of this type: ADT^A08, or ADT for all of them')
      .option('--meta <name=value>', 'with this field; may be repeated', collect, [])
      .option('--error <code|signature>', 'with an error of this code, or of one cause as weir errors --group names it')
      .option('--error-text <text>', 'with an error whose text contains this')
      .option('--confirm', 'although a later message of the same key was sent')
      .addHelpText(
        'after',
        examples(
          `weir ${verb} 0198c0de-0000-7000-8000-000000000000 --reason "lab is back" --ticket INC-7`,
          `weir ${verb} --channel orders-to-lab --from 2026-03-02T08:00 --status error --dry-run`,
          `weir ${verb} --channel orders-to-lab --error reply-negative --rate 20 --yes --reason "lab is back"`,
          `weir ${verb} --error reply-negative/3f9a1c2b --reason "the code is known now"`,
        ),
      );
    bulk(command).action(async (ids: string[], options: BulkOptions) => {
      const { actOnFilter, isFilter } = await import('../jobs.ts');
      if (ids.length > 0 === isFilter(options))
        throw new CommandFailure(exit.usage, `${verb} takes ids of messages, or a filter such as --channel`);
      if (ids.length === 0) return end(await actOnFilter(verb, options));
      end(await (await import('../messages.ts')).actOnMessages(verb, ids, options));
    });
  }

  acting(
    client(
      program.command('hold'),
      'Keep messages from being sent from now on; what follows them with their key waits.',
    ),
  )
    .option('--list', 'say what is held back instead')
    .option('--channel <name>', 'of this channel')
    .option('--destination <name>', 'at this destination; at all of the channel’s if absent')
    .option('--key <identifier>', 'with this key')
    .option('--type <type>', 'of this type: ADT^A08, or ADT for all of them')
    .option('--all', 'everything')
    .addHelpText(
      'after',
      examples(
        'weir hold --channel adt-inbound --type ADT^A40 --reason "merges are being checked" --ticket INC-8',
        'weir hold --list',
      ),
    )
    .action(async (options: HoldOptions) => end(await (await import('../holds.ts')).hold(options)));

  bulk(
    acting(
      client(program.command('release'), 'Let go what a hold holds back, in order and at a rate, then end the hold.'),
    ),
  )
    .argument('[hold...]', 'ids of holds; else what they are about')
    .option('--channel <name>', 'of this channel')
    .option('--destination <name>', 'at this destination')
    .option('--key <identifier>', 'of this key')
    .option('--type <type>', 'of this type')
    .option('--all', 'of everything')
    .addHelpText('after', examples('weir release --channel adt-inbound --type ADT^A40 --rate 20 --reason "checked"'))
    .action(async (ids: string[], options: HoldOptions) =>
      end(await (await import('../holds.ts')).release(ids, options)),
    );

  const jobs = program.command('jobs').description('Look at jobs, pause, resume or cancel them.');
  client(jobs.command('list', { isDefault: true }), 'List the jobs, newest first.')
    .addHelpText('after', examples('weir jobs', 'weir jobs list --json'))
    .action(async (options: ClientOptions) => end(await (await import('../jobs.ts')).listJobs(options)));
  acting(
    client(
      jobs.command('show'),
      'Say how a job stands, and what failed in it; with --reason also the values of its filter.',
    ),
  )
    .argument('<id>')
    .addHelpText('after', examples('weir jobs show 0198c0de-0000-7000-8000-000000000000'))
    .action(async (id: string, options: ClientOptions) => end(await (await import('../jobs.ts')).showJob(id, options)));
  for (const [verb, what] of Object.entries(jobVerbs)) {
    acting(client(jobs.command(verb), what))
      .argument('<id>')
      .addHelpText('after', examples(`weir jobs ${verb} 0198c0de-0000-7000-8000-000000000000 --reason "the lab asks"`))
      .action(async (id: string, options: ClientOptions) =>
        end(await (await import('../jobs.ts')).changeJob(verb, id, options)),
      );
  }
};

function bulk(command: Command): Command {
  return command
    .option('--rate <n>', 'messages a second at most, below live traffic; 50 if absent', positive)
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--yes', 'do it without asking; needed where there is no terminal')
    .option('--wait', 'until the job has ended; 1 where a message failed');
}
