import type { ClientOptions } from '../admin-client.ts';
import { type AddCommands, acting, client, counting, examples } from './options.ts';

export const hubCommands: AddCommands = (program, end) => {
  client(program.command('status'), 'Say how the hub stands; 0 while all is well.')
    .addHelpText('after', examples('weir status', 'weir status --json'))
    .action(async (options: ClientOptions) => end(await (await import('../hub-commands.ts')).status(options)));

  client(program.command('watch'), 'Show what goes through each channel of all hubs, each second, until Ctrl-C.')
    .option('--for <seconds>', 'end after so long', counting)
    .addHelpText('after', examples('weir watch', 'weir watch --for 10 --json'))
    .action(async (options: ClientOptions & { readonly for?: number }) =>
      end(await (await import('../watch/watch.ts')).watch(options)),
    );

  acting(client(program.command('deploy'), 'Make the running hub read its channel files anew.'))
    .argument('[name...]', 'these channels only, also those that were undeployed; what has changed if absent')
    .addHelpText(
      'after',
      examples(
        'weir deploy --reason "new ward codes" --ticket CHG-12',
        'weir deploy adt-inbound --reason "the EHR is back"',
      ),
    )
    .action(async (names: string[], options: ClientOptions) =>
      end(await (await import('../hub-commands.ts')).deploy(names, options)),
    );
};
