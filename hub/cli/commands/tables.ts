import type { ClientOptions } from '../admin-client.ts';
import { type AddCommands, acting, client, examples } from './options.ts';

export const tableCommands: AddCommands = (program, end) => {
  const tables = program.command('tables').description('Look at code tables and at the codes that they do not have.');
  client(tables.command('list', { isDefault: true }), 'List the code tables in force.')
    .addHelpText('after', examples('weir tables list', 'weir tables list --json'))
    .action(async (options: ClientOptions) => end(await (await import('../tables.ts')).tables(options)));
  acting(
    client(
      tables.command('unknown'),
      'List codes that were passed on because a table did not have them; this is on the audit trail.',
    ),
  )
    .argument('[table]', 'of one table only')
    .addHelpText('after', examples('weir tables unknown', 'weir tables unknown patient-class --json'))
    .action(async (table: string | undefined, options: ClientOptions) =>
      end(await (await import('../tables.ts')).unknownCodes(table, options)),
    );
};
