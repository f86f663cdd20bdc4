import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { type Endpoint, endpointKinds } from '../endpoint.ts';
import type { Processing } from '../processing.ts';
import { type Loaded, loaded } from './problem.ts';
import { type ReferenceSources, resolveReferences } from './references.ts';
import { choices } from './registry.ts';
import { dotted, isMapping, type Place, YamlFile } from './yaml-file.ts';

/** What differs between test and production: addresses, certificates, directories. Channels only name them. */
export interface Environment {
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  /** The IANA zone of times whose sender says none, and of schedules. */
  readonly zone?: string;
  /** What the hub is for; anything is accepted where it is not said. */
  readonly processing?: Processing;
}

const processingId = z.enum(['P', 'T', 'D']);

/** The keys of an environment file. */
export const environmentKeys = z.strictObject({
  endpoints: z.record(z.string(), z.unknown()).default({}).describe('Endpoints by the names that channels use.'),
  zone: z
    .string()
    .refine(isZone, 'a time zone like Europe/Berlin')
    .optional()
    .describe(
      'The IANA zone of times that say none, where neither map nor sender profile names one, and of schedules.',
    ),
  processing: processingId
    .optional()
    .describe('What the hub is for: `P` production, `T` training and tests, `D` debugging (HL7 table 0103).'),
  acceptProcessing: z
    .array(processingId)
    .min(1)
    .optional()
    .describe(
      'Messages of which MSH-11 are taken; any other is refused with AR. If absent, `P` takes P only, `T` and `D` take all.',
    ),
});

/** A message that says nothing of its processing is taken as one of production. */
const accepted = { P: ['P'], T: ['P', 'T', 'D'], D: ['P', 'T', 'D'] } as const;

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The kind chooses the other keys; it stands beside them. */
const kindOf = z.looseObject({ kind: z.enum(Object.keys(endpointKinds) as [keyof typeof endpointKinds]) });

/**
 * Reads `env/<name>.yaml`: `endpoints:` by name, each with its `kind`. Relative paths of directories, certificates and
 * `${file:…}` start at the folder of the file.
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
  let read: z.output<typeof environmentKeys> | undefined;
  if (file.problems.length === 0) {
    const fromHere = (name: string) => sources.readFile(isAbsolute(name) ? name : join(dirname(path), name));
    const value = resolveReferences(file, [], file.value ?? {}, { ...sources, readFile: fromHere });
    read = file.read(environmentKeys, [], value);
    const given = isMapping(value) && isMapping(value.endpoints) ? value.endpoints : {};
    const written = isMapping(file.value) && isMapping(file.value.endpoints) ? file.value.endpoints : {};
    for (const [endpoint, config] of Object.entries(given)) {
      const place = ['endpoints', endpoint];
      const one = readEndpoint(file, place, config, dirname(path));
      if (!one) continue;
      checkSecrets(file, place, written[endpoint], schemaOf(one.kind));
      endpoints[endpoint] = one;
    }
  }
  const [first, ...others] = file.problems;
  if (first) return { ok: false, problems: [first, ...others] };
  const { zone, processing, acceptProcessing } = read ?? {};
  return loaded({
    endpoints,
    ...(zone !== undefined && { zone }),
    ...(processing !== undefined && {
      processing: { id: processing, accepts: acceptProcessing ?? accepted[processing] },
    }),
  });
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

const schemas = new Map<Endpoint['kind'], z.core.JSONSchema._JSONSchema>();

/** Made once each: an environment may have a thousand endpoints. */
function schemaOf(kind: Endpoint['kind']): z.core.JSONSchema._JSONSchema {
  let schema = schemas.get(kind);
  if (schema === undefined) schemas.set(kind, (schema = z.toJSONSchema(endpointKinds[kind], { io: 'input' })));
  return schema;
}

/** What its schema calls a secret has to stand in the file as a reference and nothing else. */
function checkSecrets(file: YamlFile, place: Place, written: unknown, schema: z.core.JSONSchema._JSONSchema): void {
  if (written === undefined || typeof schema === 'boolean') return;
  if (schema.writeOnly && !(typeof written === 'string' && /^\$\{(?:env|file):[^}]+\}$/.test(written)))
    file.problem(place, 'value-invalid', `${dotted(place)}: a secret is a reference, \${env:NAME} or \${file:path}`);
  if (!isMapping(written)) return;
  for (const [key, each] of Object.entries(schema.properties ?? {}))
    checkSecrets(file, [...place, key], written[key], each);
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
