import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TableSet } from '../tables/table-set.ts';
import { sha256 } from './code-loader.ts';
import type { DeviceProfileSet } from './device-profiles.ts';
import type { LoadedChannel, ReadChannel } from './loaded-channel.ts';
import { hashOfUsed, isUsedDevices } from './named-devices.ts';
import type { ProfileSet } from './profile-file.ts';
import { shownPath } from './shown-path.ts';
import { YamlFile } from './yaml-file.ts';

/** What every channel of a folder is read with. */
export interface ReadWith {
  readonly directory: string;
  readonly weirVersion: string;
  readonly endpoints?: ReadonlySet<string>;
  readonly zone?: string;
  readonly tables?: TableSet;
  readonly profiles?: ProfileSet;
  readonly devices?: DeviceProfileSet;
}

interface Kept extends LoadedChannel {
  readonly text: string;
  /** What it was read from beside its own text, by name, with hashes: as for its version. */
  readonly used: ReadonlyMap<string, string>;
  readonly around: string;
}

/**
 * YAML channels as they were read last, for whoever reads a folder again and again: one that would be read the same is not read
 * again, so that deploying one of 500 costs one.
 */
export class KeptChannels {
  readonly #kept = new Map<string, Kept>();

  /** The channel of that file where neither its text nor anything it was read from has changed. */
  async same(path: string, text: string, context: ReadWith): Promise<ReadChannel | undefined> {
    const kept = this.#kept.get(path);
    if (kept?.text !== text || kept.around !== aroundOf(context)) return undefined;
    const own = [...kept.used].filter(([what]) => what !== kept.file);
    const unchanged = await Promise.all(own.map(([what, hash]) => isSame(what, hash, context)));
    if (unchanged.includes(false)) return undefined;
    const { definition, version, file } = kept;
    return {
      ...{ definition, version, file, path },
      // Only problems ask for it, and a document is a hundred times as large as its text.
      get yaml() {
        return new YamlFile(shownPath(path), text);
      },
    };
  }

  keep({ definition, version, file, path }: ReadChannel, text: string, used: Kept['used'], context: ReadWith): void {
    this.#kept.set(path, { definition, version, file, text, used: new Map(used), around: aroundOf(context) });
  }
}

const arounds = new WeakMap<ReadonlySet<string>, string>();

/** What every channel of the folder is read with. */
function aroundOf({ endpoints, zone, weirVersion }: ReadWith): string {
  if (!endpoints) return `${weirVersion} ${zone}`;
  let names = arounds.get(endpoints);
  if (names === undefined) arounds.set(endpoints, (names = sha256([...endpoints].join('\n'))));
  return `${weirVersion} ${zone} ${names}`;
}

async function isSame(
  what: string,
  hash: string,
  { tables, profiles, devices, directory }: ReadWith,
): Promise<boolean> {
  // The value of a reference may be another one by now.
  if (what.startsWith('reference ')) return false;
  if (what === 'zone of the environment') return true;
  if (isUsedDevices(what)) return hashOfUsed(what, devices) === hash;
  if (what.startsWith('table ')) return tables?.get(what.slice('table '.length))?.hash === hash;
  if (what.startsWith('profile ')) return profiles?.profiles.get(what.slice('profile '.length))?.hash === hash;
  try {
    return sha256(await readFile(join(directory, what))) === hash;
  } catch {
    return false;
  }
}
