import { outcomeOfSilence as httpSilence } from '../../../clients/http-client/status-table.ts';
import type { FhirDestinationConfig } from '../../../connectors/fhir/config.ts';
import { outcomeOf as fhirOutcomeOf } from '../../../connectors/fhir/response.ts';
import type { HttpDestinationConfig } from '../../../connectors/http/config.ts';
import { ackTable, outcomeOf as httpOutcomeOf } from '../../../connectors/http/response-table.ts';
import type { MllpDestinationConfig } from '../../../connectors/mllp/config.ts';
import { outcomeOfSilence } from '../../../connectors/mllp/response-table.ts';
import { type AckTable, outcomeOfAck } from '../../../contracts/hl7v2-response.ts';
import type { DestinationSpec, WriteOutcome } from '../../../core/destination.ts';
import type { ReceivedAck } from '../../../protocols/hl7v2/read-ack.ts';

/** What follows from each answer of a far end, in words; nothing where the connector has no answers to choose from. */
export function responseWords({ type, config }: Pick<DestinationSpec<never>, 'type' | 'config'>): readonly string[] {
  if (type === 'mllp') return mllpWords((config as MllpDestinationConfig).response);
  if (type === 'http') return httpWords((config as HttpDestinationConfig).response);
  if (type === 'fhir') return fhirWords(config as FhirDestinationConfig);
  return [];
}

function mllpWords(table: MllpDestinationConfig['response']): readonly string[] {
  return grouped([...ackOutcomes(table), ['no answer in time', outcomeOfSilence('', table)]]);
}

function ackOutcomes(table: AckTable): readonly (readonly [string, WriteOutcome])[] {
  const codes = ['AA', 'CA', 'AE', 'CE', 'AR', 'CR'] as const;
  const ack = (code: ReceivedAck['code'], error?: string) =>
    ({
      code,
      controlId: '',
      text: undefined,
      errors: error === undefined ? [] : [{ code: error }],
    }) as unknown as ReceivedAck;
  const none = new Uint8Array();
  const keys = new Set(['ERR-3.1=206', ...Object.keys(table).filter((key) => key.startsWith('ERR-3.1='))]);
  return [
    ...codes.map((code) => [code, outcomeOfAck(ack(code), none, table)] as const),
    ...[...keys].map(
      (key) =>
        [`a negative answer with ${key}`, outcomeOfAck(ack('AE', key.slice('ERR-3.1='.length)), none, table)] as const,
    ),
  ];
}

function httpWords(table: HttpDestinationConfig['response']): readonly string[] {
  const answer = (status: number) =>
    httpOutcomeOf({ status, headers: {}, body: Buffer.alloc(0) }, { response: table, maxRetryAfterMs: 0 }, 0);
  return grouped([
    ...statusOutcomes(table, [], answer),
    ['no answer in time', httpSilence(0, table)],
    ...ackOutcomes(ackTable(table)).map(([name, outcome]) => [`HL7 ${name}`, outcome] as const),
  ]);
}

function fhirWords({ response, maxRetryAfterMs }: FhirDestinationConfig): readonly string[] {
  const config = { response, maxRetryAfterMs };
  const answer = (status: number) =>
    fhirOutcomeOf({ resourceType: 'Basic' }, { status, headers: {}, body: Buffer.alloc(0) }, config, 0);
  return [
    ...grouped([...statusOutcomes(response, ['412', '501'], answer), ['no answer in time', httpSilence(0, response)]]),
    'an answer with a body that is no resource: the same bytes are sent again',
    'the answer to a batch: each entry is judged by its own status',
  ];
}

/** By class, then by each status that can mean something else. */
function statusOutcomes(
  table: Readonly<Record<string, unknown>>,
  more: readonly string[],
  answer: (status: number) => WriteOutcome,
): readonly (readonly [string, WriteOutcome])[] {
  const classes = ['2', '3', '4', '5'].map((digit) => [`${digit}xx`, Number(`${digit}99`)] as const);
  const named = Object.keys(table).filter((key) => /^\d{3}$/.test(key));
  const single = new Set(['401', '403', '408', '409', '429', '502', '503', '504', ...more, ...named]);
  return [
    ...classes.map(([name, status]) => [name, answer(status)] as const),
    ...[...single].sort().map((status) => [status, answer(Number(status))] as const),
  ];
}

function grouped(outcomes: readonly (readonly [string, WriteOutcome])[]): readonly string[] {
  const groups = Map.groupBy(outcomes, ([, outcome]) => follows(outcome));
  return [...groups].map(([what, each]) => `${each.map(([name]) => name).join(', ')}: ${what}`);
}

function follows(outcome: WriteOutcome): string {
  if (outcome.status === 'sent') return 'it is sent';
  if (outcome.status === 'untried' || outcome.status === 'uncertain') return 'the same bytes are sent again';
  const { kind, scope } = outcome.error;
  if (scope === 'destination') return 'the destination waits, with one probe at a time';
  return kind === 'transient' ? 'it is tried again' : 'it becomes a dead letter';
}
