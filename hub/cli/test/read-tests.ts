import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import {
  type ChannelTest,
  channelTest,
  expectedFilesOf,
  expectedOf,
  filesOf,
  responsesOf,
} from '../../../core/config/channel-tests.ts';
import type { LoadedChannel } from '../../../core/config/channels-folder.ts';
import type { Problem } from '../../../core/config/problem.ts';
import { choices } from '../../../core/config/registry.ts';
import { shownPath } from '../../../core/config/shown-path.ts';
import { isMapping, type Place, YamlFile } from '../../../core/config/yaml-file.ts';
import { sourceOf } from '../offline/channel-source.ts';
import { type OfflineFolder, textOf } from '../offline/folder.ts';
import { testFile } from './test-file.ts';

/** A test of a channel, ready to run. */
export interface TestCase {
  readonly channel: LoadedChannel;
  readonly test: ChannelTest;
  readonly name: string;
  /** Where it stands. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The folder that its paths start at. */
  readonly folder: string;
}

export interface Tests {
  readonly tests: readonly TestCase[];
  readonly problems: readonly Problem[];
  /** Files that are expected and not there: `weir test --update` writes them. */
  readonly unwritten: readonly Problem[];
}

/** The `tests:` of YAML channels and those of `*.test.yaml` files; what names nothing that is there is a problem. */
export async function readTests(folder: OfflineFolder): Promise<Tests> {
  const tests: TestCase[] = [];
  const problems: Problem[] = [];
  const unwritten: Problem[] = [];
  for (const channel of folder.channels) {
    const source = sourceOf(folder.directory, channel);
    const yaml = channel.definition.options.tests.length > 0 ? source.yaml : undefined;
    if (!yaml) continue;
    tests.push(...testsIn(yaml, dirname(source.path), channel, unwritten));
    problems.push(...yaml.problems);
  }
  for (const path of await testFiles(folder.directory)) {
    const yaml = new YamlFile(shownPath(path), await textOf(path));
    const read =
      yaml.problems.length === 0 && yaml.read(testFile.extend({ tests: z.array(z.unknown()) }), [], yaml.value);
    const channel = read ? folder.channels.find(({ definition }) => definition.name === read.channel) : undefined;
    if (channel) tests.push(...testsIn(yaml, dirname(path), channel, unwritten));
    else if (read) {
      const known = folder.channels.map(({ definition }) => definition.name);
      yaml.problem(['channel'], 'value-invalid', `channel: there is no channel ${read.channel}${choices(known)}`);
    }
    problems.push(...yaml.problems);
  }
  const order = new Map(folder.channels.map((channel, index) => [channel, index]));
  tests.sort((a, b) => order.get(a.channel)! - order.get(b.channel)!);
  return { tests, problems, unwritten };
}

function testsIn(yaml: YamlFile, folder: string, channel: LoadedChannel, unwritten: Problem[]): readonly TestCase[] {
  const list: unknown = isMapping(yaml.value) ? yaml.value.tests : undefined;
  return (Array.isArray(list) ? list : []).flatMap((value, index) => {
    const place = ['tests', index];
    const test = yaml.read(channelTest, place, value);
    if (!test) return [];
    const wrong = checkDestinations(yaml, place, test, channel);
    const absent = missing(yaml, place, test, filesOf(test), folder);
    yaml.problems.push(...absent);
    if (wrong.length + absent.length > 0) return [];
    const hint = ' yet; weir test --update writes it';
    unwritten.push(...missing(yaml, place, test, expectedFilesOf(test), folder, hint));
    const name = test.name ?? `test ${index + 1}`;
    return [{ channel, test, name, file: yaml.file, ...yaml.position(place), folder }];
  });
}

function checkDestinations(yaml: YamlFile, place: Place, test: ChannelTest, { definition }: LoadedChannel): string[] {
  const names = definition.destinations.map(({ name }) => name);
  const named = [
    ...[...expectedOf(test).keys()].map((name) => [[...place, name], name] as const),
    ...[...responsesOf(test).keys()].map((name) => [[...place, 'responses', name], name] as const),
  ];
  const unknown = named.filter(([, name]) => !names.includes(name));
  for (const [at, name] of unknown)
    yaml.keyProblem(at, 'destination-unknown', `${at.join('.')}: no destination ${name}${choices(names)}`);
  return unknown.map(([, name]) => name);
}

/** Where a test names a file that is not there. */
function missing(
  yaml: YamlFile,
  place: Place,
  test: ChannelTest,
  names: readonly string[],
  folder: string,
  hint = '',
): readonly Problem[] {
  return names.flatMap((name) => {
    if (existsSync(join(folder, name))) return [];
    const key = Object.keys(test).find((each) =>
      JSON.stringify(test[each as keyof ChannelTest]).includes(JSON.stringify(name)),
    );
    const at = key === undefined ? place : [...place, key];
    const message = `${at.join('.')}: there is no file ${name}${hint}`;
    return [{ file: yaml.file, ...yaml.position(at), code: 'file-unreadable' as const, message }];
  });
}

async function testFiles(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry): Promise<readonly string[]> => {
      if (entry.name === 'node_modules' || entry.name.startsWith('.')) return [];
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return testFiles(path);
      return entry.name.endsWith('.test.yaml') ? [path] : [];
    }),
  );
  return found.flat().sort();
}
