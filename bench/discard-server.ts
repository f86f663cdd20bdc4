/** The server that `bench:mllp` measures: MLLP, route by patient, a step that reads five fields, discard; once for each ack point. */
import { mllp } from '../adapters/mllp/mllp.ts';
import { discard } from '../connectors/discard/discard.ts';
import { defineChannel } from '../core/builder.ts';
import type { Hl7Message } from '../protocols/hl7v2/message.ts';
import { compilePath } from '../protocols/hl7v2/path.ts';
import { type PostgresSettings, startEngine } from './engine.ts';
import { answerParent, settings } from './parent.ts';

export interface DiscardServer {
  readonly directory: string;
  readonly stored: number;
  readonly settled: number;
  /** Ports of further channels that acknowledge when stored. */
  readonly more?: readonly number[];
  /** Where the store is, if not in the directory. */
  readonly postgres?: PostgresSettings;
}

const fields = ['MSH-9.2', 'MSH-10', 'PID-3.1', 'PID-5.1', 'PID-7'].map((path) => compilePath(path));
const patient = compilePath('PID-3[5=MR]');

function readFive(message: Hl7Message): Hl7Message {
  for (const field of fields) message.get(field);
  return message;
}

const channel = (ackAfter: 'stored' | 'settled', name: string = ackAfter) =>
  defineChannel(name, { ackAfter })
    .from(mllp({ endpoint: name }))
    .keyBy((message) => message.keys(patient))
    .through(readFive)
    .to('discard', discard({}));

const { directory, stored, settled, more = [], postgres } = settings<DiscardServer>();
const host = '127.0.0.1';
const engine = await startEngine(
  {
    directory,
    postgres,
    endpoints: {
      stored: { kind: 'tcp-listen', host, listen: stored },
      settled: { kind: 'tcp-listen', host, listen: settled },
      ...Object.fromEntries(more.map((listen, at) => [`more-${at}`, { kind: 'tcp-listen', host, listen } as const])),
    },
  },
  [channel('stored'), channel('settled'), ...more.map((_, at) => channel('stored', `more-${at}`))],
);
answerParent({ stop: () => engine.close(5_000), status: () => engine.status() });
