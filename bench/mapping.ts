/**
 * `npm run bench:mapping` – an admission changed by a map of 25 rules, from bytes to bytes on one core, beside what nothing can go
 * below: parsing and encoding alone, and parsing and reading the 25 values. In alternate rounds of one process. Exits 1 when fewer
 * than `LIMIT` messages are mapped in a second of processor time.
 */
import { readFileSync } from 'node:fs';
import { hl7v2 } from '../contracts/hl7v2.ts';
import { noMeta } from '../core/format.ts';
import type { Message } from '../core/message.ts';
import { readCsvTable } from '../core/tables/csv-table.ts';
import { COMMA_SEPARATED } from '../protocols/delimited/dialect.ts';
import { readDelimited } from '../protocols/delimited/read.ts';
import type { Hl7Message } from '../protocols/hl7v2/message.ts';
import { type CompiledMap, compileMap } from '../transforms/mapping/compile-map.ts';
import { report } from './gates.ts';
import { median, spread } from './statistics.ts';

const LIMIT = 60_000;
const ROUNDS = 15;
const ROUND_MS = 120;

const map = `
map: adt-to-lab
from: hl7v2
to: hl7v2
zone: Europe/Berlin
rules:
  - set:
      MSH-3: WEIR
      MSH-4: { from: MSH-4, do: [upper] }
      MSH-5: LAB
      MSH-7: { from: MSH-7, date: { in: UTC } }
      MSH-12: '2.4'
      PID-3[5=MR].4: HOSPITAL
      PID-4: { from: 'PID-3[5=SS]' }
      PID-5.1: { from: PID-5.1, do: [upper] }
      PID-5.2: { from: PID-5.2, do: [title] }
      PID-7: { from: PID-7, date: { precision: day } }
      PID-8: { from: PID-8, table: sex, unknown: pass }
      PID-9: '\${PID-5.1}, \${PID-5.2}'
      PID-13.1: { from: PID-13.7, do: [digits, { prefix: '+49' }] }
      PID-15: { from: PID-15, default: de, do: [lower] }
      PID-19: null
      PV1-2: { from: PV1-2, table: patient-class, unknown: error }
      PV1-3.4: { from: PV1-3.4, default: HOSP }
      PV1-10: { from: PV1-10, do: [{ codes: { map: { MED: '100', SUR: '200' }, unknown: pass } }] }
      PV1-44: { from: PV1-44, date: { in: UTC, precision: minute } }
  - when: { PV1-2: [I, E] }
    set: { PV1-18: '1' }
  - when: { PID-16: M, MSH-9.2: { not: [A40] } }
    set: { PID-17: CAT }
  - delete: PID-18
  - delete: NK1
  - insert: ZPI
    after: PID
    fields: { ZPI-1: '1', ZPI-2: { from: PV1-19.1 } }
  - each: DG1
    rules:
      - set: { DG1-2: ICD10 }
`;
const header = (table: string) => `# table: ${table}\n# owner: Patient administration\n# version: 1\n`;
const tables = new Map(
  [`${header('sex')}code,to\nF,W\nM,M\n`, `${header('patient-class')}code,to\nI,IMP\nO,AMB\nE,EMER\n`].map((text) => {
    const read = readCsvTable('table.csv', text, (csv) => readDelimited(csv, COMMA_SEPARATED));
    if (!read.ok) throw new Error('bench:mapping: a table cannot be read');
    return [read.value.table, read.value] as const;
  }),
);
const raw = readFileSync(new URL('../test-fixtures/hl7v2/adt-a01.hl7', import.meta.url));
const { run } = compiled();
const message = (payload: Hl7Message): Message<Hl7Message> => ({
  id: '019c0000-0000-7000-8000-000000000000',
  seq: 1,
  channel: 'bench',
  keys: ['bench'],
  receivedAt: Date.UTC(2026, 2, 2, 7, 15),
  version: 'bench',
  meta: noMeta,
  payload,
});
const paths = ['MSH-4', 'MSH-7', 'PID-3[5=SS]', 'PID-5.1', 'PID-5.2', 'PID-7', 'PID-8', 'PID-13.7', 'PID-15', 'PV1-2'];
const more = ['PV1-3.4', 'PV1-10', 'PV1-44', 'PID-16', 'MSH-9.2', 'PV1-19.1', 'DG1-2', 'PID-18', 'PID-9', 'PID-4'];
const subjects = {
  'parse and encode': () => hl7v2.encode(hl7v2.decode(raw, noMeta)).length,
  'parse, read 20 values, encode': () => {
    const payload = hl7v2.decode(raw, noMeta);
    let length = 0;
    for (const path of paths) length += payload.get(path)?.length ?? 0;
    for (const path of more) length += payload.get(path)?.length ?? 0;
    return hl7v2.encode(payload).length + length;
  },
  'parse, map by 25 rules, encode': () => {
    const payload = hl7v2.decode(raw, noMeta);
    return hl7v2.encode(run(payload, message(payload)) as Hl7Message).length;
  },
};

console.log(
  `node ${process.version}, ADT of ${raw.length} B, ${ROUNDS} alternate rounds of ${ROUND_MS} ms of processor time each, messages per second of it (median, lowest–highest)`,
);
const rates = Object.entries(subjects).map(([name, work]) => ({ name, work, rates: [] as number[] }));
for (const { work } of rates) measure(work);
for (let round = 0; round < ROUNDS; round++) for (const { work, rates: of } of rates) of.push(measure(work));
for (const { name, rates: of } of rates) console.log(`  ${name.padEnd(32)} ${spread(of)}`);
const mapped = rates.at(-1)!;
report('bench:mapping', [
  { name: mapped.name, figure: median(mapped.rates), limit: LIMIT, must: 'reach', unit: 'messages/s' },
]);

/** Per second of processor time, that of the collector's threads included: other programs may have the core in between. */
function measure(work: () => number): number {
  const started = process.cpuUsage();
  let count = 0;
  let bytes = 0;
  let elapsed = 0;
  while (elapsed < ROUND_MS) {
    for (let i = 0; i < 250; i++) bytes += work();
    count += 250;
    const { user, system } = process.cpuUsage(started);
    elapsed = (user + system) / 1000;
  }
  if (bytes === 0) throw new Error('bench:mapping: nothing was written');
  return (count / elapsed) * 1000;
}

function compiled(): CompiledMap {
  const read = compileMap('adt-to-lab.map.yaml', map, { tables });
  if (read.ok) return read.value;
  throw new Error(read.problems.map(({ line, column, message }) => `${line}:${column} ${message}`).join('\n'));
}
