import type { FormatLanguage } from '../../core/config/format-language.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { HubError } from '../../core/errors.ts';
import type { MapContext } from './context.ts';
import type { Read, Run, Scopes, SourcePath } from './run.ts';
import { asText } from './value.ts';

const META = '$meta.';

/** What paths that begin with $ can name beside the names of `let`. */
const builtIn: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['$id', ({ message }) => message.id],
  ['$channel', ({ message }) => message.channel],
  ['$receivedAt', ({ message }) => new Date(message.receivedAt).toISOString()],
]);

/**
 * A path of a map: into the source, or `$name` (of a `let`), `$index` (the position in the innermost loop, from 1), `$id`, `$channel`,
 * `$receivedAt`, `$meta.name`. Throws HubError `config-invalid`.
 */
export function sourcePath(context: MapContext, text: string, scopes: Scopes): SourcePath {
  return text.startsWith('$') ? ofRun(named(context, text, scopes)) : context.source.path(text, scopes);
}

function named({ lets }: MapContext, text: string, scopes: Scopes): Read {
  const slot = lets.get(text.slice(1));
  if (slot !== undefined) return (run) => run.lets[slot];
  const found = builtIn.get(text);
  if (found) return found;
  if (text.startsWith(META) && text.length > META.length) {
    const key = text.slice(META.length);
    return ({ message }) => (Object.hasOwn(message.meta, key) ? message.meta[key] : undefined);
  }
  if (text === '$index') {
    const [loop] = scopes;
    if (loop) return (run) => String(run.positions[loop.slot]);
    throw new HubError('config-invalid', 'permanent', '$index is the position in a loop, and this is in none');
  }
  const known = [...[...lets.keys()].map((name) => `$${name}`), ...builtIn.keys(), '$index', '$meta.'];
  throw new HubError('config-invalid', 'permanent', `nothing is called ${text}${didYouMean(text, known)}`);
}

function ofRun(first: Read): SourcePath {
  const text = (run: Run) => asText(first(run));
  return {
    first,
    all: (run) => {
      const value = text(run);
      return value === undefined || value === null ? [] : [value];
    },
    exists: (run) => text(run) !== undefined,
    depth: 0,
  };
}

/** How `when` speaks about the source at one place of the map. */
export function languageAt(context: MapContext, scopes: Scopes): FormatLanguage<Run> {
  return {
    format: context.source.kind,
    path: (text) => {
      const path = sourcePath(context, text, scopes);
      return { values: path.all, exists: path.exists };
    },
    key: () => () => [],
  };
}
