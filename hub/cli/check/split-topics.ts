import { hostname } from 'node:os';
import { livingHubs } from '../../../connectors/postgres/message-store/living-hubs.ts';
import type { Endpoint } from '../../../core/endpoint.ts';
import type { OfflineFolder } from '../offline/folder.ts';
import type { Opened } from './connect.ts';

type Folder = Pick<OfflineFolder, 'channels' | 'settings'>;

/** A line where other hubs have the store of this one open, and topics are read, but each hub has an event log of its own. */
export async function splitTopics(
  { channels, settings }: Folder,
  endpoints: Readonly<Record<string, Endpoint>>,
  opened: readonly Opened[],
  timeoutMs: number,
): Promise<readonly Opened[]> {
  const { store, events, services, hub = hostname() } = settings;
  const name = store.postgres?.endpoint;
  const server = name === undefined ? undefined : endpoints[name];
  const readers = [
    ...(services.alarms ? ['the service alarms'] : []),
    ...channels
      .filter(({ definition }) => definition.source.type === 'events')
      .map(({ definition }) => definition.name),
  ];
  if (!store.postgres || name === undefined || server?.kind !== 'postgres') return [];
  if (events.kafka || readers.length === 0 || !opened.some((each) => each.endpoint === name && each.result === 'ok'))
    return [];
  const others = (await livingHubs(server, store.postgres.schema, timeoutMs)).filter((each) => each !== hub);
  if (others.length === 0) return [];
  const read = readers.length > 3 ? `${readers.slice(0, 3).join(', ')} and others` : readers.join(', ');
  const detail = `hub ${others.join(', ')} shares the store, and each hub has an event log of its own: ${read} would see only what one hub publishes; events.kafka gives them one`;
  return [{ endpoint: name, kind: 'postgres', result: 'warning', detail }];
}
