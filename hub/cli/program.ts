import { Command, CommanderError } from 'commander';
import { HubError } from '../../core/errors.ts';
import { weirVersion } from '../version.ts';
import { alarmCommands } from './commands/alarms.ts';
import { alertCommands } from './commands/alerts.ts';
import { channelCommands } from './commands/channels.ts';
import { connectionCommands } from './commands/connections.ts';
import { deviceCommands } from './commands/device.ts';
import { fileCommands } from './commands/files.ts';
import { findCommands } from './commands/find.ts';
import { hubCommands } from './commands/hub.ts';
import { jobCommands } from './commands/jobs.ts';
import { lineageCommands } from './commands/lineage.ts';
import { messageCommands } from './commands/messages.ts';
import type { AddCommands } from './commands/options.ts';
import { reportCommands } from './commands/reports.ts';
import { runningCommands } from './commands/running.ts';
import { tableCommands } from './commands/tables.ts';
import { CommandFailure, type ExitCode, exit, exitFor, exitHelp } from './exit.ts';

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

/** In the order that help shows them. */
const groups: readonly AddCommands[] = [
  runningCommands,
  fileCommands,
  channelCommands,
  findCommands,
  messageCommands,
  lineageCommands,
  jobCommands,
  reportCommands,
  connectionCommands,
  deviceCommands,
  tableCommands,
  alertCommands,
  alarmCommands,
  hubCommands,
];

/** The whole command line; `end` is told the exit code of the command that ran. */
export function commands(end: (code: ExitCode) => void): Command {
  const program = new Command('weir')
    .description('An integration engine for hospitals.')
    .version(weirVersion)
    .exitOverride()
    .showHelpAfterError('(weir --help says more)')
    .addHelpText('after', exitHelp);

  for (const add of groups) add(program, end);
  return program;
}
