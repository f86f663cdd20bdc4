import { createHash } from 'node:crypto';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { type LoadHookContext, type ResolveHookContext, registerHooks } from 'node:module';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A module of channel code, with everything of the folder that it imports, directly or not. */
export interface LoadedCode {
  readonly exports: Readonly<Record<string, unknown>>;
  /** Paths from the folder, each with the SHA-256 of what was loaded. */
  readonly files: ReadonlyMap<string, string>;
}

/** The code of the folder as it stood at one moment: all that is loaded through it sees the same files. */
export interface CodeSnapshot {
  /** @param path absolute, in the folder. Rejects with what the module throws. */
  load(path: string): Promise<LoadedCode>;
}

export interface CodeLoader extends Disposable {
  snapshot(): Promise<CodeSnapshot>;
}

/**
 * Loads channel code so that every changed file takes effect, an imported one too (rule 24). Node keeps modules by their URL, so
 * each file of the folder is loaded under one that carries a hash of all its code: unchanged code is loaded once, however often
 * it is deployed; changed code is new to Node from the channel file down to the last import.
 *
 * `import … from 'weir'` leads to `entry`, the running installation, wherever the folder is.
 */
export async function createCodeLoader(options: {
  readonly directory: string;
  readonly entry: string;
}): Promise<CodeLoader> {
  const directory = await realpath(options.directory);
  const root = `${pathToFileURL(directory).href}/`;
  const entry = pathToFileURL(options.entry).href;
  const imports = new Map<string, Set<string>>();
  const hashes = new Map<string, string>();

  const resolve = (
    specifier: string,
    context: ResolveHookContext,
    next: (specifier: string, context?: Partial<ResolveHookContext>) => { url: string },
  ) => {
    const parent = context.parentURL;
    const tag = parent?.startsWith(root) ? tagOf(parent) : undefined;
    if (parent === undefined || tag === undefined) return next(specifier, context);
    if (specifier === 'weir') return { ...next(entry, context), shortCircuit: true };
    const found = next(specifier, context);
    if (!isCode(found.url, root)) return found;
    const url = tagOf(found.url) === undefined ? `${found.url}?${TAG}=${tag}` : found.url;
    const known = imports.get(parent) ?? new Set();
    imports.set(parent, known.add(url));
    return { ...found, url };
  };
  const load = (
    url: string,
    context: LoadHookContext,
    next: (url: string, context?: Partial<LoadHookContext>) => { source?: unknown; format?: string | null | undefined },
  ) => {
    const found = next(url, context);
    if (url.startsWith(root) && found.source !== undefined && found.source !== null) {
      hashes.set(url, sha256(found.source as string | Uint8Array));
    }
    return found;
  };
  const hooks = registerHooks({ resolve, load } as Parameters<typeof registerHooks>[0]);

  return {
    snapshot: async () => {
      const tag = await hashOfCode(directory);
      return {
        load: async (path) => {
          const url = `${pathToFileURL(await realpath(path)).href}?${TAG}=${tag}`;
          const exports = (await import(url)) as Readonly<Record<string, unknown>>;
          const files = new Map<string, string>();
          for (const each of reachable(url, imports)) {
            const file = relative(directory, fileURLToPath(each)).replaceAll(sep, '/');
            files.set(file, hashes.get(each) ?? '');
          }
          return { exports, files };
        },
      };
    },
    [Symbol.dispose]: () => hooks.deregister(),
  };
}

/**
 * The version of a channel: a hash of its definition file, of the code it imports, and of Weir's own version (rule 6).
 * @param files paths with their hashes; in any order
 */
export function channelVersion(weir: string, files: ReadonlyMap<string, string>): string {
  const lines = [...files].map(([path, hash]) => `${path} ${hash}\n`).sort();
  return sha256(`weir ${weir}\n${lines.join('')}`);
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

const TAG = 'v';
const codeFiles = new Set(['.ts', '.mts', '.js', '.mjs', '.json']);

function tagOf(url: string): string | undefined {
  return new URL(url).searchParams.get(TAG) ?? undefined;
}

/** A file of the folder that is not of an installed package: those never change under a running hub. */
function isCode(url: string, root: string): boolean {
  return url.startsWith(root) && !url.includes('/node_modules/');
}

async function hashOfCode(directory: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of await codeIn(directory))
    hash
      .update(`${file}\0`)
      .update(await readFile(file))
      .update('\0');
  return hash.digest('hex').slice(0, 16);
}

async function codeIn(directory: string): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) files.push(...(await codeIn(path)));
    else if (codeFiles.has(extname(entry.name))) files.push(path);
  }
  return files;
}

function reachable(start: string, imports: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [start];
  for (let url = open.pop(); url !== undefined; url = open.pop()) {
    if (seen.has(url)) continue;
    seen.add(url);
    for (const next of imports.get(url) ?? []) open.push(next);
  }
  return seen;
}
