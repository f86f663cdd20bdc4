import { build, type MessageInput } from './build.ts';
import { type Dialect, dialectOf } from './dialect.ts';
import type { TerminationCode } from './fields.ts';
import type { RecordInput, RecordInputOf } from './input.ts';
import type { AstmMessage } from './message.ts';
import type { AstmRecord } from './record.ts';
import { isoTime } from './time.ts';

/** What a Q record asks for (LIS02-A2 §11). */
export interface Query {
  /** The specimens asked for; none where all are meant. */
  readonly specimenIds: readonly string[];
  /** The patients asked for, by the same positions; none where the analyzer asks by specimen. */
  readonly patientIds: readonly string[];
  /** The end of a range, where one is asked for. */
  readonly end: string | undefined;
  /** The codes of the tests asked for; none for `ALL`. */
  readonly tests: readonly string[];
  readonly from: string | undefined;
  readonly to: string | undefined;
  /**
   * What is asked for: O orders and demographics, D demographics, A abort of the last query, and of results F final, P
   * preliminary, C corrected, N new, R previously sent, X, I, S, M (LIS02-A2 §11.13).
   */
  readonly status: string | undefined;
  readonly record: AstmRecord<'Q'>;
}

/** The queries of a message. An analyzer waits about 15 s for the answer. */
export function queriesOf(message: AstmMessage, dialect?: Partial<Dialect>): Query[] {
  const { queriedSpecimen } = dialectOf(dialect);
  return message.all('Q').map((record) => queryOf(record, queriedSpecimen));
}

function queryOf(record: AstmRecord<'Q'>, places: readonly number[]): Query {
  const starts = record.repeats(3).map((components) => components.map((part) => part.trim()));
  const asked = starts.map((parts) => {
    const place = places.find((component) => parts[component - 1]) ?? 0;
    return { specimen: parts[place - 1] ?? '', patient: place > 1 ? parts[0]! : '' };
  });
  const specimenIds = asked.map(({ specimen }) => specimen).filter(names);
  const patientIds = asked.map(({ patient }) => patient).filter(names);
  const tests = record.repeats(5).map(([code, , , local]) => (code || local || '').trim());
  return {
    specimenIds,
    patientIds,
    end: record.first(['4.2', '4.1']),
    tests: tests.filter(names),
    from: isoTime(record.named('from')),
    to: isoTime(record.named('to')),
    status: record.named('status')?.trim() || undefined,
    record,
  };
}

function names(id: string): boolean {
  return id !== '' && id !== 'ALL';
}

/** What is to be measured for one patient. */
export interface Worklist {
  readonly patient: Omit<RecordInputOf<'P'>, 'type'>;
  readonly orders: readonly Omit<RecordInputOf<'O'>, 'type'>[];
}

export interface AnswerInput extends Omit<MessageInput, 'records' | 'termination'> {
  /** Empty where nothing is known. */
  readonly worklists: readonly Worklist[];
  /**
   * Default F (answered) with orders, else I (nothing known). Q tells an error in the query; N is what analyzers want
   * that know no other code.
   */
  readonly termination?: TerminationCode;
}

/**
 * The answer to a query, or a worklist nobody asked for: H, then P with its O for each patient, then L. Field 26 of an
 * order is Q (response to query) unless given; O is for orders nobody asked for (LIS02-A2 §8.4.26).
 * @throws ProtocolFault astm.bad-value, astm.unencodable, astm.unknown-charset
 */
export function answer({ worklists, termination, ...input }: AnswerInput): AstmMessage {
  const records = worklists.flatMap(({ patient, orders }): RecordInput[] => [
    { ...patient, type: 'P' },
    ...orders.map((order): RecordInput => ({ reportType: 'Q', ...order, type: 'O' })),
  ]);
  return build({ ...input, records, termination: termination ?? (records.length > 0 ? 'F' : 'I') });
}
