import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { type Endpoint, endpointKinds } from '../endpoint.ts';
import { type Loaded, loaded } from './problem.ts';
import { type ReferenceSources, resolveReferences } from './references.ts';
import { choices } from './registry.ts';
import { dotted, isMapping, type Place, YamlFile } from './yaml-file.ts';

/** What differs between test and production: addresses, certificates, directories. Channels only name them. */
export interface Environment {
  readonly endpoints: Readonly<Record<string, Endpoint>>;
}

/** The kind chooses the other keys; it stands beside them. */
const kindOf = z.looseObject({ kind: z.enum(Object.keys(endpointKinds) as [keyof typeof endpointKinds]) });

/**
 * Reads `env/<name>.yaml`: `endpoints:` by name, each with its `kind`. Relative paths of directories and certificates start at
 * the folder of the file.
 * @param name the file’s name in problems
 */
export function readEnvironment(
  name: string,
  path: string,
  text: string,
  sources: ReferenceSources,
): Loaded<Environment> {
  const file = new YamlFile(name, text);
  const endpoints: Record<string, Endpoint> = {};
  if (file.problems.length === 0) {
    const top = z.strictObject({ endpoints: z.record(z.string(), z.unknown()).default({}) });
    const value = resolveReferences(file, [], file.value ?? {}, sources);
    file.read(top, [], value);
    const given = isMapping(value) && isMapping(value.endpoints) ? value.endpoints : {};
    for (const [endpoint, config] of Object.entries(given)) {
      const read = readEndpoint(file, ['endpoints', endpoint], config, dirname(path));
      if (read) endpoints[endpoint] = read;
    }
  }
  const [first, ...others] = file.problems;
  return first ? { ok: false, problems: [first, ...others] } : loaded({ endpoints });
}

function readEndpoint(file: YamlFile, place: Place, value: unknown, folder: string): Endpoint | undefined {
  if (!isMapping(value) || value.kind === undefined) {
    file.problem(place, 'key-missing', `${dotted(place)}.kind is missing${choices(Object.keys(endpointKinds))}`);
    return undefined;
  }
  const kind = file.read(kindOf, place, value)?.kind;
  if (!kind) return undefined;
  const { kind: _kind, ...rest } = value;
  const read = file.read<z.ZodType>(endpointKinds[kind], place, rest);
  return read === undefined ? undefined : ({ kind, ...(fromFolder(read, folder) as object) } as Endpoint);
}

/** Makes `path` and every `…File` absolute. */
function fromFolder(value: unknown, folder: string): unknown {
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const isPath = typeof each === 'string' && (key === 'path' || key.endsWith('File'));
      return [key, isPath ? (isAbsolute(each) ? each : join(folder, each)) : fromFolder(each, folder)];
    }),
  );
}
