/**
 * Compiles the definitions under `../generated`, from a folder of facts (one `<version>.json` each), to standard output:
 * `node protocols/hl7v2/schema/compile/main.ts <folder> segments > protocols/hl7v2/schema/generated/segments.json`, the same
 * for data-types, tables, structures and events; and `types-2.5.1 > …/generated/types-2.5.1.ts` for what the compiler checks
 * paths against. The same facts give the same bytes.
 */
import { VERSIONS, type Version } from '../versions.ts';
import { compileLines, KINDS, writeLines } from './compile.ts';
import type { Facts } from './facts.ts';
import { writeTypes } from './types.ts';

const [folder = '', what = ''] = process.argv.slice(2);
const facts = {} as Record<Version, Facts>;
for (const version of VERSIONS) {
  const url = new URL(`${folder}/${version}.json`, `file://${process.cwd()}/`);
  facts[version] = ((await import(url.href, { with: { type: 'json' } })) as { default: Facts }).default;
}
const kind = KINDS.find((name) => name === what);
const typed = VERSIONS.find((version) => what === `types-${version}`);
if (kind) process.stdout.write(writeLines(compileLines(facts, kind)));
else if (typed) process.stdout.write(writeTypes(facts[typed]));
else throw new Error(`compiling definitions: what is neither ${KINDS.join(', ')} nor types-<version>`);
