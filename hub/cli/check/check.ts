import { join } from 'node:path';
import { describeProblem, type Problem } from '../../../core/config/problem.ts';
import { shownPath } from '../../../core/config/shown-path.ts';
import { addProblems } from '../../../core/config/step-files.ts';
import type { YamlFile } from '../../../core/config/yaml-file.ts';
import { endpointsIn } from '../../../core/endpoint-name.ts';
import { loadAlerts } from '../../alerts/alerts-file.ts';
import { type ExitCode, exit } from '../exit.ts';
import { sourceOf } from '../offline/channel-source.ts';
import { type FolderOptions, inOrder, type OfflineFolder, openFolder } from '../offline/folder.ts';
import { print, printJson, table } from '../output.ts';
import { readTests } from '../test/read-tests.ts';
import { clashes } from './clashes.ts';
import { type Opened, openEndpoints } from './connect.ts';
import { databaseDemands } from './database-demands.ts';
import { endpointProblems, unusedEndpoints } from './endpoints.ts';
import { foundationProblems, foundations, openRedis } from './foundations.ts';
import { unusedMaps } from './maps.ts';
import { otherFiles } from './other-files.ts';
import { placedEverywhere } from './placement.ts';
import { unreachable } from './reachability.ts';
import { literalSecrets, mayHoldSecrets } from './secrets.ts';
import { splitTopics } from './split-topics.ts';
import { openTopics, topicDemands } from './topic-demands.ts';

export interface CheckOptions extends FolderOptions {
  readonly connect?: boolean;
  readonly timeoutMs?: number;
}

/** Everything that is wrong with a channels folder, in order of file, line and column. */
export interface Findings {
  readonly problems: readonly Problem[];
  /** What a hub would run with all the same. */
  readonly warnings: readonly Problem[];
}

/** `weir check [path]`: every problem of the folder in one go; 1 where there is one, or where an endpoint cannot be opened. */
export async function check(path: string | undefined, options: CheckOptions): Promise<ExitCode> {
  const inFiles: Problem[] = [];
  const folder = await openFolder(options, path, 'checked', (yaml, text) => {
    inFiles.push(...inFile(yaml, text));
  });
  const { problems, warnings } = ofFile(folder, await findings(folder, inFiles));
  const opened = options.connect ? await openAll(folder, options.timeoutMs ?? 5_000) : [];
  const failed = opened.filter(({ result }) => result === 'failed').length;
  const channels = folder.channels.length;
  if (options.json) printJson({ channels, problems, warnings, ...(options.connect && { endpoints: opened }) });
  else {
    for (const each of inOrder([...problems, ...warnings]))
      print(describeProblem(each) + (warnings.includes(each) ? ' (warning)' : ''));
    if (options.connect) printOpened(folder.environment.name, opened);
    print(summary(channels, problems, warnings, failed));
  }
  return problems.length + failed > 0 ? exit.failed : exit.done;
}

/** Endpoints, and behind them the topics that channels want of their brokers. */
async function openAll(folder: OfflineFolder, timeoutMs: number): Promise<readonly Opened[]> {
  const { endpoints } = folder.environment;
  const opened = await openEndpoints(endpoints, folder.settings.stateDir, timeoutMs, databaseDemands(folder));
  const behind = await Promise.all([
    openRedis(folder.settings, timeoutMs),
    openTopics(topicDemands(folder), endpoints, opened, timeoutMs),
    splitTopics(folder, endpoints, opened, timeoutMs),
  ]);
  return [...opened, ...behind.flat()];
}

/** @param inFiles what was found in channel files while they were read, where somebody looked then */
export async function findings(folder: OfflineFolder, inFiles = afterwards(folder)): Promise<Findings> {
  const { directory, environment, channels, registry } = folder;
  const problems: Problem[] = [];
  addProblems(problems, [...folder.problems, ...environment.problems]);
  addProblems(problems, newOnes(endpointProblems(folder), problems));
  addProblems(problems, foundationProblems(folder));
  addProblems(problems, clashes(folder));
  addProblems(problems, inFiles);
  const alerts = await loadAlerts(join(directory, 'alerts.yaml'), {
    registry,
    ...(environment.names && { endpoints: environment.names }),
    channels: channels.map(({ definition }) => definition.name),
  });
  if (!alerts.ok) addProblems(problems, alerts.problems);
  const sinks = alerts.ok ? alerts.value.sinks.map(({ spec }) => spec) : [];
  const told = new Set(
    sinks
      .flatMap(({ type, config }) => endpointsIn(registry.connectors.get(type)?.config, config))
      .map(({ name }) => name),
  );
  for (const { name } of foundations(folder.settings)) told.add(name);
  const tests = await readTests(folder);
  addProblems(problems, newOnes([...tests.problems, ...tests.unwritten], problems));
  addProblems(problems, await unusedMaps(folder));
  addProblems(problems, newOnes(await otherFiles(folder), problems));
  const unused = await unusedEndpoints(folder, told);
  const placed = eachYaml(folder, placedEverywhere);
  const warnings = inOrder([...environment.unresolved.map(elsewhere), ...unused, ...placed]);
  return { problems: inOrder(problems), warnings };
}

/** What is wrong within one file beside what reading it says. */
function inFile(yaml: YamlFile, text: string): readonly Problem[] {
  return [...unreachable(yaml), ...(mayHoldSecrets.test(text) ? literalSecrets(yaml) : [])];
}

function afterwards(folder: OfflineFolder): readonly Problem[] {
  return eachYaml(folder, inFile);
}

function eachYaml(
  { channels, directory }: OfflineFolder,
  look: (yaml: YamlFile, text: string) => readonly Problem[],
): readonly Problem[] {
  return channels.flatMap((channel) => {
    const { yaml, text } = sourceOf(directory, channel);
    return yaml ? look(yaml, text) : [];
  });
}

/** Without those for which something was said at the same place already. */
function newOnes(more: readonly Problem[], problems: readonly Problem[]): readonly Problem[] {
  const places = new Set(problems.map(({ file, line, column }) => `${file}:${line}:${column}`));
  return more.filter(({ file, line, column }) => !places.has(`${file}:${line}:${column}`));
}

function elsewhere(problem: Problem): Problem {
  return { ...problem, message: `${problem.message} on this machine; the hub needs it when it starts` };
}

/** What concerns the one file that was asked for, where it was one. */
function ofFile({ only }: OfflineFolder, { problems, warnings }: Findings): Findings {
  if (only === undefined) return { problems, warnings };
  const shown = shownPath(only);
  return {
    problems: problems.filter(({ file }) => file === shown),
    warnings: warnings.filter(({ file }) => file === shown),
  };
}

function printOpened(environment: string, opened: readonly Opened[]): void {
  print(`endpoints of ${environment}, opened from this machine:`);
  const columns = [{ title: 'Endpoint' }, { title: 'Kind' }, { title: 'Result' }, { title: 'Detail' }];
  print(
    table(
      columns,
      opened.map(({ endpoint, kind, result, detail }) => [endpoint, kind, result, detail]),
    ),
  );
}

function summary(channels: number, problems: readonly Problem[], warnings: readonly Problem[], failed: number): string {
  const warned = warnings.length > 0 ? `, ${counted(warnings.length, 'warning')}` : '';
  const closed = failed > 0 ? `${counted(failed, 'endpoint')} could not be opened` : '';
  if (problems.length === 0) {
    const right = `${counted(channels, 'channel')} ${channels === 1 ? 'is' : 'are'} right`;
    return closed ? `${right}, but ${closed}${warned}` : `${right}${warned}`;
  }
  const files = new Set(problems.map(({ file }) => file)).size;
  return `${counted(problems.length, 'problem')} in ${counted(files, 'file')}${warned}${closed ? `; ${closed}` : ''}`;
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
