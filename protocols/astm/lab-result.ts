import { type Dialect, dialectOf } from './dialect.ts';
import type { AstmMessage } from './message.ts';
import type { AstmRecord } from './record.ts';
import { type AstmResult, purposeOf, resultsOf } from './results.ts';
import { isoTime } from './time.ts';
import { treeOf } from './tree.ts';

interface Code {
  code?: string;
  text?: string;
  system?: string;
}

/** One observation as the laboratory contract has it. */
export interface LabObservation {
  setId?: string;
  code: Code;
  valueType?: string;
  values: string[];
  unit?: string;
  referenceRange?: string;
  flags: string[];
  status?: string;
  observedAt?: string;
}

/** The results of one order, shaped as the contract `lab.result.v1` has it: what an ORU message yields, too. */
export interface LabOrderResult {
  patient: { identifiers: { value: string; authority?: string; type?: string }[] };
  order: { placer?: string; filler?: string; service: Code; status?: string; observedAt?: string };
  origin: { application?: string; facility?: string; controlId?: string };
  observations: LabObservation[];
}

/**
 * The orders of a message with their results, one event each. Only what was measured for a patient: quality control,
 * training and debugging (`resultsOf` has them) must not get into a chart. An order without results (a query's answer)
 * yields nothing.
 *
 * `order.placer` is the specimen id, the only thing by which an analyzer knows an order. The patient's identifiers (those of
 * `patientId` in the dialect) have neither authority nor type in P: the channel must know them.
 * Times have no offset unless the analyzer wrote one.
 */
export function labResultsOf(message: AstmMessage, dialect?: Partial<Dialect>): LabOrderResult[] {
  const places = dialectOf(dialect);
  const results = new Map(resultsOf(message, dialect).map((result) => [result.record, result]));
  const origin = said<LabOrderResult['origin']>({
    application: message.header.first(places.headerInstrument),
    controlId: message.header.first(['3']),
  });
  return treeOf(message).patients.flatMap(({ record: patient, orders }) =>
    orders.flatMap(({ record: order, results: nodes }) => {
      if (nodes.length === 0 || purposeOf(message, order) !== 'patient') return [];
      const own = nodes.flatMap(({ record }) => (record && results.get(record)) ?? []);
      return {
        patient: { identifiers: identifiersOf(patient, places) },
        order: said<LabOrderResult['order']>({
          placer: order?.first(places.specimenId),
          service: serviceOf(order?.repeats(5) ?? [], own),
          status: orderStatus(order?.first(['26'])),
          observedAt: isoTime(order?.first(['8'])),
        }),
        origin,
        observations: own.map(observation),
      };
    }),
  );
}

/** The test, where all of the order is one; a panel has no code of its own. */
function serviceOf(ordered: readonly (readonly string[])[], results: readonly AstmResult[]): Code {
  if (results.length === 1) return codeOf(results[0]!);
  const [only] = ordered;
  if (ordered.length !== 1 || !only) return {};
  const part = (at: number) => only[at]?.trim() || undefined;
  return said<Code>({ code: part(0) ?? part(3), text: part(1), system: part(2) });
}

function observation(result: AstmResult): LabObservation {
  return said<LabObservation>({
    setId: result.record.get('2')?.trim(),
    code: codeOf(result),
    valueType: result.value === undefined ? undefined : NUMBER.test(result.value) ? 'NM' : 'ST',
    values: [...result.values],
    unit: result.unit,
    referenceRange: result.range,
    flags: [...result.flags],
    status: result.status === undefined ? undefined : RESULT_STATUS[result.status],
    observedAt: result.completedAt ?? result.startedAt,
  });
}

function codeOf({ test }: AstmResult): Code {
  return said<Code>({ code: test.code, text: test.name, system: test.system });
}

const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

/**
 * R-9 (LIS02-A2 §9.9) in HL7 table 0085. Left out are those without a counterpart, of which W (validity questionable), N
 * and R are letters that mean other things there: W is a wrong patient.
 */
const RESULT_STATUS: Readonly<Record<string, string>> = { C: 'C', P: 'P', F: 'F', X: 'X', I: 'I', S: 'S', V: 'F' };

/** O-26 (LIS02-A2 §8.4.26) in HL7 table 0123, which has the same letters for the same things. */
function orderStatus(type: string | undefined): string | undefined {
  return type !== undefined && /^[OCPFXIYZ]$/.test(type) ? type : undefined;
}

function identifiersOf(patient: AstmRecord<'P'> | undefined, places: Dialect): { value: string }[] {
  const values = places.patientId.flatMap((place) => patient?.first([place]) ?? []);
  return [...new Set(values)].map((value) => ({ value }));
}

function said<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
