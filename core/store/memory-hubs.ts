import { HubError } from '../errors.ts';
import type { Fence } from './leases.ts';

interface KeptLease {
  epoch: number;
  /** Undefined: free. */
  holder: Opening | undefined;
  until: number;
}

/** One opening of a store: what a lease belongs to. */
export interface Opening {
  readonly hub: string;
  readonly epoch: number;
}

const mostNotices = 1_000;

/** What hubs that share memory know of each other: leases, notices, and who lives. Time is the machine's. */
export class MemoryHubs {
  readonly leases = new Map<string, KeptLease>();
  readonly seen = new Map<Opening, number>();
  readonly notices: { readonly by: Opening; readonly subject: string }[] = [];
  noticesBefore = 0;
  lastEpoch = 0;

  inForce({ lease: name, epoch }: Fence, opening: Opening): boolean {
    const lease = this.leases.get(name);
    return lease?.holder === opening && lease.epoch === epoch;
  }

  announce(by: Opening, subjects: readonly string[]): void {
    this.notices.push(...subjects.map((subject) => ({ by, subject })));
    const gone = Math.max(0, this.notices.length - mostNotices);
    this.notices.splice(0, gone);
    this.noticesBefore += gone;
  }
}

/** Throws `lease-lost` where the fence is not in force. */
export function refuseUnfenced(hubs: MemoryHubs, fence: Fence | undefined, opening: Opening | undefined): void {
  if (fence && opening && !hubs.inForce(fence, opening))
    throw new HubError('lease-lost', 'transient', `writing under ${fence.lease}: another hub has taken it over`);
}
