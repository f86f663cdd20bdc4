import { Option } from 'commander';
import type { SendOptions } from '../send/send.ts';
import { type AddCommands, counting, examples, portNumber, positive } from './options.ts';

/** `start` and `send`, which need no hub that runs. */
export const runningCommands: AddCommands = (program, end) => {
  program
    .command('start')
    .description('Run every channel of a folder, until Ctrl-C.')
    .option('--config <file>', 'settings; weir.yaml of the current directory or the nearest above it if absent')
    .option('--channels <folder>', 'where *.channel.yaml and *.channel.ts are')
    .option('--env <name>', 'which env/<name>.yaml of that folder says where endpoints are')
    .option('--state-dir <folder>', 'where messages and events are kept')
    .option('--admin-port <port>', 'port of the admin API; 0 takes a free one', portNumber)
    .option('--admin-host <address>', 'address of the admin API')
    .addOption(new Option('--log-format <format>', 'how to log').choices(['auto', 'pretty', 'json']))
    .addHelpText('after', examples('weir start', 'weir start --channels channels --env demo --state-dir /var/lib/weir'))
    .action(async ({ env, ...options }) =>
      end(await (await import('../start.ts')).start({ ...options, environment: env })),
    );

  program
    .command('send')
    .description('Play HL7 messages from files, directories or standard input (-) over MLLP.')
    .argument('<path...>', 'files with one message, several, or a batch; directories; or -')
    .requiredOption('--to <host:port>', 'where to')
    .option('--rate <n>', 'messages a second over all connections; as fast as answers come if absent', positive)
    .option('--connections <n>', 'connections at once', counting, 1)
    .option('--pipeline <n>', 'messages on their way on one connection; 1 waits for each answer', counting, 1)
    .option('--repeat <n>', 'send everything n times', counting, 1)
    .option('--timeout-ms <n>', 'how long to wait for an answer', counting, 30_000)
    .option('--tls', 'connect with TLS')
    .option('--ca-file <file>', 'PEM file with the authorities to trust; implies --tls')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      examples(
        'weir send adt.hl7 --to localhost:2575',
        'weir send samples/ --to lab.example:6661 --rate 50 --connections 4 --repeat 10',
        'cat batch.hl7 | weir send - --to localhost:2575',
      ),
    )
    .action(async (paths: string[], options: SendOptions) =>
      end(await (await import('../send/send.ts')).send(paths, options)),
    );
};
