import type { FindMessagesOptions } from '../find.ts';
import { type AddCommands, acting, client, examples } from './options.ts';

export const findCommands: AddCommands = (program, end) => {
  acting(
    client(
      program.command('find'),
      'Find what became of a patient’s, visit’s, order’s or accession’s messages, over all channels on one timeline; this is on the audit trail.',
    ),
  )
    .argument(
      '<identifier>',
      'a patient id, alone or as 4711^^^HOSP, a visit, order, accession or control id, or a message’s own',
    )
    .option('--text', 'find it as any part of a message; needs search.freeText in weir.yaml')
    .option('--at <path>', 'find it as all of the value there, e.g. PID-5.1, in any case')
    .option('--channel <name>', 'in this channel only, without what is joined to it elsewhere')
    .option('--from <time>', 'received at or after')
    .option('--to <time>', 'received before')
    .option('--limit <n>', 'at most so many, the newest', '100')
    .addHelpText(
      'after',
      examples(
        'weir find 4711001',
        'weir find 4711001^^^HOSP --from 2026-03-02 --reason "ward asks" --ticket INC-7',
        'weir find Berger --at PID-5.1',
        'weir find ADT00001 --json',
      ),
    )
    .action(async (identifier: string, options: FindMessagesOptions) =>
      end(await (await import('../find.ts')).find(identifier, options)),
    );
};
