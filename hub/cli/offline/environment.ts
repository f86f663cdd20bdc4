import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnvironment } from '../../../core/config/environment.ts';
import type { Problem } from '../../../core/config/problem.ts';
import type { ReferenceSources } from '../../../core/config/references.ts';
import { shownPath } from '../../../core/config/shown-path.ts';
import { isMapping, YamlFile } from '../../../core/config/yaml-file.ts';
import type { Endpoint } from '../../../core/endpoint.ts';
import type { Processing } from '../../../core/processing.ts';
import { readOrNothing, type Settings } from '../../settings.ts';
import { unreadableEnvironment } from '../../unreadable-environment.ts';

/** An environment as it can be read on a machine that need not be the hub's: its secrets may be elsewhere. */
export interface OfflineEnvironment {
  readonly name: string;
  /** As it is shown in problems. */
  readonly file: string;
  /** The file as it is written: for places, and for values before their references are resolved. */
  written(): YamlFile;
  /** Names of its endpoints, also of those that are wrong; undefined where the file cannot be read. */
  readonly names: ReadonlySet<string> | undefined;
  /** The endpoints; a reference that leads nowhere on this machine stands in them as it is written. */
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  /** The zone of times whose sender says none, and of schedules. */
  readonly zone?: string | undefined;
  /** What the hub is for, and which messages it takes; any if absent. */
  readonly processing?: Processing | undefined;
  readonly problems: readonly Problem[];
  /** References that lead nowhere on this machine. */
  readonly unresolved: readonly Problem[];
}

export async function readOfflineEnvironment(
  { channels, environment, stateDir }: Pick<Settings, 'channels' | 'environment' | 'stateDir'>,
  name = environment,
): Promise<OfflineEnvironment> {
  const path = join(channels, 'env', `${name}.yaml`);
  const file = shownPath(path);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    const problem = await unreadableEnvironment(channels, name, file);
    return {
      name,
      file,
      written: lazyYaml(file, ''),
      names: undefined,
      endpoints: {},
      problems: [problem],
      unresolved: [],
    };
  }
  const written = lazyYaml(file, text);
  const real: ReferenceSources = { environment: process.env, readFile: readOrNothing, stateDir };
  const strict = readEnvironment(file, path, text, real);
  const known = { name, file, written };
  if (strict.ok)
    return {
      ...known,
      ...strict.value,
      names: new Set(Object.keys(strict.value.endpoints)),
      problems: [],
      unresolved: [],
    };
  const { value } = written();
  const names = new Set(Object.keys(isMapping(value) && isMapping(value.endpoints) ? value.endpoints : {}));
  const unresolved = strict.problems.filter(({ code }) => code === 'reference-unresolved');
  const places = new Set(unresolved.map(({ line, column }) => `${line}:${column}`));
  const lenient = readEnvironment(file, path, text, withStandIns(real));
  const problems = lenient.ok ? [] : lenient.problems.filter(({ line, column }) => !places.has(`${line}:${column}`));
  return { ...known, ...(lenient.ok ? lenient.value : { endpoints: {} }), names, problems, unresolved };
}

/** Most commands never ask for it. */
function lazyYaml(file: string, text: string): () => YamlFile {
  let yaml: YamlFile | undefined;
  return () => (yaml ??= new YamlFile(file, text));
}

/** What leads nowhere stands for itself, so that everything else can be checked. */
function withStandIns({ environment, readFile: read, stateDir }: ReferenceSources): ReferenceSources {
  const lookup = (name: string) => environment[name] ?? `\${env:${name}}`;
  return {
    environment: new Proxy({}, { get: (_, name) => lookup(String(name)) }),
    readFile: (path) => read(path) ?? `\${file:${path}}`,
    ...(stateDir !== undefined && { stateDir }),
  };
}
