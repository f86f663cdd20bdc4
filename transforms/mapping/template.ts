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
const open = `\${`;
const unclosed = `a "${open}" has no "}" after it; $${open} stands for the characters themselves`;

/**
 * A text with paths in it: `${PID-5.1|upper}, ${PID-5.2}`; functions without arguments may follow a path. `$${` is `${` itself.
 * There is no value where none of its paths has one, and null where one of them deletes; a text without paths is the result itself. References to the environment are replaced once, here.
 * Throws HubError `config-invalid`.
 */
export function compileTemplate(context: MapContext, place: Place, text: string, scopes: Scopes): Read | string {
  const unescaped = text.replaceAll('$${', () => LITERAL);
  const resolved = unescaped.replaceAll(hole, (whole, inner: string) =>
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
    let none: null | undefined;
    for (let at = 0; at < reads.length; at++) {
      const value = reads[at]!(run);
      if (value === null) none = null;
      else some ||= value !== undefined;
      made += literals[at]! + (value ?? '');
    }
    return some ? made + end : none;
  };
}

function literal(text: string): string {
  if (text.includes(open)) throw new HubError('config-invalid', 'permanent', unclosed);
  return text.replaceAll(LITERAL, () => '${');
}

function compileHole(context: MapContext, inner: string, scopes: Scopes): (run: Run) => string | null | undefined {
  if (inner.includes(open)) throw new HubError('config-invalid', 'permanent', unclosed);
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
