import { isDeepStrictEqual } from 'node:util';
import { describeProblem } from '../../../core/config/problem.ts';
import { isMapping } from '../../../core/config/yaml-file.ts';
import { usedEndpoints } from '../check/used-endpoints.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import { type OfflineEnvironment, readOfflineEnvironment } from '../offline/environment.ts';
import { type FolderOptions, openFolder } from '../offline/folder.ts';
import { print, printJson, table } from '../output.ts';

/** One key of an endpoint that two environments do not have alike; undefined where one does not have it. */
interface Changed {
  readonly endpoint: string;
  readonly key: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** `weir diff <from> <to>`: what a promotion changes, by channel. Values are shown as the files have them: secrets are references there. */
export async function diff(from: string, to: string, options: FolderOptions): Promise<ExitCode> {
  const folder = await openFolder({ ...options, env: to });
  const [before, after] = [await readOfflineEnvironment(folder.settings, from), folder.environment];
  for (const each of [before, after]) readable(each);
  const changed = changesBetween(before, after);
  const named = new Map<string, string[]>();
  for (const channel of folder.channels)
    for (const { name } of usedEndpoints(channel, folder)) {
      const users = named.get(name) ?? [];
      if (!users.includes(channel.definition.name)) named.set(name, [...users, channel.definition.name]);
    }
  const rows = changed.flatMap((each) =>
    (named.get(each.endpoint) ?? ['(no channel)']).map((channel) => ({ channel, ...each })),
  );
  const sorted = rows.toSorted((a, b) => (a.channel === b.channel ? 0 : a.channel < b.channel ? -1 : 1));
  const missing = [...named.keys()].filter((name) => !after.names?.has(name));
  if (options.json) printJson({ from, to, changes: sorted, missing });
  else {
    if (sorted.length > 0) {
      const columns = [{ title: 'Channel' }, { title: 'Endpoint' }, { title: 'Key' }, { title: from }, { title: to }];
      print(
        table(
          columns,
          sorted.map((each) => [each.channel, each.endpoint, each.key, each.from ?? '-', each.to ?? '-']),
        ),
      );
    }
    for (const name of missing) print(`${to} has no endpoint ${name}, which ${named.get(name)!.join(', ')} needs`);
    print(
      sorted.length === 0
        ? `${from} and ${to} say the same`
        : `${changed.length} differences between ${from} and ${to}`,
    );
  }
  return missing.length > 0 ? exit.failed : exit.done;
}

/** Throws CommandFailure where an environment cannot be compared. */
function readable({ name, names, problems }: OfflineEnvironment): void {
  if (names === undefined) throw new CommandFailure(exit.notFound, `${describeProblem(problems[0]!)}`);
  const syntax = problems.filter(({ code }) => code === 'yaml-syntax');
  if (syntax.length > 0)
    throw new CommandFailure(exit.failed, `the environment ${name} is no YAML: ${describeProblem(syntax[0]!)}`);
}

function changesBetween(before: OfflineEnvironment, after: OfflineEnvironment): readonly Changed[] {
  const [a, b] = [sectionsOf(before), sectionsOf(after)];
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((endpoint) => {
    const [left, right] = [a.get(endpoint), b.get(endpoint)];
    if (left === undefined) return [{ endpoint, key: 'endpoint', from: undefined, to: kindOf(right) }];
    if (right === undefined) return [{ endpoint, key: 'endpoint', from: kindOf(left), to: undefined }];
    return inside(endpoint, '', left, right);
  });
}

/** The endpoints by name, and whatever else an environment says. */
function sectionsOf({ written }: OfflineEnvironment): ReadonlyMap<string, unknown> {
  const { value } = written();
  const { endpoints, ...others } = isMapping(value) ? value : {};
  return new Map([...Object.entries(isMapping(endpoints) ? endpoints : {}), ...Object.entries(others)]);
}

function kindOf(endpoint: unknown): string {
  return isMapping(endpoint) ? String(endpoint.kind ?? 'there') : asText(endpoint);
}

function inside(endpoint: string, at: string, from: unknown, to: unknown): readonly Changed[] {
  if (isDeepStrictEqual(from, to)) return [];
  if (!isMapping(from) || !isMapping(to))
    return [{ endpoint, key: at || 'value', from: shown(at, from), to: shown(at, to) }];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((key) =>
    inside(endpoint, at ? `${at}.${key}` : key, from[key], to[key]),
  );
}

const secretKey = /(?:pass(?:word|phrase)|secret|token|privateKey)$/i;
const reference = /^\$\{(?:env|file):[^}]+\}$/;

/** A secret that stands in the file although it must not is never told. */
function shown(key: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return secretKey.test(key) && !(typeof value === 'string' && reference.test(value))
    ? '(a value that is no reference)'
    : asText(value);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
