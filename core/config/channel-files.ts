import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { noTables, type TableSet } from '../tables/table-set.ts';
import { UnknownCodes } from '../tables/unknown-codes.ts';
import { type CodeSnapshot, sha256 } from './code-loader.ts';
import type { DeviceProfileSet } from './device-profiles.ts';
import type { KeptChannels } from './kept-channels.ts';
import { noProfiles, type ProfileSet, profileNamed } from './profile-file.ts';
import type { ReferenceSources } from './references.ts';
import type { Registry } from './registry.ts';
import { shownPath } from './shown-path.ts';
import type { StepFiles } from './step-files.ts';
import type { YamlFile } from './yaml-file.ts';

export interface ChannelsContext {
  /** Absolute. */
  readonly directory: string;
  readonly registry: Registry;
  readonly code: CodeSnapshot;
  /** Weir's own version: part of every channel's. */
  readonly weirVersion: string;
  /** Names of the environment's endpoints; unchecked when not given. */
  readonly endpoints?: ReadonlySet<string>;
  /** The code tables in force; none when not given. */
  readonly tables?: TableSet;
  /** Where codes are noted that they do not have. */
  readonly unknown?: UnknownCodes;
  /** Where references lead in files that say what a step does; nowhere when not given. */
  readonly references?: ReferenceSources;
  /** The sender profiles of the folder; `loadChannels` loads them itself. */
  readonly profiles?: ProfileSet;
  /** The device profiles of the folder; `loadChannels` loads them itself. */
  readonly devices?: DeviceProfileSet;
  /** The zone of the environment: of times whose sender says none, and of schedules. */
  readonly zone?: string;
  readonly now?: () => number;
  /** What was read before, for whoever reads the folder again and again. */
  readonly kept?: KeptChannels;
  /** Sees every YAML channel file that is right, before it is forgotten: a document is a hundred times as large as its text. */
  readonly onRead?: (yaml: YamlFile, text: string) => void;
}

/** @param used what is part of the channel's version: what is read is added, by its path from the channels folder */
export function filesBeside(path: string, context: ChannelsContext, used: Map<string, string>): StepFiles {
  const absolute = (from: string) => resolve(dirname(path), from);
  if (context.zone !== undefined) used.set('zone of the environment', sha256(context.zone));
  return {
    shown: (from) => shownPath(absolute(from)),
    text: async (from) => {
      const text = await readFile(absolute(from), 'utf8').catch((thrown: unknown) => {
        throw new Error(unreadable(thrown), { cause: thrown });
      });
      used.set(relative(context.directory, absolute(from)).replaceAll(sep, '/'), sha256(text));
      return text;
    },
    script: async (from) => {
      const { exports, files } = await context.code.load(absolute(from));
      for (const [name, hash] of files) used.set(name, hash);
      return exports;
    },
    note: (what, hash) => {
      used.set(what, hash);
    },
    tables: context.tables ?? noTables,
    unknown: context.unknown ?? new UnknownCodes(),
    formats: context.registry.formats,
    references: context.references ?? { environment: {}, readFile: () => undefined },
    profile: (name) => {
      const found = profileNamed(context.profiles ?? noProfiles, name);
      if (found) used.set(`profile ${name}`, found.hash);
      return found?.profile;
    },
    ...(context.zone !== undefined && { zone: context.zone, environmentZone: context.zone }),
    now: context.now ?? Date.now,
  };
}

function unreadable(thrown: unknown): string {
  const { code } = thrown as NodeJS.ErrnoException;
  return code === 'ENOENT'
    ? 'there is no such file'
    : (code ?? (thrown instanceof Error ? thrown.message : String(thrown)));
}
