import { sourceDemand } from '../../../adapters/postgres/demand.ts';
import type { Demand } from '../../../clients/postgres/reach.ts';
import { storeDemand } from '../../../connectors/postgres/message-store/store-demand.ts';
import { destinationDemand } from '../../../connectors/postgres/target.ts';
import { readingsDemand } from '../../../connectors/postgres-readings/demand.ts';
import type { OfflineFolder } from '../offline/folder.ts';
import { type UsedEndpoint, usedEndpoints } from './used-endpoints.ts';

/**
 * By endpoint: what channels, and the message store of `weir.yaml`, want of a database, its tables, columns and rights. What is wrong
 * is told with who wants it.
 */
export function databaseDemands(
  folder: Pick<OfflineFolder, 'channels' | 'registry' | 'settings'>,
): ReadonlyMap<string, readonly Demand[]> {
  const demands = new Map<string, Demand[]>();
  const { postgres } = folder.settings.store;
  if (postgres) {
    const demand = storeDemand(postgres.schema);
    const told: Demand = async (session) => (await demand(session)).map((problem) => `store.postgres: ${problem}`);
    demands.set(postgres.endpoint, [told]);
  }
  for (const channel of folder.channels)
    for (const used of usedEndpoints(channel, folder)) {
      const demand = demandOf(used);
      if (!demand) continue;
      const { name } = channel.definition;
      const told: Demand = async (session) =>
        (await demand(session)).map((problem) => `${name}, ${used.by}: ${problem}`);
      demands.set(used.name, [...(demands.get(used.name) ?? []), told]);
    }
  return demands;
}

function demandOf({ channel, type, name, destination }: UsedEndpoint): Demand | undefined {
  if (type !== 'postgres') return undefined;
  const { source, destinations } = channel.definition;
  if (destination === undefined) return sourceDemand(source.config, name);
  const to = destinations.find((each) => each.name === destination)?.to;
  if (to?.type === 'postgres-readings') return readingsDemand(to.config);
  return to && destinationDemand(to.config);
}
