import type { Log } from '../../core/component.ts';
import type { Engine } from '../../core/runtime/engine.ts';
import type { SearchIndex } from '../../core/search/search-index.ts';
import type { TableSet } from '../../core/tables/table-set.ts';
import type { UnknownCodes } from '../../core/tables/unknown-codes.ts';
import type { AlertsOfOne } from '../alerts/alerts-of-one.ts';
import type { Chosen, DeployReport, RefusedTables } from '../deploy-report.ts';
import type { Asked } from '../lineage/lineage-report.ts';
import type { LiveBus } from '../live/live-bus.ts';
import type { AlarmsService } from '../services/alarms-service.ts';
import type { Undeploy } from '../undeploy.ts';
import type { Wiring } from '../wiring.ts';

export type Phase = 'starting' | 'running' | 'draining';

/** What the admin API drives. */
export interface AdminContext {
  readonly engine: Engine;
  readonly deploy: (chosen?: Chosen) => Promise<DeployReport>;
  readonly undeploy: Pick<Undeploy, 'undeploy' | 'list'>;
  /** The code tables in force, and the codes that they do not have. */
  readonly codes: {
    readonly tables: TableSet;
    readonly unknown: UnknownCodes;
    readonly refusedTables?: RefusedTables | undefined;
  };
  readonly alerts: AlertsOfOne;
  /** Absent where nobody can look. */
  readonly live?: LiveBus;
  /** Absent where the settings do not turn it on. */
  readonly alarms?: AlarmsService | undefined;
  readonly wiring: () => Wiring;
  /** A channel as the folder was last read. */
  readonly definition: (channel: string) => Asked | undefined;
  /** Opens beside the channels; absent where there is none. */
  readonly search?: Promise<SearchIndex>;
  readonly phase: () => Phase;
  readonly startedAt: number;
  readonly version: string;
  readonly log: Log;
}
