import { type Dialect, dialectOf } from './dialect.ts';
import type { AstmMessage } from './message.ts';
import type { AstmRecord } from './record.ts';
import { isoTime } from './time.ts';
import { type OrderNode, type PatientNode, type ResultNode, treeOf } from './tree.ts';

/** A note on a result, its order or its patient: a C record (LIS02-A2 §10). */
export interface ResultComment {
  /** P practice, L laboratory, I instrument. */
  readonly source: string | undefined;
  /** The text's components, which some analyzers use for a code and its meaning. */
  readonly text: readonly string[];
  /** G generic, T test name, P positive, N negative, I instrument flags. */
  readonly type: string | undefined;
}

/** What a result is for: field 12 of H, and of O where that says quality control. */
export type Purpose = 'patient' | 'quality-control' | 'training' | 'debugging';

/** One result (an R record) with what stands above it. All texts without blanks around them; times in ISO 8601. */
export interface AstmResult {
  readonly purpose: Purpose;
  readonly patientId: string | undefined;
  readonly specimenId: string | undefined;
  readonly test: {
    readonly code: string | undefined;
    readonly name: string | undefined;
    readonly system: string | undefined;
  };
  /** All components of R-3: makers put dilution, LOINC and units there. */
  readonly testId: readonly string[];
  /** As text: `5.40` and `5.4` differ in precision, and `<0.01` is no number. */
  readonly value: string | undefined;
  /** All repetitions of R-4, each the first of its components that says something. */
  readonly values: readonly string[];
  readonly unit: string | undefined;
  readonly range: string | undefined;
  /** H, HH, L, LL, N, A, <, >, U, D, B, W (LIS02-A2 §9.7). */
  readonly flags: readonly string[];
  /** C, P, F, X, I, S, M, R, N, Q, V, W (LIS02-A2 §9.9), as written. */
  readonly status: string | undefined;
  readonly operator: string | undefined;
  readonly startedAt: string | undefined;
  readonly completedAt: string | undefined;
  readonly instrument: string | undefined;
  /** Those of the result only. */
  readonly comments: readonly ResultComment[];
  /** The very records, for what a dialect has elsewhere. */
  readonly record: AstmRecord<'R'>;
  readonly order: AstmRecord<'O'> | undefined;
  readonly patient: AstmRecord<'P'> | undefined;
}

/** The results of a message, in order. */
export function resultsOf(message: AstmMessage, dialect?: Partial<Dialect>): AstmResult[] {
  const places = dialectOf(dialect);
  return treeOf(message).patients.flatMap((patient) =>
    patient.orders.flatMap((order) => order.results.map((result) => resultOf(message, patient, order, result, places))),
  );
}

/** What the results of an order are for. */
export function purposeOf(message: AstmMessage, order: AstmRecord<'O'> | undefined): Purpose {
  if (order?.named('actionCode')?.trim() === 'Q') return 'quality-control';
  switch (message.header.named('processingId')?.trim()) {
    case 'Q':
      return 'quality-control';
    case 'T':
      return 'training';
    case 'D':
      return 'debugging';
    default:
      return 'patient';
  }
}

function resultOf(
  message: AstmMessage,
  patient: PatientNode,
  order: OrderNode,
  { record, comments }: ResultNode,
  places: Dialect,
): AstmResult {
  const result = record!;
  return {
    purpose: purposeOf(message, order.record),
    patientId: patient.record?.first(places.patientId),
    specimenId: order.record?.first(places.specimenId),
    test: {
      code: result.first(places.testCode),
      name: result.first(places.testName),
      system: result.first(places.testSystem),
    },
    testId: result.repeats(3)[0] ?? [],
    value: result.first(places.value),
    values: valuesOf(result, places),
    unit: result.first(places.unit),
    range: result.first(places.range),
    flags: flagsOf(result),
    status: result.named('status')?.trim() || undefined,
    operator: result.first(places.operator),
    startedAt: isoTime(result.named('startedAt')),
    completedAt: isoTime(result.first(places.completedAt)),
    instrument: result.first(places.instrument) ?? message.header.first(places.headerInstrument),
    comments: comments.map(commentOf),
    record: result,
    order: order.record,
    patient: patient.record,
  };
}

function valuesOf(result: AstmRecord<'R'>, places: Dialect): string[] {
  const repeats = result.repeats(4);
  if (repeats.length <= 1) return [result.first(places.value)].filter((value) => value !== undefined);
  return repeats.flatMap((components) => components.map((value) => value.trim()).find((value) => value !== '') ?? []);
}

function flagsOf(result: AstmRecord<'R'>): string[] {
  return result.repeats(7).flatMap(([flag]) => flag?.trim() || []);
}

function commentOf(record: AstmRecord<'C'>): ResultComment {
  return { source: record.named('source'), text: record.repeats(4)[0] ?? [], type: record.named('kind') };
}
