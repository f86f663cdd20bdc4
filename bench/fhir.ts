/**
 * `npm run bench:fhir` – HL7 v2 into bundles of FHIR R4 on one core, with and without encoding them: admissions, and results of
 * 20 observations, each of another patient, visit and order, of the same wards and doctors. In alternate rounds of one process,
 * warmed up, beside parsing alone; the gates are about the bytes of a message in and the bundle out, and the median of the
 * rounds. Exits 1 below `ADMISSIONS` or `RESULTS` a second.
 */
import { readFileSync } from 'node:fs';
import { fhirBundle } from '../contracts/fhir.ts';
import { hl7v2 } from '../contracts/hl7v2.ts';
import { noMeta } from '../core/format.ts';
import { convert } from '../transforms/hl7v2-to-fhir/convert.ts';
import { report } from './gates.ts';
import { median, spread } from './statistics.ts';

const ADMISSIONS = 8_000;
const RESULTS = 2_000;
const ROUNDS = 15;
const ROUND_MS = 120;
/** Until what a hub runs for days is compiled. */
const WARM_UP_MS = 1_000;
/** Told apart by what a conversion might remember: more than it may keep of anything. */
const DIFFERENT = 5_000;

const admission = readFileSync(new URL('../test-fixtures/hl7v2/adt-a01.hl7', import.meta.url), 'utf8');
const observations = Array.from(
  { length: 20 },
  (_, index) =>
    `OBX|${index + 1}|NM|${2000 + index}-3^Analyte ${index}^LN||${index}.5|mmol/L^^UCUM|1.0-9.0|N|||F|||20260302074500|LAB^Laboratory^L|1001^Keller^Ruth^^^Dr^^^HOSP\r`,
);
const result =
  `MSH|^~\\&|LAB|HOSP|WEIR|HOSP|20260302081500+0100||ORU^R01^ORU_R01|R1|P|2.5.1\r` +
  `PID|1||4711001^^^HOSP^MR||Berger^Anna^Maria^^^^L||19580417|F\r` +
  `PV1|1|I|3W^312^A^HOSP||||1001^Keller^Ruth^^^Dr^^^HOSP\r` +
  `ORC|RE|P1^EHR|F1^LAB\r` +
  `OBR|1|P1^EHR|F1^LAB|24323-8^Panel^LN|||20260302070000||||||||1001^Keller^Ruth^^^Dr^^^HOSP||||||20260302080000||LAB|F\r${observations.join('')}`;

const admissions = feed((n) =>
  admission
    .replace('ADT00001', `ADT${n}`)
    .replace('4711001', `47${n}`)
    .replace('755-01-9001', `755-${n}`)
    .replace('Anna^Maria', `Anna^M${n}`)
    .replace('5550101', `55${n}`)
    .replace('A900101', `A${n}`)
    .replace('V70001', `V${n}`),
);
const results = feed((n) =>
  result.replace('|R1|', `|R${n}|`).replace('4711001', `47${n}`).replaceAll('P1^EHR', `P${n}^EHR`),
);

const subjects = {
  'admission: parse': () => hl7v2.decode(admissions(), noMeta).controlId.length,
  'admission to bundle': () => convert(hl7v2.decode(admissions(), noMeta)).bundle.entry?.length ?? 0,
  'admission to encoded bundle': () => fhirBundle.encode(convert(hl7v2.decode(admissions(), noMeta)).bundle).length,
  'result of 20 observations to bundle': () => convert(hl7v2.decode(results(), noMeta)).bundle.entry?.length ?? 0,
  'result of 20 observations to encoded bundle': () =>
    fhirBundle.encode(convert(hl7v2.decode(results(), noMeta)).bundle).length,
};

console.log(
  `node ${process.version}, ADT of ${admissions().length} B, ORU of ${results().length} B, ${DIFFERENT.toLocaleString('en')} of each, ${ROUNDS} alternate rounds of ${ROUND_MS} ms of processor time each, messages per second of it (median, lowest–highest), and what one takes (median)`,
);
const rates = Object.entries(subjects).map(([name, work]) => ({
  name,
  work,
  rates: [] as number[],
  wall: [] as number[],
}));
for (const { work } of rates) measure(work, WARM_UP_MS);
for (let round = 0; round < ROUNDS; round++) {
  for (const { work, rates: of, wall } of rates) {
    const measured = measure(work);
    of.push(measured.rate);
    wall.push(measured.wallUs);
  }
}
for (const { name, rates: of, wall } of rates) {
  const each = `${(1_000_000 / median(of)).toFixed(1)} µs of the processor, ${median(wall).toFixed(1)} µs by the clock`;
  console.log(`  ${name.padEnd(44)} ${spread(of).padEnd(32)} ${each}`);
}
report('bench:fhir', [
  { name: rates[1]!.name, figure: median(rates[1]!.rates), limit: ADMISSIONS, must: 'reach', unit: 'messages/s' },
  { name: rates[3]!.name, figure: median(rates[3]!.rates), limit: RESULTS, must: 'reach', unit: 'messages/s' },
]);

/** One message after the other, and over again, with numbers of their own of six digits. */
function feed(message: (n: number) => string): () => Buffer {
  const messages = Array.from({ length: DIFFERENT }, (_, index) => Buffer.from(message(100_000 + index)));
  let next = 0;
  return () => {
    if (next === messages.length) next = 0;
    return messages[next++]!;
  };
}

/** Per second of processor time, that of the collector's threads included: other programs may have the core in between. */
function measure(work: () => number, ms = ROUND_MS): { readonly rate: number; readonly wallUs: number } {
  const began = performance.now();
  const started = process.cpuUsage();
  let count = 0;
  let made = 0;
  let elapsed = 0;
  while (elapsed < ms) {
    for (let i = 0; i < 50; i++) made += work();
    count += 50;
    const { user, system } = process.cpuUsage(started);
    elapsed = (user + system) / 1000;
  }
  if (made === 0) throw new Error('bench:fhir: nothing was made');
  return { rate: (count / elapsed) * 1000, wallUs: ((performance.now() - began) * 1000) / count };
}
