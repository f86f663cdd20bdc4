import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { HubError } from '../../core/errors.ts';
import { weirVersion } from '../version.ts';
import type { ClientOptions } from './admin-client.ts';
import { CommandFailure, type ExitCode, exit, exitFor, exitHelp } from './exit.ts';
import type { ActOptions, FindOptions } from './messages.ts';
import type { SendOptions } from './send/send.ts';

/** Runs the command line and resolves with the process's exit code; what went wrong is one message on standard error. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exit.done;
  const program = commands((ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(argv as string[]);
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exit.done : exit.usage;
    if (!(thrown instanceof CommandFailure) && !(thrown instanceof HubError)) throw thrown;
    process.stderr.write(`weir: ${thrown.message}\n`);
    return thrown instanceof HubError ? exitFor(thrown.code) : thrown.exit;
  }
}

/** The whole command line; `end` is told the exit code of the command that ran. */
export function commands(end: (code: ExitCode) => void): Command {
  const program = new Command('weir')
    .description('An integration engine for hospitals.')
    .version(weirVersion)
    .exitOverride()
    .showHelpAfterError('(weir --help says more)')
    .addHelpText('after', exitHelp);

  program
    .command('start')
    .description('Run every channel of a folder, until Ctrl-C.')
    .option('--config <file>', 'settings; weir.yaml of the current directory if there is one')
    .option('--channels <folder>', 'where *.channel.yaml and *.channel.ts are')
    .option('--env <name>', 'which env/<name>.yaml of that folder says where endpoints are')
    .option('--state-dir <folder>', 'where messages and events are kept')
    .option('--admin-port <port>', 'port of the admin API; 0 takes a free one', portNumber)
    .option('--admin-host <address>', 'address of the admin API')
    .addOption(new Option('--log-format <format>', 'how to log').choices(['auto', 'pretty', 'json']))
    .addHelpText('after', examples('weir start', 'weir start --channels channels --env demo --state-dir /var/lib/weir'))
    .action(async ({ env, ...options }) =>
      end(await (await import('./start.ts')).start({ ...options, environment: env })),
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
      end(await (await import('./send/send.ts')).send(paths, options)),
    );

  client(program.command('channels'), 'List the channels with their destinations and counts.')
    .argument('[name]', 'one channel only')
    .addHelpText('after', examples('weir channels', 'weir channels adt-inbound --json'))
    .action(async (name: string | undefined, options: ClientOptions) =>
      end(await (await import('./channels.ts')).channels(name, options)),
    );

  const channel = program.command('channel').description('Start, stop, pause or halt a channel or a destination.');
  for (const [verb, what] of Object.entries(channelVerbs)) {
    acting(client(channel.command(verb), what))
      .argument('<name>', verb === 'start' || verb === 'stop' ? 'a channel, or <channel>/<destination>' : 'a channel')
      .addHelpText('after', examples(`weir channel ${verb} adt-inbound --reason "interface test"`))
      .action(async (name: string, options: ClientOptions) =>
        end(await (await import('./channels.ts')).changeChannel(verb, name, options)),
      );
  }

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
    .action(async (options: FindOptions) => end(await (await import('./messages.ts')).messages(options)));

  acting(client(program.command('show'), 'Show one message with its content; this is on the audit trail.'))
    .argument('<id>')
    .option('--raw', 'only the bytes as they were received')
    .addHelpText('after', examples('weir show 0198c0de-0000-7000-8000-000000000000 --reason "lab asks for the order"'))
    .action(async (id: string, options: ClientOptions & { raw?: boolean }) =>
      end(await (await import('./messages.ts')).show(id, options)),
    );

  for (const [verb, what] of Object.entries(messageVerbs) as ['retry' | 'replay' | 'skip', string][]) {
    acting(client(program.command(verb), what))
      .argument('<id...>', 'messages; - reads ids from standard input')
      .option('--destination <name>', 'for this destination only')
      .option('--confirm', 'although a later message of the same key was sent')
      .addHelpText(
        'after',
        examples(`weir ${verb} 0198c0de-0000-7000-8000-000000000000 --reason "lab is back" --ticket INC-7`),
      )
      .action(async (ids: string[], options: ActOptions) =>
        end(await (await import('./messages.ts')).actOnMessages(verb, ids, options)),
      );
  }

  client(program.command('status'), 'Say how the hub stands; 0 while all is well.')
    .addHelpText('after', examples('weir status', 'weir status --json'))
    .action(async (options: ClientOptions) => end(await (await import('./hub-commands.ts')).status(options)));

  acting(client(program.command('deploy'), 'Make the running hub read its channel files anew.'))
    .addHelpText('after', examples('weir deploy --reason "new ward codes" --ticket CHG-12'))
    .action(async (options: ClientOptions) => end(await (await import('./hub-commands.ts')).deploy(options)));

  return program;
}

const channelVerbs = {
  start: 'Start a channel or a destination.',
  stop: 'Stop taking messages, wait for what is in flight.',
  pause: 'Stop taking messages; what is queued goes on being sent.',
  halt: 'Stop at once; what is in flight goes on from the store at the next start.',
};

const messageVerbs = {
  retry: 'Send dead letters again: the same bytes, what was sent stays sent.',
  replay: 'Process what was received again, as a new message under the current definition.',
  skip: 'Give up on what is queued, or close dead letters.',
};

function client(command: Command, description: string): Command {
  return command
    .description(description)
    .option('--admin <url>', 'the hub’s admin API; else WEIR_ADMIN, else what weir.yaml says')
    .option('--config <file>', 'settings; weir.yaml of the current directory if there is one')
    .option('--json', 'the answer as JSON');
}

function acting(command: Command): Command {
  return command
    .option('--reason <text>', 'why; it is on the audit trail')
    .option('--ticket <text>', 'the ticket it belongs to')
    .option('--actor <name>', 'on whose behalf; the operating system’s user if absent');
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}

function natural(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === '')
    throw new InvalidArgumentError('a whole number is needed');
  return value;
}

function counting(text: string): number {
  const value = natural(text);
  if (value === 0) throw new InvalidArgumentError('a whole number above 0 is needed');
  return value;
}

function portNumber(text: string): number {
  const value = natural(text);
  if (value > 65_535) throw new InvalidArgumentError('a port is at most 65535');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('a number above 0 is needed');
  return value;
}

function collect(text: string, all: readonly string[]): readonly string[] {
  return [...all, text];
}
