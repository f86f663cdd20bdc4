import { readFile } from 'node:fs/promises';
import { choices } from '../../../core/config/registry.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import { describeDifference, laidOut } from '../offline/difference.ts';
import { channelNamed, type FolderOptions, openFolder } from '../offline/folder.ts';
import { print, printJson } from '../output.ts';
import { messagesIn } from '../test/run-case.ts';
import type { DestinationTrace, StepTrace, Trace } from './trace.ts';
import { Walk } from './walk.ts';

export interface TryOptions extends FolderOptions {
  readonly destination?: string;
}

/** `weir try <channel> <message-file>`: what each step makes of a message, and who would get what; 1 where it becomes an error. */
export async function tryMessage(name: string, file: string, options: TryOptions): Promise<ExitCode> {
  const folder = await openFolder(options);
  const channel = channelNamed(folder, name);
  const { definition } = channel;
  const names = definition.destinations.map((each) => each.name);
  if (options.destination !== undefined && !names.includes(options.destination))
    throw new CommandFailure(
      exit.notFound,
      `${definition.name} has no destination ${options.destination}${choices(names)}`,
    );
  const walk = new Walk(channel, folder, Date.now());
  const traces: Trace[] = [];
  for (const [index, raw] of messagesIn(await contentOf(file), definition).entries())
    traces.push(await walk.message(raw, index + 1, options.destination));
  if (options.json) printJson(traces.map(asJson));
  else for (const trace of traces) printTrace(trace);
  return traces.some(hasError) ? exit.failed : exit.done;
}

async function contentOf(file: string): Promise<Buffer> {
  if (file !== '-')
    return readFile(file).catch((thrown: NodeJS.ErrnoException) => {
      throw new CommandFailure(exit.failed, `${file}: it cannot be read (${thrown.code})`, { cause: thrown });
    });
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function hasError({ ended, destinations }: Trace): boolean {
  return (ended !== undefined && ended !== 'filtered') || destinations.some(({ result }) => result === 'error');
}

function asJson(trace: Trace) {
  const destinations = trace.destinations.map((each) => ({
    ...each,
    steps: each.steps.map(stepAsJson),
    outputs: each.outputs.map((bytes) => Buffer.from(bytes).toString('utf8')),
  }));
  return { ...trace, route: trace.route.map(stepAsJson), steps: trace.steps.map(stepAsJson), destinations };
}

function stepAsJson({ outputs, ...step }: StepTrace) {
  const told = outputs?.map(({ differences, whole }) => ({
    changes: differences.map(({ at, expected, actual }) => ({ at, before: expected, after: actual })),
    ...(whole !== undefined && { whole }),
  }));
  return { ...step, ...(told && { outputs: told }) };
}

function printTrace({ message, route, keys, ended, steps, destinations }: Trace): void {
  print(`${message}`);
  for (const step of route) printStep(step, '  ');
  if (ended === 'filtered') {
    print('  filtered: it goes nowhere\n');
    return;
  }
  if (ended && steps.length === 0) {
    print(`  error ${ended.code}: ${ended.message}\n`);
    return;
  }
  print(`  key: ${keys.length > 0 ? keys.join(', ') : 'none: in order with all others that have none'}`);
  for (const step of steps) printStep(step, '  ');
  if (ended) print('  it becomes an error, and goes nowhere');
  for (const each of destinations) printDestination(each);
  print('');
}

function printDestination({ destination, type, result, steps, outputs, error }: DestinationTrace): void {
  const said = {
    gets: outputs.length === 1 ? 'gets it' : `gets ${outputs.length} messages`,
    filtered: 'does not get it',
    error: 'gets nothing: an error',
  };
  print(`\n  → ${destination} (${type}): ${said[result]}`);
  for (const step of steps) printStep(step, '    ');
  if (error && !steps.some((step) => step.error)) print(`    error ${error.code}: ${error.message}`);
  const shown = steps.flatMap((step) => step.outputs?.map(({ whole }) => whole) ?? []).slice(-outputs.length);
  for (const [index, bytes] of outputs.entries()) {
    // The last step has shown it already, as a whole.
    if (laidOut(bytes) === shown[index]) continue;
    if (outputs.length > 1) print(`    ${index + 1}:`);
    for (const line of laidOut(bytes).split('\n')) print(`      ${line}`);
  }
}

function printStep({ step, passes, because = [], outputs, error }: StepTrace, indent: string): void {
  if (error) {
    print(`${indent}${step}: error ${error.code}: ${error.message}`);
    return;
  }
  if (passes !== undefined) {
    print(`${indent}${step}: ${passes ? 'passes' : 'does not pass'}`);
    for (const reason of because) print(`${indent}  ${reason}`);
    return;
  }
  const count = outputs?.length ?? 0;
  print(`${indent}${step}:${count === 1 ? '' : ` ${count} outputs`}`);
  for (const [index, { differences, whole }] of (outputs ?? []).entries()) {
    const inner = count > 1 ? `${indent}    ` : `${indent}  `;
    if (count > 1) print(`${indent}  ${index + 1}:`);
    if (whole !== undefined) for (const line of whole.split('\n')) print(`${inner}${line}`);
    else if (differences.length === 0) print(`${inner}changes nothing`);
    for (const difference of differences) print(`${inner}${describeDifference(difference, ['before', 'after'])}`);
  }
}
