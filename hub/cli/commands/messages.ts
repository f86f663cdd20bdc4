import { Option } from 'commander';
import type { ClientOptions } from '../admin-client.ts';
import type { FindOptions } from '../messages.ts';
import { type AddCommands, acting, client, collect, examples } from './options.ts';

export const messageCommands: AddCommands = (program, end) => {
  client(program.command('messages'), 'Find messages, newest first; without their content.')
    .option('--channel <name>', 'of this channel')
    .option('--destination <name>', 'with a part for this destination')
    .addOption(
      new Option('--status <status>', 'that stand like this').choices([
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
    .option('--meta <name=value>', 'with this field, e.g. hl7.controlId=ADT00001; may be repeated', collect, [])
    .option('--replay-of <id>', 'that are replays of this one')
    .option('--limit <n>', 'at most so many', '50')
    .option('--cursor <cursor>', 'the page after')
    .addHelpText(
      'after',
      examples('weir messages --status open-error', 'weir messages --channel oru-inbound --from 2026-03-02 --json'),
    )
    .action(async (options: FindOptions) => end(await (await import('../messages.ts')).messages(options)));

  acting(client(program.command('show'), 'Show one message with its content; this is on the audit trail.'))
    .argument('<id>')
    .option('--raw', 'only the bytes as they were received')
    .addHelpText('after', examples('weir show 0198c0de-0000-7000-8000-000000000000 --reason "lab asks for the order"'))
    .action(async (id: string, options: ClientOptions & { raw?: boolean }) =>
      end(await (await import('../messages.ts')).show(id, options)),
    );
};
