/**
 * `npm run bench:hl7` – parse a message and read five fields, ours beside @medplum/core's Hl7Message, in alternate rounds of
 * one process. Both start from bytes. Exits 1 when ours is less than `LIMIT` times as fast with any of the messages.
 */
import { readFileSync } from 'node:fs';
import { parse } from '../protocols/hl7v2/message.ts';

const LIMIT = 4;
const ROUNDS = 15;
const ROUND_MS = 120;

interface Subject {
  readonly name: string;
  readonly raw: Buffer;
  /** Segment, field, component; 0 for the whole field. */
  readonly fields: readonly (readonly [segment: string, field: number, component: number])[];
}

/** As much of @medplum/core as is compared with. */
interface MedplumSegment {
  getField(n: number): { toString(): string };
  getComponent(field: number, component: number): string;
}
interface Medplum {
  readonly Hl7Message: { parse(text: string): { getSegment(name: string): MedplumSegment | undefined } };
}

const { Hl7Message } = await medplum();
const subjects: Subject[] = [
  {
    name: 'ADT 740 B',
    raw: fixture('adt-a01.hl7'),
    fields: [
      ['MSH', 9, 2],
      ['MSH', 10, 0],
      ['PID', 3, 1],
      ['PID', 5, 1],
      ['PV1', 2, 0],
    ],
  },
  {
    name: 'ORU 2.9 KB, 20 OBX',
    raw: fixture('oru-r01-20-obx.hl7'),
    fields: [
      ['MSH', 10, 0],
      ['PID', 3, 1],
      ['OBR', 4, 1],
      ['OBX', 3, 1],
      ['OBX', 5, 0],
    ],
  },
  {
    name: 'ORU 106 KB, a PDF',
    raw: withDocument(fixture('oru-r01-pdf.hl7'), 106_000),
    fields: [
      ['MSH', 10, 0],
      ['PID', 3, 1],
      ['OBR', 4, 1],
      ['OBX', 3, 1],
      ['OBX', 11, 0],
    ],
  },
];

console.log(
  `node ${process.version}, ${ROUNDS} alternate rounds of ${ROUND_MS} ms each, messages per second (median, lowest–highest)`,
);
const worst = subjects.map(compare).reduce((a, b) => (a.ratio < b.ratio ? a : b));
const passed = worst.ratio >= LIMIT;
console.log(
  `bench:hl7 ${passed ? 'passed' : 'FAILED'}: ${worst.name}: ${rate(worst.ours)} messages/s, ` +
    `limit ${rate(LIMIT * worst.theirs)} (${LIMIT}× @medplum/core), ratio ${worst.ratio.toFixed(1)}×`,
);
process.exitCode = passed ? 0 : 1;

function compare(subject: Subject) {
  const ours = readOurs(subject);
  const theirs = readTheirs(subject);
  if (ours() !== theirs()) throw new Error(`bench:hl7: the two read different values from ${subject.name}`);
  measure(ours);
  measure(theirs);
  const rates = { ours: [] as number[], theirs: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    rates.ours.push(measure(ours));
    rates.theirs.push(measure(theirs));
  }
  const result = { name: subject.name, ours: median(rates.ours), theirs: median(rates.theirs) };
  const ratio = result.ours / result.theirs;
  console.log(
    `${subject.name.padEnd(20)} ${String(subject.raw.length).padStart(7)} B   ours ${spread(rates.ours)}   medplum ${spread(rates.theirs)}   ${ratio.toFixed(1)}×`,
  );
  return { ...result, ratio };
}

/** The reader answers the length of what it read, so that nothing of the work can be left out. */
function readOurs({ raw, fields }: Subject): () => number {
  const paths = fields.map(
    ([segment, field, component]) => `${segment}-${field}${component > 0 ? `.${component}` : ''}`,
  );
  return () => {
    const message = parse(raw);
    let length = 0;
    for (const path of paths) length += message.get(path)?.length ?? 0;
    return length;
  };
}

function readTheirs({ raw, fields }: Subject): () => number {
  return () => {
    const message = Hl7Message.parse(raw.toString('utf8'));
    let length = 0;
    for (const [segment, field, component] of fields) {
      const found = message.getSegment(segment);
      if (!found) continue;
      length += component > 0 ? found.getComponent(field, component).length : found.getField(field).toString().length;
    }
    return length;
  };
}

function measure(read: () => number): number {
  const started = performance.now();
  let count = 0;
  let elapsed = 0;
  while (elapsed < ROUND_MS) {
    for (let i = 0; i < 50; i++) read();
    count += 50;
    elapsed = performance.now() - started;
  }
  return (count / elapsed) * 1000;
}

function withDocument(raw: Buffer, length: number): Buffer {
  const document = raw.indexOf('Base64^') + 'Base64^'.length;
  const filler = Buffer.alloc(length - raw.length, 'JVBERi0x');
  return Buffer.concat([raw.subarray(0, document), filler, raw.subarray(document)]);
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../test-fixtures/hl7v2/${name}`, import.meta.url));
}

async function medplum(): Promise<Medplum> {
  const name = '@medplum/core';
  try {
    return await import(name);
  } catch (cause) {
    throw new Error(`bench:hl7 compares with ${name}, which is not installed: run npm ci`, { cause });
  }
}

function spread(rates: readonly number[]): string {
  return `${rate(median(rates)).padStart(9)} (${rate(Math.min(...rates))}–${rate(Math.max(...rates))})`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}
