/** The hub of `bench:end-to-end`: MLLP in, patient events to Kafka; and a channel that reads them and writes rows to PostgreSQL, once each. */
import { events } from '../adapters/events/events.ts';
import { mllp } from '../adapters/mllp/mllp.ts';
import type { PostgresServer } from '../clients/postgres/server.ts';
import { postgres } from '../connectors/postgres/postgres.ts';
import { publish } from '../connectors/publish/publish.ts';
import { topics } from '../contracts/topics.ts';
import { defineChannel } from '../core/builder.ts';
import { compilePath } from '../protocols/hl7v2/path.ts';
import { hl7v2ToPatientEvent } from '../transforms/hl7v2-to-patient-event/hl7v2-to-patient-event.ts';
import { type PostgresSettings, startEngine } from './engine.ts';
import { answerParent, settings } from './parent.ts';

export interface ChainServer {
  readonly directory: string;
  readonly port: number;
  readonly brokers: readonly string[];
  /** Where the rows go. */
  readonly database: PostgresServer;
  /** Where the message store is, if not in the directory. */
  readonly postgres?: PostgresSettings;
}

const { directory, port, brokers, database, postgres: store } = settings<ChainServer>();
const patient = compilePath('PID-3[5=MR]');
const admissions = defineChannel('admissions')
  .from(mllp({ endpoint: 'in' }))
  .keyBy((message) => message.keys(patient))
  .through(hl7v2ToPatientEvent({}))
  .to('events', publish(topics.patient));
const warehouse = defineChannel('warehouse')
  .from(events({ topic: topics.patient.name }), topics.patient.format)
  .to(
    'rows',
    postgres({
      endpoint: 'warehouse',
      into: {
        table: 'admission',
        columns: {
          control_id: '${meta.hl7.controlId}',
          mrn: 'patient.identifiers[type=MR].value',
          family_name: 'patient.family',
          document: '$',
        },
        conflict: ['control_id'],
      },
      createInbox: true,
    }),
  );
const engine = await startEngine(
  {
    ...{ directory, kafka: brokers, postgres: store },
    endpoints: {
      in: { kind: 'tcp-listen', host: '127.0.0.1', listen: port },
      warehouse: { kind: 'postgres', ...database },
    },
  },
  [admissions, warehouse],
);
answerParent({ stop: () => engine.close(5_000), status: () => engine.status() });
