import type { Clock } from '../component.ts';
import type { Outgoing } from '../message.ts';
import type { NewMessage } from '../store/message-store.ts';

/** A message that a channel gives to another, as that one stores it: its effect id tells one that is given again. */
export function givenMessage(
  channel: string,
  { bytes, effectId, id, meta }: Outgoing<unknown>,
  { newId, clock }: { readonly newId: () => string; readonly clock: Clock },
): NewMessage {
  return {
    id: newId(),
    raw: bytes,
    meta: { ...meta, 'channel.name': channel, 'channel.message': id },
    receivedAt: clock.now(),
    dedupe: { key: `channel/${effectId}`, contentHash: '' },
  };
}
