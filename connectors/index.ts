import { astm } from './astm/astm.ts';
import { channel } from './channel/channel.ts';
import { discard } from './discard/discard.ts';
import { email } from './email/email.ts';
import { fhir } from './fhir/fhir.ts';
import { file } from './file/file.ts';
import { http } from './http/http.ts';
import { kafka } from './kafka/kafka.ts';
import { mllp } from './mllp/mllp.ts';
import { modbus } from './modbus/modbus.ts';
import { mqtt } from './mqtt/mqtt.ts';
import { postgres } from './postgres/postgres.ts';
import { postgresReadings } from './postgres-readings/postgres-readings.ts';
import { publish } from './publish/publish.ts';
import { rabbitmq } from './rabbitmq/rabbitmq.ts';
import { sftp } from './sftp/sftp.ts';

/** Every connector that is shipped. A connector is known by being in this list, and in no other way. */
export const connectors = [
  mllp,
  http,
  fhir,
  publish,
  file,
  sftp,
  kafka,
  rabbitmq,
  modbus,
  mqtt,
  astm,
  postgres,
  postgresReadings,
  email,
  channel,
  discard,
] as const;
