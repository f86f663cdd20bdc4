import { type Command, InvalidArgumentError } from 'commander';
import type { ExitCode } from '../exit.ts';

/** Adds commands to the program; `end` is told the exit code of the one that ran. */
export type AddCommands = (program: Command, end: (code: ExitCode) => void) => void;

/** A command that talks to the hub. */
export function client(command: Command, description: string): Command {
  return command
    .description(description)
    .option('--admin <url>', 'the hub’s admin API; else WEIR_ADMIN, else what weir.yaml says')
    .option('--config <file>', 'settings; weir.yaml of the current directory or the nearest above it if absent')
    .option('--json', 'the answer as JSON');
}

/** A command that changes something, or reads content: who and why is on the audit trail. */
export function acting(command: Command): Command {
  return command
    .option('--reason <text>', 'why; it is on the audit trail')
    .option('--ticket <text>', 'the ticket it belongs to')
    .option('--actor <name>', 'on whose behalf; the operating system’s user if absent');
}

/** A patient as others know them. */
export function ofPatient(command: Command): Command {
  return command
    .option('--authority <name>', 'who assigned the patient’s identifier')
    .option('--type <code>', 'of HL7 table 0203: MR, PI …');
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}

function natural(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === '')
    throw new InvalidArgumentError('a whole number is needed');
  return value;
}

export function counting(text: string): number {
  const value = natural(text);
  if (value === 0) throw new InvalidArgumentError('a whole number above 0 is needed');
  return value;
}

export function portNumber(text: string): number {
  const value = natural(text);
  if (value > 65_535) throw new InvalidArgumentError('a port is at most 65535');
  return value;
}

export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('a number above 0 is needed');
  return value;
}

/** For an option that may be repeated. */
export function collect(text: string, all: readonly string[]): readonly string[] {
  return [...all, text];
}
