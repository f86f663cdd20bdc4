import type { Base, Connection } from '@platformatic/kafka';
import type { KafkaDriver } from './connection.ts';

/** A request of the protocol in the newest version that driver and brokers both know. */
export type Api<Request extends readonly unknown[], Response> = (
  connection: Connection,
  ...request: Request
) => Promise<Response>;

/** Rejects where the brokers do not know a request of this name. */
export function apiOf<Request extends unknown[], Response>(
  driver: KafkaDriver,
  client: Pick<Base, KafkaDriver['kGetApi']>,
  name: string,
): Promise<Api<Request, Response>> {
  const { promise, resolve, reject } = Promise.withResolvers<Api<Request, Response>>();
  client[driver.kGetApi]<Request, Response>(name, (error, api) => (api ? resolve(api.async) : reject(error)));
  return promise;
}
