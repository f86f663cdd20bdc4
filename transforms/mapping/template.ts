import { didYouMean } from '../../core/config/suggestion.ts';
import type { Place } from '../../core/config/yaml-file.ts';
import { HubError } from '../../core/errors.ts';
import { type MapContext, withReferences } from './context.ts';
import type { FunctionDefinition } from './function.ts';
import { functions } from './functions.ts';
import type { Read, Run, Scopes } from './run.ts';
import { sourcePath } from './source-path.ts';
import { asText, type Value } from './value.ts';

const hole = /\$\{([^}]*)\}/g;
const reference = /^(?:env:|file:|stateDir$)/;
const LITERAL = '\0';

/**
 * A text with paths in it: `${PID-5.1|upper}, ${PID-5.2}`; functions without arguments may follow a path. `$${` is `${` itself.
 * There is no value where none of its paths has one; a text without paths is the result itself. References to the environment are replaced once, here.
 * Throws HubError `config-invalid`.
 */
export function compileTemplate(context: MapContext, place: Place, text: string, scopes: Scopes): Read | string {
  const open = text.replaceAll('$${', () => LITERAL);
  const resolved = open.replaceAll(hole, (whole, inner: string) =>
    reference.test(inner) ? withReferences(context, place, whole).replaceAll('${', () => LITERAL) : whole,
  );
  const literals: string[] = [];
  const reads: ((run: Run) => string | null | undefined)[] = [];
  let done = 0;
  for (const found of resolved.matchAll(hole)) {
    literals.push(literal(resolved.slice(done, found.index)));
    reads.push(compileHole(context, found[1]!, scopes));
    done = found.index + found[0].length;
  }
  const end = literal(resolved.slice(done));
  if (reads.length === 0) return end;
  return (run) => {
    let made = '';
    let some = false;
    for (let at = 0; at < reads.length; at++) {
      const value = reads[at]!(run);
      some ||= value !== undefined && value !== null;
      made += literals[at]! + (value ?? '');
    }
    return some ? made + end : undefined;
  };
}

function literal(text: string): string {
  return text.replaceAll(LITERAL, () => '${');
}

function compileHole(context: MapContext, inner: string, scopes: Scopes): (run: Run) => string | null | undefined {
  const [path = '', ...names] = splitOutsideBrackets(inner);
  const { first } = sourcePath(context, path, scopes);
  const applied = names.map((name) => bareNamed(name));
  return (run) => {
    let value: Value = first(run);
    for (const apply of applied) value = apply(value, run);
    return asText(value);
  };
}

/** A predicate's value may have a bar in it. */
function splitOutsideBrackets(text: string): readonly string[] {
  const parts = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '[') depth++;
    else if (character === ']') depth--;
    if (character === '|' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim());
}

function bareNamed(name: string) {
  const found: FunctionDefinition | undefined = functions.get(name);
  if (found?.bare) return found.compile(true, undefined as never);
  const bare = [...functions.values()].filter((each) => each.bare).map((each) => each.name);
  const reason = found
    ? `${name} needs arguments: write it in do:`
    : `there is no function ${name}${didYouMean(name, bare)}`;
  throw new HubError('config-invalid', 'permanent', reason);
}
