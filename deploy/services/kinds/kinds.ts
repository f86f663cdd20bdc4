import type { ServiceKind, ServiceName } from '../service.ts';
import { kafka } from './kafka.ts';
import { mosquitto } from './mosquitto.ts';
import { pgbouncer } from './pgbouncer.ts';
import { postgres } from './postgres.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redis } from './redis.ts';

export const kinds: Readonly<Record<ServiceName, ServiceKind>> = {
  postgres,
  pgbouncer,
  redis,
  mosquitto,
  rabbitmq,
  kafka,
};
