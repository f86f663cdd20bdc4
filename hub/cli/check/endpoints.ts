import type { Problem } from '../../../core/config/problem.ts';
import { choices } from '../../../core/config/registry.ts';
import { dotted } from '../../../core/config/yaml-file.ts';
import { either } from '../filters/filter-words.ts';
import { sourceOf } from '../offline/channel-source.ts';
import { type OfflineFolder, textOf } from '../offline/folder.ts';
import { type UsedEndpoint, usedEndpoints } from './used-endpoints.ts';

/** Endpoints that are not there, or of a kind that cannot serve what names them. */
export function endpointProblems(folder: OfflineFolder): readonly Problem[] {
  const { environment } = folder;
  if (!environment.names) return [];
  return folder.channels.flatMap((channel) => {
    const wrong = usedEndpoints(channel, folder).flatMap((used) => {
      const what = whatIsWrong(used, folder);
      return what ? [[used, what] as const] : [];
    });
    if (wrong.length === 0) return [];
    const source = sourceOf(folder.directory, channel);
    return wrong.map(([{ place, name, by }, [code, what]]) =>
      source.problem(code, `${source.yaml ? dotted(place) : by}: ${what}`, place, name),
    );
  });
}

function whatIsWrong(
  { name, kinds, type }: UsedEndpoint,
  { environment }: OfflineFolder,
): readonly ['endpoint-unknown' | 'value-invalid', string] | undefined {
  const names = environment.names ?? new Set();
  if (!names.has(name)) return ['endpoint-unknown', `the environment has no endpoint ${name}${choices(names)}`];
  const endpoint = Object.hasOwn(environment.endpoints, name) ? environment.endpoints[name] : undefined;
  if (!endpoint || kinds.length === 0 || kinds.includes(endpoint.kind)) return undefined;
  return ['value-invalid', `${name} is a ${endpoint.kind} endpoint, and ${type} needs ${either(kinds)}`];
}

/**
 * Endpoints that nothing names: neither a channel, nor one that cannot be read, nor `also`. A mistake in a map or a table can keep any
 * channel from being read, so that nothing is said then.
 */
export async function unusedEndpoints(folder: OfflineFolder, also: ReadonlySet<string>): Promise<readonly Problem[]> {
  const { environment, channels, problems } = folder;
  if (!environment.names || problems.some(({ file }) => !/\.channel\.(?:ts|ya?ml)$/.test(file))) return [];
  const used = new Set(channels.flatMap((channel) => usedEndpoints(channel, folder).map(({ name }) => name)));
  const broken = await Promise.all([...new Set(problems.map(({ file }) => file))].map((file) => textOf(file)));
  return [...environment.names].flatMap((name) => {
    if (used.has(name) || also.has(name) || broken.some((text) => text.includes(name))) return [];
    const { line, column } = environment.written().position(['endpoints', name], 'key');
    const message = `endpoints.${name}: nothing uses it`;
    return [{ file: environment.file, line, column, code: 'endpoint-unused' as const, message }];
  });
}
