import type { Endpoint } from '../../core/endpoint.ts';
import type { CertificateReport } from '../admin/certificates.ts';
import type { RefusedTables } from '../deploy-report.ts';
import type { ServiceStanding } from '../services/service-standing.ts';
import type { Wiring } from '../wiring.ts';
import type { Subject } from './alert.ts';
import type { AlertsConfig } from './alerts-config.ts';

/** What alerts have to know of the channels folder, as it was last deployed. */
export interface AlertsSource {
  readonly alerts: AlertsConfig;
  readonly wiring: Wiring;
  /** Changed code tables that were refused. */
  readonly refusedTables?: RefusedTables | undefined;
  /** Of other hubs on the store, which have files of their own. */
  readonly certificatesElsewhere?: readonly CertificateReport[];
  readonly services?: readonly ServiceStanding[];
  /** Hubs that share the store, each with an event log of its own. */
  readonly ownLogs?: number;
}

/**
 * The far end that an alert is about: `host` by its name, `group` by what alerts of several destinations are told together, which
 * is the endpoint where there is no host (a directory).
 */
export function farEndOf(
  { endpoints, uses }: Wiring,
  { channel, destination }: Subject,
): { readonly host?: string; readonly group?: string } {
  const named = (each: Wiring['uses'][number]) => each.channel === channel && each.destination === destination;
  // A destination that collects is sent to by a channel of its own, which is named after it.
  const sent = (each: Wiring['uses'][number]) =>
    `${each.channel}.${each.destination}` === channel && each.destination === destination;
  const name = (uses.find(named) ?? uses.find(sent))?.endpoint;
  const endpoint = name === undefined ? undefined : endpoints[name];
  if (name === undefined || !endpoint) return {};
  const host = hostOf(endpoint);
  return host === undefined ? { group: name } : { host, group: host };
}

function hostOf(endpoint: Endpoint): string | undefined {
  if (endpoint.kind === 'tcp-listen') return undefined;
  if ('host' in endpoint) return endpoint.host;
  return 'url' in endpoint && URL.canParse(endpoint.url) ? new URL(endpoint.url).hostname : undefined;
}
