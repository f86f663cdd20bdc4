import { destinationError, refusal } from '../../clients/mqtt/errors.ts';
import type { Confirmation } from '../../clients/mqtt/publisher.ts';
import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import { isFixed } from '../../core/message-template.ts';

const doing = 'sending to MQTT';
const noSubscribers = 0x10;

/**
 * What became of a message. A topic that is the same for every message and is refused is the destination's: nothing is a dead letter
 * for it. One that comes from the message is that message's. It is named as configured: what is filled in may be about a patient.
 */
export function outcomeOf(
  confirmation: Confirmation,
  { topic, mandatory }: { readonly topic: string; readonly mandatory: boolean },
): WriteOutcome {
  switch (confirmation.status) {
    case 'answered': {
      const { reasonCode } = confirmation;
      if (reasonCode === noSubscribers && mandatory) return refused('unmatched', topic, 'nobody has subscribed to it');
      return reasonCode < 0x80 ? { status: 'sent' } : negative(reasonCode, topic);
    }
    case 'too-large':
      return tooLarge();
    case 'lost': {
      const { error } = confirmation;
      // The broker may have taken it before the connection broke.
      return { status: 'uncertain', error };
    }
    default:
      return confirmation satisfies never;
  }
}

/** By the reason code of PUBACK (MQTT 5 §3.4.2.1). */
function negative(reasonCode: number, topic: string): WriteOutcome {
  switch (reasonCode) {
    case 0x87:
      return refused('refused', topic, 'the user may not write to it: its rights at the broker');
    case 0x90:
      return refused('refused', topic, 'the broker does not take it');
    case 0x95:
      return tooLarge();
    case 0x99: {
      const text = `${doing}: the broker does not take a payload of this kind (0x99)`;
      return { status: 'error', error: new HubError('write-failed', 'permanent', text) };
    }
    default:
      return { status: 'error', error: refusal(reasonCode, doing) };
  }
}

function refused(code: 'refused' | 'unmatched', topic: string, what: string): WriteOutcome {
  const text = `${doing}: the topic ${topic}: ${what}: topic`;
  if (!isFixed(topic)) return { status: 'error', error: new HubError(code, 'permanent', text) };
  return { status: 'error', error: destinationError(code === 'unmatched' ? 'not-found' : code, text) };
}

function tooLarge(): WriteOutcome {
  const text = `${doing}: the message is larger than the broker takes (Maximum Packet Size)`;
  return { status: 'error', error: new HubError('write-failed', 'permanent', text) };
}
