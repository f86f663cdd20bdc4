/**
 * Compiles the official v2-to-FHIR maps and the overlay into the rules under `../generated`:
 * `node transforms/hl7v2-to-fhir/compile/main.ts <folder of the maps>`. The same maps give the same bytes.
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { compile } from './compile.ts';
import { Elements } from './elements.ts';
import { readSheets } from './sheets.ts';
import { GENERATED, written } from './written.ts';

const folder = pathToFileURL(`${process.argv[2] ?? '.'}/`);
const compiled = compile(readSheets(folder), new Elements());
for (const kind of GENERATED) {
  writeFileSync(new URL(`../generated/${kind}.json`, import.meta.url), written(compiled[kind]));
}
