import { commandPage } from './command-page.ts';
import { referencePages } from './pages.ts';

/** Every reference page and JSON Schema, by its path below `docs/`. */
export function pages(): ReadonlyMap<string, string> {
  return new Map([...referencePages(), ['reference/command-line.md', commandPage()]]);
}
