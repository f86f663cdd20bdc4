import type { ConversionIssue, IssueCode } from './conversion.ts';

/** So many of one code are told of a message: a sender with a wrong table is wrong everywhere. */
const MOST_OF_A_CODE = 20;

/** Each issue once, the first of each code, and of the rest of a code how many they are. */
export function toldIssues(issues: readonly ConversionIssue[]): ConversionIssue[] {
  if (issues.length < 2) return [...issues];
  const known = new Set<string>();
  const counts = new Map<IssueCode, number>();
  const told = issues.filter(({ code, path, message }) => {
    const key = `${code}|${path}|${message}`;
    if (known.has(key)) return false;
    known.add(key);
    const count = (counts.get(code) ?? 0) + 1;
    counts.set(code, count);
    return count <= MOST_OF_A_CODE;
  });
  for (const [code, count] of counts) {
    const rest = count - MOST_OF_A_CODE;
    if (rest > 0) told.push({ code, path: '', message: `${rest} more of these`, more: rest });
  }
  return told;
}
