/** One character that is wanted, or `*`: any number of any. */
type Token = '*' | ((char: string) => boolean);

/** Alternatives that the braces of one pattern may stand for. */
const maxAlternatives = 1_000;

/**
 * A glob on a file's name as a test: `*`, `?`, `[a-z]`, `[!a-z]`, `{hl7,txt}` (not nested); a backslash takes the next character
 * as it is. Letters count as they are written. Throws SyntaxError where a bracket or a brace is not closed.
 *
 * Not `path.matchesGlob`, of which Node 24 warns on every start, and no regular expression: names are chosen by whoever sends
 * the files, and `*a*a*a*b` took one over a second for a name of 255 characters.
 */
export function globTest(pattern: string): (name: string) => boolean {
  const alternatives = withoutBraces(pattern).map(tokens);
  return (name) => alternatives.some((alternative) => matches(alternative, name));
}

function withoutBraces(pattern: string): readonly string[] {
  let alternatives = [''];
  for (let at = 0; at < pattern.length; at++) {
    let pieces = [pattern[at]!];
    if (pieces[0] === '\\') pieces = [pattern.slice(at, ++at + 1)];
    else if (pieces[0] === '{') {
      const end = pattern.indexOf('}', at);
      if (end < 0) throw new SyntaxError('a { is not closed');
      pieces = pattern.slice(at + 1, end).split(',');
      at = end;
    }
    if (alternatives.length * pieces.length > maxAlternatives) throw new SyntaxError('too many alternatives in braces');
    alternatives = alternatives.flatMap((start) => pieces.map((piece) => start + piece));
  }
  return alternatives;
}

function tokens(pattern: string): readonly Token[] {
  const found: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]!;
    if (char === '*') {
      if (found.at(-1) !== '*') found.push('*');
    } else if (char === '?') found.push(() => true);
    else if (char === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end < 0) throw new SyntaxError('a [ is not closed');
      const set = new RegExp(
        `[${pattern
          .slice(at + 1, end)
          .replace(/^!/, '^')
          .replaceAll(/[\\[]/g, '\\$&')}]`,
      );
      found.push((each) => set.test(each));
      at = end;
    } else {
      const literal = char === '\\' ? (pattern[++at] ?? char) : char;
      found.push((each) => each === literal);
    }
  }
  return found;
}

/** Only the last star is ever gone back to: at most the name's length times the pattern's. */
function matches(pattern: readonly Token[], name: string): boolean {
  let token = 0;
  let char = 0;
  let star = -1;
  let starAt = 0;
  while (char < name.length) {
    const wanted = pattern[token];
    if (wanted === '*') {
      star = token++;
      starAt = char;
    } else if (wanted?.(name[char]!)) {
      token++;
      char++;
    } else if (star >= 0) {
      token = star + 1;
      char = ++starAt;
    } else return false;
  }
  while (pattern[token] === '*') token++;
  return token === pattern.length;
}
