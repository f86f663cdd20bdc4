import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * What Node compiles of Weir is kept below the user's own cache folder, so that each later command and hub starts in about half the time.
 * Never in a folder that others may write to: what is there is run. Nothing happens where it cannot be written, or where the
 * environment says where it is (`NODE_COMPILE_CACHE`), or that there is none (`NODE_DISABLE_COMPILE_CACHE`).
 */
export function keepWhatIsCompiled(): void {
  const { NODE_COMPILE_CACHE, XDG_CACHE_HOME, HOME } = process.env;
  const own = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  if (NODE_COMPILE_CACHE || !own) return;
  const folder = join(own, 'weir');
  const { directory } = enableCompileCache(folder);
  // Threads and processes that this one starts have it from there.
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE = folder;
}
