import { relative } from 'node:path';

/** A file's name in problems, as somebody would type it: from the current directory where the file is below it. */
export function shownPath(path: string): string {
  const from = relative(process.cwd(), path);
  return from.startsWith('..') ? path : from;
}
