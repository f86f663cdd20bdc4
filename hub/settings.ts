import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { describeProblem, type Loaded, loaded } from '../core/config/problem.ts';
import { resolveReferences } from '../core/config/references.ts';
import { shownPath } from '../core/config/shown-path.ts';
import { YamlFile } from '../core/config/yaml-file.ts';
import { byteSize } from '../core/define.ts';
import { tlsClient } from '../core/endpoint.ts';
import { HubError } from '../core/errors.ts';

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** The keys of `weir.yaml`. Without a file every default holds: the embedded store and event log under `stateDir`. */
export const settingsSchema = z.strictObject({
  channels: z.string().optional().describe('Folder of the channel files; the shipped example hospital if absent.'),
  environment: z
    .string()
    .default('demo')
    .describe('Which `env/<name>.yaml` of the channels folder says where endpoints are.'),
  stateDir: z.string().default('state').describe('Folder of the message store and the event log. Back up this one.'),
  admin: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .describe('Address of the admin API. One that is not loopback needs a token.'),
      port: z.int().min(0).max(65535).default(8640).describe('Port of the admin API; 0 takes a free one.'),
      token: z
        .string()
        .min(16)
        .optional()
        .describe(
          'Bearer token that callers present: `${env:WEIR_ADMIN_TOKEN}` or `${file:…}`. Without it only loopback is served.',
        ),
      maxBodyBytes: byteSize()
        .default(32 * 1024 ** 2)
        .describe('A longer request is refused; it bounds what `send` takes by HTTP.'),
    })
    .prefault({})
    .describe('The HTTP API behind the command line and the console.'),
  store: z
    .strictObject({
      maxBacklogBytes: byteSize()
        .default(16 * 1024 ** 3)
        .describe('Nothing is accepted while messages that are not settled hold more.'),
      lowWaterBytes: byteSize()
        .default(256 * 1024 ** 2)
        .describe('Nothing is accepted while the disk has less free than this; of the embedded store.'),
      postgres: z
        .strictObject({
          endpoint: z.string().describe('Endpoint of kind `postgres` in the environment.'),
          schema: z
            .string()
            .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'a name in lower case')
            .default('weir')
            .describe('Schema of the tables; it is made where it is not there.'),
        })
        .optional()
        .describe('Keeps messages in PostgreSQL instead of the embedded store.'),
    })
    .prefault({})
    .describe('The message store and its bounds.'),
  events: z
    .strictObject({
      kafka: z
        .strictObject({
          endpoint: z.string().describe('Endpoint of kind `kafka` in the environment.'),
          prefix: z.string().default('').describe('What the names of topics and groups begin with at the brokers.'),
          replication: z
            .int()
            .positive()
            .optional()
            .describe('Replicas of a topic that is made; as many as the brokers make by themselves if absent.'),
        })
        .optional()
        .describe('Keeps topics in Kafka instead of the embedded event log.'),
    })
    .prefault({})
    .describe('The event log behind `publish` and the source `events`.'),
  redis: z
    .strictObject({
      url: z
        .string()
        .regex(/^rediss?:\/\/\S+$/, 'an address like rediss://user:password@redis.example:6380')
        .describe(
          'Address with user and password, as a reference: `${file:…}`; `rediss:` connects with TLS, `redis:` plain.',
        ),
      tls: tlsClient.optional().describe('How the server’s certificate is checked, and ours; only for rediss.'),
      prefix: z
        .string()
        .max(100)
        .default('weir:')
        .describe('What the names of channels in Redis begin with; hubs of one installation say the same.'),
    })
    .refine(({ url, tls }) => tls === undefined || url.startsWith('rediss:'), 'tls needs a rediss address')
    .optional()
    .describe(
      'Shows the live figures of several hubs at each of them, through Redis, and counts the rates of destinations there; each hub has its own if absent.',
    ),
  hub: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('Name of this hub in a store that several use, and in notices; the name of the machine if absent.'),
  search: z
    .strictObject({
      paths: z
        .array(z.string())
        .default(['OBR-18', 'IPC-1'])
        .describe(
          'HL7 paths whose values messages are found by, besides patient, visit, order and control ids: accession numbers, where this site puts them. A change holds for what comes from then on.',
        ),
      freeText: z
        .boolean()
        .default(false)
        .describe(
          'Whether any three characters or more of a message are found, too. The index of it takes about as much disk as the messages themselves, and as long as their content is kept. Of several hubs on one store the one that started last says it for all.',
        ),
    })
    .prefault({})
    .describe(
      'The search index behind `weir find`: a file for each day under `stateDir`, which can be removed while the hub is stopped, and is then made again; of a store in PostgreSQL, tables beside it.',
    ),
  services: z
    .strictObject({
      alarms: z
        .strictObject({
          patientReadings: z
            .boolean()
            .default(true)
            .describe(
              'Publishes readings of devices that are with a patient once more, with the patient, to `vitals.patient.v1`.',
            ),
          monitoredMaxAgeMs: z
            .int()
            .positive()
            .default(3_600_000)
            .describe('How old respiration, SpO2, pulse and pressure may be in an early-warning score.'),
          chartedMaxAgeMs: z
            .int()
            .positive()
            .default(12 * 3_600_000)
            .describe('How old temperature, consciousness and oxygen may be in an early-warning score.'),
        })
        .optional()
        .describe(
          'Watches what devices say for alarms: `alarms: {}` turns it on. Of several hubs on one store one runs it.',
        ),
    })
    .prefault({})
    .describe('What stands behind the channels, and reads what they publish.'),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('What is logged: this level and above.'),
      format: z
        .enum(['auto', 'pretty', 'json'])
        .default('auto')
        .describe('`auto` is for people on a terminal, else JSON lines.'),
    })
    .prefault({})
    .describe('Logging to standard output.'),
  timeZone: z
    .string()
    .refine(isTimeZone, 'a time zone like Europe/Vienna')
    .optional()
    .describe('Where the days of `weir report` begin, e.g. `Europe/Vienna`; the system’s time zone if absent.'),
  stopMs: z.int().nonnegative().default(30_000).describe('How long a stop waits for what is in flight.'),
});

export type Settings = Omit<z.output<typeof settingsSchema>, 'channels'> & {
  readonly channels: string;
  /** The file that was read, where there is one. */
  readonly file?: string;
};

/** What the command line says over the file. */
export interface SettingsOverrides {
  readonly config?: string | undefined;
  readonly channels?: string | undefined;
  readonly environment?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly adminPort?: number | undefined;
  readonly adminHost?: string | undefined;
  readonly logFormat?: Settings['log']['format'] | undefined;
}

/** The `weir.yaml` of the current directory, or the nearest above it; undefined where there is none. */
export function nearestSettings(): string | undefined {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const file = join(folder, 'weir.yaml');
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * Reads `weir.yaml` of the current directory or the nearest above it, or the file that is named, and lays the overrides over it.
 * Relative paths of the file start at its folder, those of overrides at the current directory. Throws HubError `config-invalid`, one
 * problem a line.
 */
export function readSettings(overrides: SettingsOverrides, environment: NodeJS.ProcessEnv = process.env): Settings {
  const file = overrides.config === undefined ? nearestSettings() : resolve(overrides.config);
  if (overrides.config !== undefined && !existsSync(file!))
    throw invalid(`reading ${overrides.config}: there is no such file`);
  const folder = file === undefined ? process.cwd() : dirname(file);
  const read =
    file === undefined
      ? loaded(settingsSchema.parse({}))
      : settingsIn(overrides.config ?? shownPath(file), textOf(file), environment);
  if (!read.ok) throw invalid(read.problems.map(describeProblem).join('\n'));
  const { admin, log, ...settings } = read.value;
  return {
    ...settings,
    ...(file !== undefined && { file }),
    channels: overrides.channels
      ? resolve(overrides.channels)
      : settings.channels
        ? resolve(folder, settings.channels)
        : join(import.meta.dirname, '..', 'channels'),
    environment: overrides.environment ?? settings.environment,
    stateDir: overrides.stateDir ? resolve(overrides.stateDir) : resolve(folder, settings.stateDir),
    admin: { ...admin, host: overrides.adminHost ?? admin.host, port: overrides.adminPort ?? admin.port },
    log: { ...log, format: overrides.logFormat ?? log.format },
  };
}

function settingsIn(
  name: string,
  text: string,
  environment: NodeJS.ProcessEnv,
): Loaded<z.output<typeof settingsSchema>> {
  const file = new YamlFile(name, text);
  const literal = file.value as { readonly admin?: { readonly token?: unknown } } | null | undefined;
  if (typeof literal?.admin?.token === 'string' && !/^\$\{(?:env|file):[^}]+\}$/.test(literal.admin.token)) {
    file.problem(
      ['admin', 'token'],
      'value-invalid',
      'admin.token: a secret is a reference, ${env:…} or ${file:…}, never the value itself',
    );
  }
  const { url } = (file.value as { readonly redis?: { readonly url?: unknown } } | null | undefined)?.redis ?? {};
  if (typeof url === 'string' && /^\w+:\/\/[^/]*:[^/]*@/.test(url) && !/:\$\{(?:env|file):[^}]+\}@/.test(url))
    file.problem(
      ['redis', 'url'],
      'value-invalid',
      'redis.url: a password is a reference, ${env:…} or ${file:…}, never the value itself',
    );
  const value = resolveReferences(file, [], file.value ?? {}, { environment, readFile: readOrNothing });
  const settings = file.problems.length === 0 ? file.read(settingsSchema, [], value) : undefined;
  const [first, ...others] = file.problems;
  return first ? { ok: false, problems: [first, ...others] } : loaded(settings!);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw invalid(`reading ${file}: ${(thrown as NodeJS.ErrnoException).code}`);
  }
}

/** The text of a file; undefined when it cannot be read. */
export function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function invalid(message: string): HubError {
  return new HubError('config-invalid', 'permanent', message);
}
