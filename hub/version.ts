import { readFileSync } from 'node:fs';

/** The folder of this installation. */
export const installation = new URL('..', import.meta.url);

/** Weir's own version: part of every channel's. */
export const weirVersion: string = (
  JSON.parse(readFileSync(new URL('package.json', installation), 'utf8')) as { readonly version: string }
).version;
