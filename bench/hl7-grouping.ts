/**
 * `npm run bench:grouping` – group a result with 20 OBX by its structure, from bytes to the tree, beside parsing alone (all
 * segments found), in alternate rounds of one process. Exits 1 when fewer than `LIMIT` messages a second are grouped.
 */
import { readFileSync } from 'node:fs';
import { type Hl7Message, parse } from '../protocols/hl7v2/message.ts';
import { group } from '../protocols/hl7v2/schema/group.ts';
import { schemaOf } from '../protocols/hl7v2/schema/schema.ts';
import { structureOf } from '../protocols/hl7v2/schema/structure-of.ts';
import { validate } from '../protocols/hl7v2/schema/validate.ts';
import { type Gate, report } from './gates.ts';
import { median, spread } from './statistics.ts';

const LIMIT = 60_000;
const ROUNDS = 15;
const ROUND_MS = 120;

const gates: Gate[] = [];
console.log(
  `node ${process.version}, ${ROUNDS} alternate rounds of ${ROUND_MS} ms each, messages per second (median, lowest–highest)`,
);
for (const [name, file, limit] of [
  ['ORU 2.9 KB, 20 OBX', 'oru-r01-20-obx.hl7', LIMIT],
  ['ADT 740 B', 'adt-a01.hl7', LIMIT],
] as const) {
  const raw = readFileSync(new URL(`../test-fixtures/hl7v2/${file}`, import.meta.url));
  const figure = compare(name, raw);
  gates.push({ name: `${name} grouped`, figure, limit, must: 'reach', unit: 'messages/s' });
}
report('bench:grouping', gates);

function compare(name: string, raw: Buffer): number {
  const readings: Record<string, (message: Hl7Message) => number> = {
    parsed: (message) => message.segments().length,
    grouped: (message) => {
      const structure = structureOf(message);
      if (!structure) throw new Error(`bench:grouping: ${name} has no structure`);
      return group(message, structure).root.children.length;
    },
    validated: (message) => validate(message, schemaOf(message.version)).length,
  };
  const rates = Object.entries(readings).map(([what, read]) => ({ what, read, rates: [] as number[] }));
  for (const { read } of rates) measure(raw, read);
  for (let round = 0; round < ROUNDS; round++) for (const { read, rates: of } of rates) of.push(measure(raw, read));
  for (const { what, rates: of } of rates) console.log(`  ${name}, ${what.padEnd(10)} ${spread(of)}`);
  return median(rates.find(({ what }) => what === 'grouped')?.rates ?? []);
}

function measure(raw: Buffer, read: (message: Hl7Message) => number): number {
  const started = performance.now();
  let count = 0;
  let found = 0;
  let elapsed = 0;
  while (elapsed < ROUND_MS) {
    for (let i = 0; i < 50; i++) found += read(parse(raw));
    count += 50;
    elapsed = performance.now() - started;
  }
  if (Number.isNaN(found)) throw new Error('bench:grouping: nothing was read');
  return (count / elapsed) * 1000;
}
