import { z } from 'zod';

/** A name, or one with `*` for any characters; a list means any of them. */
export const namePattern = () => {
  const one = z.string().regex(/^[\w.*-]+$/, 'a name, or a pattern like lab-*');
  return z.union([one, z.array(one).min(1)]);
};

export type NamePattern = z.output<ReturnType<typeof namePattern>>;

export function patternMatcher(pattern: NamePattern): (name: string) => boolean {
  const all = typeof pattern === 'string' ? [pattern] : pattern;
  const expression = new RegExp(`^(?:${all.map(asExpression).join('|')})$`);
  return (name) => expression.test(name);
}

function asExpression(pattern: string): string {
  return pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
}
