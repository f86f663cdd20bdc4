import type { ClientOptions } from '../admin-client.ts';
import { type AddCommands, acting, client, examples } from './options.ts';

export const hubCommands: AddCommands = (program, end) => {
  client(program.command('status'), 'Say how the hub stands; 0 while all is well.')
    .addHelpText('after', examples('weir status', 'weir status --json'))
    .action(async (options: ClientOptions) => end(await (await import('../hub-commands.ts')).status(options)));

  acting(client(program.command('deploy'), 'Make the running hub read its channel files anew.'))
    .addHelpText('after', examples('weir deploy --reason "new ward codes" --ticket CHG-12'))
    .action(async (options: ClientOptions) => end(await (await import('../hub-commands.ts')).deploy(options)));
};
