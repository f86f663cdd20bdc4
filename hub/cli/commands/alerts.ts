import type { ClientOptions } from '../admin-client.ts';
import { type AddCommands, acting, client, examples } from './options.ts';

export const alertCommands: AddCommands = (program, end) => {
  client(program.command('alerts'), 'Show what is wrong now, and whether people are told of it.')
    .option('--history', 'what began and ended instead, the newest first')
    .option('--limit <n>', 'with --history: at most so many', '100')
    .addHelpText('after', examples('weir alerts', 'weir alerts --history --limit 20'))
    .action(async ({ history, ...options }: ClientOptions & { history?: boolean; limit: string }) => {
      const { alertHistory, alerts } = await import('../alerts.ts');
      end(await (history ? alertHistory(options) : alerts(options)));
    });

  client(program.command('silent'), 'Compare what feeds bring with what they should; 1 when one is silent.')
    .addHelpText('after', examples('weir silent', 'weir silent --json'))
    .action(async (options: ClientOptions) => end(await (await import('../alerts.ts')).silent(options)));

  const maintenance = program.command('maintenance').description('Mute the alerts of channels for a while.');
  acting(client(maintenance.command('start'), 'Tell nothing of a channel, or of all that fit a pattern.'))
    .argument('<channel|pattern>', 'a name, or a pattern like lab-*')
    .requiredOption('--for <time>', 'how long: 30min, 2h, 1d; at most 7d')
    .addHelpText('after', examples('weir maintenance start \'lab-*\' --for 2h --reason "laboratory upgrade"'))
    .action(async (channels: string, options: ClientOptions & { for: string }) =>
      end(await (await import('../alerts.ts')).startMaintenance(channels, options)),
    );
  acting(client(maintenance.command('end'), 'End maintenance that was started before its time.'))
    .argument('<id|channel|pattern>', 'as it was started')
    .addHelpText('after', examples('weir maintenance end \'lab-*\' --reason "done early"'))
    .action(async (window: string, options: ClientOptions) =>
      end(await (await import('../alerts.ts')).endMaintenance(window, options)),
    );
  client(maintenance.command('list', { isDefault: true }), 'List the maintenance that is under way.')
    .addHelpText('after', examples('weir maintenance', 'weir maintenance list --json'))
    .action(async (options: ClientOptions) => end(await (await import('../alerts.ts')).listMaintenance(options)));
};
