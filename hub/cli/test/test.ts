import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectedFilesOf, filesOf } from '../../../core/config/channel-tests.ts';
import { describeProblem, type Problem } from '../../../core/config/problem.ts';
import { addProblems } from '../../../core/config/step-files.ts';
import { interruption } from '../../interruption.ts';
import { counted } from '../check/check.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import { type FolderOptions, inOrder, openFolder } from '../offline/folder.ts';
import { print, printJson } from '../output.ts';
import { readTests, type TestCase } from './read-tests.ts';
import { runCases, type TestResult } from './run-case.ts';
import { updateExpected } from './update.ts';

export interface TestOptions extends FolderOptions {
  readonly watch?: boolean;
  readonly update?: boolean;
  readonly yes?: boolean;
}

interface Round {
  readonly results: readonly TestResult[];
  readonly problems: readonly Problem[];
  readonly skipped: number;
}

/** `weir test [path]`: runs the tests of channels without a hub and without a far end; 1 where one fails or a file is wrong. */
export async function test(path: string | undefined, options: TestOptions): Promise<ExitCode> {
  if (options.update && options.json && !options.yes)
    throw new CommandFailure(exit.usage, '--update with --json asks nothing, so it needs --yes');
  if (options.update && !options.yes && !process.stdin.isTTY)
    throw new CommandFailure(exit.usage, '--update asks for each file: on a terminal; --yes asks for none');
  const seen = new Map<string, string>();
  let round = await runRound(path, options, seen);
  report(round, options);
  if (options.update && (await updateExpected(round.results, options.yes === true)) > 0) {
    round = await runRound(path, options, new Map());
    report(round, options);
  }
  if (options.watch) await watching(path, options, seen);
  return failures(round) > 0 ? exit.failed : exit.done;
}

function failures({ results, problems }: Round): number {
  return problems.length + results.filter(({ unmet }) => unmet.length > 0).length;
}

/** @param seen what each test was when it ran last: one that is still the same is not run again */
async function runRound(path: string | undefined, options: TestOptions, seen: Map<string, string>): Promise<Round> {
  const folder = await openFolder(options, path);
  const { tests, problems } = await readTests(folder);
  const wanted = tests.filter(
    ({ channel }) => folder.only === undefined || join(folder.directory, channel.file) === folder.only,
  );
  const changed: TestCase[] = [];
  for (const each of wanted) {
    const mark = await fingerprint(each);
    const key = `${each.file}:${each.line} ${each.name}`;
    if (seen.get(key) !== mark) changed.push(each);
    seen.set(key, mark);
  }
  const all: Problem[] = [];
  addProblems(all, [...folder.problems, ...problems]);
  return {
    results: await runCases(changed, folder.environment),
    problems: inOrder(all),
    skipped: wanted.length - changed.length,
  };
}

async function fingerprint({ channel, test, folder }: TestCase): Promise<string> {
  const hash = createHash('sha256').update(channel.version).update(JSON.stringify(test));
  for (const file of [...filesOf(test), ...expectedFilesOf(test)])
    hash.update(await readFile(join(folder, file)).catch(() => ''));
  return hash.digest('hex');
}

function report(round: Round, { json }: TestOptions): void {
  const { results, problems, skipped } = round;
  const failed = results.filter(({ unmet }) => unmet.length > 0).length;
  if (json) {
    const tests = results.map(({ of, unmet, ms }) => ({
      ...{ channel: of.channel.definition.name, name: of.name, file: of.file, line: of.line, ms: Math.round(ms) },
      ...{ passed: unmet.length === 0, failures: unmet.map(({ where, lines }) => ({ where, lines })) },
    }));
    printJson({ passed: results.length - failed, failed, problems, tests });
    return;
  }
  for (const problem of problems) print(describeProblem(problem));
  let channel = '';
  for (const { of, unmet } of results) {
    const { name } = of.channel.definition;
    if (name !== channel) print(name);
    channel = name;
    print(unmet.length === 0 ? `  ok      ${of.name}` : `  FAILED  ${of.name}  (${of.file}:${of.line}:${of.column})`);
    for (const { where, lines } of unmet) {
      print(`            ${where}${lines.length === 1 ? `: ${lines[0]}` : ':'}`);
      if (lines.length > 1) for (const line of lines) print(`              ${line}`);
    }
  }
  print(summary(results.length, failed, problems.length, skipped));
}

function summary(ran: number, failed: number, problems: number, skipped: number): string {
  const wrong = problems > 0 ? `; ${counted(problems, 'problem')} in files: weir check says more` : '';
  const same = skipped > 0 ? `, ${skipped} not changed` : '';
  if (ran + skipped === 0) return `no channel has tests yet: see tests: in weir docs channel${wrong}`;
  return failed === 0
    ? `${counted(ran, 'test')} passed${same}${wrong}`
    : `${failed} of ${counted(ran, 'test')} failed${same}${wrong}`;
}

/** Runs what changed whenever a file of the folder does, until Ctrl-C. */
async function watching(path: string | undefined, options: TestOptions, seen: Map<string, string>): Promise<void> {
  const { directory } = await openFolder(options, path);
  const ended = interruption(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const again = async () => {
    try {
      const round = await runRound(path, options, seen);
      if (round.results.length + round.problems.length > 0) report(round, options);
    } catch (thrown) {
      if (!(thrown instanceof Error)) throw thrown;
      print(thrown.message);
    }
  };
  const watcher = watch(directory, { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(again);
    }, 100);
  });
  print('watching; Ctrl-C ends');
  await new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve(), { once: true }));
  clearTimeout(timer);
  watcher.close();
  await running;
}
