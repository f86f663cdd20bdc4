import { dotted, isMapping, type Place, type YamlFile } from './yaml-file.ts';

/** Where references lead. Each answers undefined for what is not there. */
export interface ReferenceSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string | undefined;
  /** Folder of the hub's own state: `${stateDir}`. */
  readonly stateDir?: string;
}

const reference = /\$\{(?:(env|file):([^}]+)|stateDir)\}/g;

/**
 * The value with every `${env:NAME}`, `${file:path}` and `${stateDir}` in its texts replaced; a file counts without its last line
 * break. What leads nowhere becomes a problem, which names the reference and never a value.
 */
export function resolveReferences(file: YamlFile, place: Place, value: unknown, sources: ReferenceSources): unknown {
  if (typeof value === 'string') return resolveText(file, place, value, sources);
  if (Array.isArray(value))
    return value.map((each, index) => resolveReferences(file, [...place, index], each, sources));
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, resolveReferences(file, [...place, key], each, sources)]),
  );
}

function resolveText(file: YamlFile, place: Place, text: string, sources: ReferenceSources): string {
  return text.replace(reference, (whole, from: 'env' | 'file' | undefined, name: string) => {
    const found = lookedUp(from, name, sources);
    if (found !== undefined) return found;
    file.problem(place, 'reference-unresolved', `${dotted(place)}: ${whole} leads nowhere`);
    return whole;
  });
}

function lookedUp(from: 'env' | 'file' | undefined, name: string, sources: ReferenceSources): string | undefined {
  switch (from) {
    case 'env':
      return sources.environment[name];
    case 'file':
      return sources.readFile(name)?.replace(/\r?\n$/, '');
    case undefined:
      return sources.stateDir;
    default:
      return from satisfies never;
  }
}
