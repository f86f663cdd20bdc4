import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { command } from './command.ts';
import { alone } from './lock.ts';

/** Where Debian keeps programs that are not on the path of a user, newest version of PostgreSQL first. */
function folders(root: string): readonly string[] {
  const versions = join(root, 'usr/lib/postgresql');
  const postgres = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    ...postgres.map((version) => join(versions, version, 'bin')),
    // The commands of RabbitMQ in the usual places are wrappers that insist on a user of their own.
    ...['usr/lib/rabbitmq/bin', 'usr/lib/erlang/bin', 'usr/bin', 'usr/sbin'].map((each) => join(root, each)),
  ];
}

/** Programs of one service, and the environment in which they find their libraries. */
export interface Programs {
  /** Folder below which their packages lie: `/`, or where they were unpacked. */
  readonly root: string;
  /** Path of one of them. */
  readonly path: (name: string) => string;
  readonly env: Readonly<Record<string, string>>;
}

function search(root: string, onPath: readonly string[], names: readonly string[]): Programs | undefined {
  const places = [...folders(root), ...onPath];
  const found = new Map(names.map((name) => [name, places.map((each) => join(each, name)).find(existsSync)]));
  if ([...found.values()].includes(undefined)) return undefined;
  const env: Record<string, string> = root === '/' ? {} : { LD_LIBRARY_PATH: libraries(root).join(delimiter) };
  return { root, env, path: (name) => found.get(name) ?? name };
}

function libraries(root: string): readonly string[] {
  const places = ['usr/lib', 'lib'].map((each) => join(root, each)).filter(existsSync);
  const triplets = places.flatMap((each) =>
    readdirSync(each)
      .filter((name) => name.includes('-linux-gnu'))
      .map((name) => join(each, name)),
  );
  return [...triplets, ...places];
}

/**
 * Programs that are installed, or else out of the Debian packages that have them: fetched with apt, which checks their signatures,
 * and unpacked below `shared`. Nothing of the system changes and nothing that is not asked for starts, so it takes no root. Rejects
 * with the reason where neither can be had.
 */
export async function programs(
  shared: string,
  packages: readonly string[],
  names: readonly string[],
): Promise<Programs> {
  const installed = search('/', (process.env.PATH ?? '').split(delimiter), names);
  if (installed) return installed;
  const root = join(shared, 'packages', packages.join('+'));
  if (!existsSync(root)) {
    mkdirSync(join(shared, 'packages'), { recursive: true });
    await alone(join(shared, 'packages'), async () => {
      if (!existsSync(root)) await unpack(packages, root);
    });
  }
  const unpacked = search(root, [], names);
  if (unpacked) return unpacked;
  throw new Error(`looking for ${names.join(', ')}: not in the packages ${packages.join(', ')}`);
}

async function unpack(packages: readonly string[], root: string): Promise<void> {
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const downloads = join(partial, 'downloads');
  mkdirSync(downloads, { recursive: true });
  try {
    const lists = await packageLists(dirname(root), packages);
    const options = [...lists, '-o', 'APT::Sandbox::User='];
    const plan = await command('apt-get', [...options, '-s', '--no-install-recommends', 'install', ...packages]);
    const wanted = [...plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+)/gm)].map(
      ([, name, version]) => `${name}=${version}`,
    );
    await command('apt-get', [...options, 'download', ...wanted], { directory: downloads });
    for (const file of readdirSync(downloads)) await command('dpkg-deb', ['-x', join(downloads, file), partial]);
    rmSync(downloads, { recursive: true });
    relink(partial, partial);
    renameSync(partial, root);
  } catch (cause) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(
      `getting the Debian packages ${packages.join(', ')}: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    );
  }
}

/** The system's lists of packages where they know these; else lists of our own, brought up to date. */
async function packageLists(folder: string, packages: readonly string[]): Promise<readonly string[]> {
  const known = await command('apt-cache', ['show', '--no-all-versions', ...packages]).catch(() => '');
  if (packages.every((name) => known.includes(`Package: ${name}\n`))) return [];
  const state = join(folder, 'apt');
  mkdirSync(join(state, 'lists/partial'), { recursive: true });
  mkdirSync(join(state, 'cache/archives/partial'), { recursive: true });
  const own = ['-o', `Dir::State::lists=${join(state, 'lists')}`, '-o', `Dir::Cache=${join(state, 'cache')}`];
  const options = [...own, '-o', 'APT::Sandbox::User='];
  await command('apt-get', [...options, '-q', 'update']);
  return own;
}

/** Links to `/etc/…` and the like would lead out of where the packages were unpacked. */
function relink(folder: string, root: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const kind = lstatSync(path);
    if (kind.isDirectory()) relink(path, root);
    if (!kind.isSymbolicLink()) continue;
    const target = readlinkSync(path);
    if (!target.startsWith('/') || !existsSync(join(root, target))) continue;
    rmSync(path);
    symlinkSync(relative(dirname(path), join(root, target)), path);
  }
}
