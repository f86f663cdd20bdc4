import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ChannelsContext } from '../../core/config/channel-files.ts';
import { loadChannels } from '../../core/config/channels-folder.ts';
import type { LoadedChannel } from '../../core/config/loaded-channel.ts';
import { describeProblem } from '../../core/config/problem.ts';
import { reloadTables } from '../../core/tables/reload-tables.ts';
import { noTables } from '../../core/tables/table-set.ts';
import { COMMA_SEPARATED } from '../../protocols/delimited/dialect.ts';
import { readDelimited } from '../../protocols/delimited/read.ts';
import { shippedRegistry } from '../registry.ts';

type Files = Readonly<Record<string, string>>;

export interface LoadedFolder {
  readonly channels: readonly LoadedChannel[];
  /** As `check` tells them, files from the folder. */
  readonly problems: readonly string[];
}

/** Loads channel files as a hub does, with what ships with Weir; code is given by its file's name. */
export async function loadFiles(
  files: Files,
  more: Partial<ChannelsContext> & { readonly code?: never; readonly exports?: Readonly<Record<string, object>> } = {},
): Promise<LoadedFolder> {
  const { exports = {}, ...context } = more;
  const directory = await mkdtemp(join(tmpdir(), 'weir-files-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), text);
    }
    const { tables, problems: inTables } = await reloadTables(
      join(directory, 'tables'),
      (text) => readDelimited(text, COMMA_SEPARATED),
      noTables,
    );
    const load = async (path: string) => {
      const found = exports[path.slice(directory.length + 1)];
      if (!found) throw new Error('there is no such file');
      return { exports: found as Readonly<Record<string, unknown>>, files: new Map<string, string>() };
    };
    const { channels, problems } = await loadChannels({
      ...{ directory, registry: shippedRegistry(), code: { load }, weirVersion: '0', tables },
      ...context,
    });
    const told = [...inTables, ...problems].map((each) => describeProblem(each).replaceAll(`${directory}/`, ''));
    return { channels, problems: told };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The one channel of files without a mistake. */
export async function loadOne(files: Files, more: Parameters<typeof loadFiles>[1] = {}): Promise<LoadedChannel> {
  const { channels, problems } = await loadFiles(files, more);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  if (channels.length !== 1) throw new Error(`there are ${channels.length} channels`);
  return channels[0]!;
}
