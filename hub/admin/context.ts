import type { Log } from '../../core/component.ts';
import type { Engine } from '../../core/runtime/engine.ts';
import type { DeployReport } from '../deployment.ts';

export type Phase = 'starting' | 'running' | 'draining';

/** What the admin API drives. */
export interface AdminContext {
  readonly engine: Engine;
  readonly deploy: () => Promise<DeployReport>;
  readonly phase: () => Phase;
  readonly startedAt: number;
  readonly version: string;
  readonly log: Log;
}
