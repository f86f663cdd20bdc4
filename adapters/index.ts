import { astm } from './astm/astm.ts';
import { channel } from './channel/channel.ts';
import { events } from './events/events.ts';
import { fhir } from './fhir/fhir.ts';
import { file } from './file/file.ts';
import { http } from './http/http.ts';
import { kafka } from './kafka/kafka.ts';
import { mllp } from './mllp/mllp.ts';
import { modbus } from './modbus/modbus.ts';
import { mqtt } from './mqtt/mqtt.ts';
import { postgres } from './postgres/postgres.ts';
import { rabbitmq } from './rabbitmq/rabbitmq.ts';
import { schedule } from './schedule/schedule.ts';
import { serial } from './serial/serial.ts';
import { sftp } from './sftp/sftp.ts';

/** Every adapter that is shipped. An adapter is known by being in this list, and in no other way. */
export const adapters = [
  mllp,
  http,
  fhir,
  file,
  sftp,
  kafka,
  rabbitmq,
  modbus,
  mqtt,
  astm,
  serial,
  postgres,
  events,
  schedule,
  channel,
] as const;
