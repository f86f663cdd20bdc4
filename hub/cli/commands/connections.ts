import type { ClientOptions } from '../admin-client.ts';
import { type AddCommands, client, examples } from './options.ts';

export const connectionCommands: AddCommands = (program, end) => {
  client(program.command('conns'), 'List every endpoint in use: who uses it, where it is, how the connection stands.')
    .addHelpText('after', examples('weir conns', 'weir conns --json'))
    .action(async (options: ClientOptions) => end(await (await import('../connections.ts')).connections(options)));

  client(
    program.command('certs'),
    'List the certificates that endpoints name and when they end; 0 while all are valid.',
  )
    .addHelpText('after', examples('weir certs', 'weir certs --json'))
    .action(async (options: ClientOptions) => end(await (await import('../connections.ts')).certificates(options)));
};
