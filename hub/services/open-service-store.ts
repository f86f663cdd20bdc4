import { join } from 'node:path';
import type { EndpointOf } from '../../core/endpoint.ts';
import type { ServiceStore } from '../../core/services/service-store.ts';
import type { Settings } from '../settings.ts';

/** Where services keep what they know: in PostgreSQL where the hub’s messages are, else in its state folder. */
export async function openServiceStore(
  settings: Settings,
  database: EndpointOf<'postgres'> | undefined,
): Promise<ServiceStore> {
  const { postgres } = settings.store;
  if (database && postgres) {
    const { openPostgresServiceStore } = await import(
      '../../connectors/postgres/service-store/postgres-service-store.ts'
    );
    return openPostgresServiceStore({ server: database, schema: postgres.schema });
  }
  const { openSqliteServiceStore } = await import('../../core/services/sqlite/sqlite-service-store.ts');
  return openSqliteServiceStore(join(settings.stateDir, 'services'));
}
