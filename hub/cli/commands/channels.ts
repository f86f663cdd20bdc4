import type { ClientOptions } from '../admin-client.ts';
import { type AddCommands, acting, client, examples } from './options.ts';

const channelVerbs = {
  start: 'Start a channel or a destination.',
  stop: 'Stop taking messages, wait for what is in flight.',
  pause: 'Stop taking messages; what is queued goes on being sent.',
  halt: 'Stop at once; what is in flight goes on from the store at the next start.',
};

export const channelCommands: AddCommands = (program, end) => {
  client(program.command('channels'), 'List the channels with their destinations and counts.')
    .argument('[name]', 'one channel only')
    .addHelpText('after', examples('weir channels', 'weir channels adt-inbound --json'))
    .action(async (name: string | undefined, options: ClientOptions) =>
      end(await (await import('../channels.ts')).channels(name, options)),
    );

  acting(
    client(
      program.command('undeploy'),
      'Take a channel away: it takes nothing any more, sends what it has, and goes until `weir deploy <name>` brings it back.',
    ),
  )
    .argument('<name>', 'a channel; its file stays')
    .addHelpText('after', examples('weir undeploy adt-inbound --reason "the EHR moves" --ticket CHG-9'))
    .action(async (name: string, options: ClientOptions) =>
      end(await (await import('../channels.ts')).undeploy(name, options)),
    );

  // What people type first; `start` alone is the hub's.
  for (const verb of ['stop', 'pause', 'halt'] as const)
    acting(client(program.command(verb, { hidden: true }), channelVerbs[verb]))
      .argument('<name>', verb === 'stop' ? 'a channel, or <channel>/<destination>' : 'a channel')
      .action(async (name: string, options: ClientOptions) =>
        end(await (await import('../channels.ts')).changeChannel(verb, name, options)),
      );

  const channel = program.command('channel').description('Start, stop, pause or halt a channel or a destination.');
  for (const [verb, what] of Object.entries(channelVerbs)) {
    acting(client(channel.command(verb), what))
      .argument('<name>', verb === 'start' || verb === 'stop' ? 'a channel, or <channel>/<destination>' : 'a channel')
      .addHelpText('after', examples(`weir channel ${verb} adt-inbound --reason "interface test"`))
      .action(async (name: string, options: ClientOptions) =>
        end(await (await import('../channels.ts')).changeChannel(verb, name, options)),
      );
  }
};
