import type { MessageStore } from '../core/store/message-store.ts';

/** The name under which this hub keeps a state of its own: where several share a store, none writes over another's. */
export function ownName({ shared }: Pick<MessageStore, 'shared'>, name: string): string {
  return shared ? `${name}@${shared.hub}` : name;
}
