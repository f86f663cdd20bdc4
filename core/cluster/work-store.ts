import { HubError } from '../errors.ts';
import type { Fence } from '../store/leases.ts';
import type { MessageStore } from '../store/message-store.ts';

/** What of a store the work of a channel is done with. */
export type WorkStore = Pick<
  MessageStore,
  'settle' | 'update' | 'unblock' | 'ready' | 'due' | 'queueState' | 'unrouted' | 'countRecoveries' | 'find'
> &
  Pick<MessageStore, 'state' | 'setState'>;

/**
 * A store under one lease: each of its writes is refused with `lease-lost` once another hub has the lease. Recoveries are counted of
 * messages up to `upTo`, which were there when the lease was taken.
 */
export function fenced(store: MessageStore, fence: Fence, upTo: number): WorkStore {
  return {
    settle: (channel, batch, mayWait) => store.settle(channel, batch, mayWait, fence),
    update: (channel, changes) => store.update(channel, changes, fence),
    unblock: (channel, destination, key, limit) => store.unblock(channel, destination, key, limit, fence),
    countRecoveries: (channel, limit) => store.shared!.countRecoveries(channel, upTo, limit, fence),
    ready: (...given) => store.ready(...given),
    due: (...given) => store.due(...given),
    queueState: (...given) => store.queueState(...given),
    unrouted: (...given) => store.unrouted(...given),
    find: (query) => store.find(query),
    state: (name) => store.state(name),
    setState: (name, value) => store.setState(name, value, fence),
  };
}

export function leaseLost(doing: string): HubError {
  return new HubError('lease-lost', 'transient', `${doing}: another hub has the channel`);
}

export function isLeaseLost(thrown: unknown): boolean {
  return thrown instanceof HubError && thrown.code === 'lease-lost';
}
