import type { Cluster } from '../cluster/cluster.ts';
import type { Grant, LeaseHolder } from '../cluster/lease-keeper.ts';
import type { Log } from '../component.ts';
import { describeThrown } from '../errors.ts';

/** What one hub does for all. It needs no order: it is begun and ended as the lease comes and goes, one after the other. */
export interface Chore {
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** Work that one of the hubs on a store does for all of them: each kind under a lease of its own. */
export class WorkOfOne {
  readonly #cluster: Cluster | undefined;
  readonly #log: Log;

  constructor(cluster: Cluster | undefined, log: Log) {
    this.#cluster = cluster;
    this.#log = log;
  }

  /** Takes part in it. Where the store is this hub's alone, it has begun when this resolves, and the caller ends it. */
  async share(name: string, chore: Chore): Promise<void> {
    if (this.#cluster) this.#cluster.keeper.want(leaseOf(name), holder(chore, this.#log), true);
    else await chore.begin();
  }

  /** The hub that does it, as far as is known. */
  hubOf(name: string): string | undefined {
    return this.#cluster?.keeper.holderOf(leaseOf(name));
  }
}

function leaseOf(name: string): string {
  return `hub/${name}`;
}

function holder({ begin, end }: Chore, log: Log): LeaseHolder {
  let last: Promise<void> = Promise.resolve();
  const inTurn = (run: () => Promise<void>) => {
    last = last.then(run).catch((thrown: unknown) => {
      log.error({ error: describeThrown(thrown) }, 'work for all hubs failed');
    });
    return last;
  };
  return {
    gained: (grant: Grant) =>
      void inTurn(async () => (grant.until > Number.NEGATIVE_INFINITY ? await begin() : undefined)),
    lost: () => void inTurn(() => end()),
    giveUp: () => inTurn(() => end()),
  };
}
