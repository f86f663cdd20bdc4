import { z } from 'zod';
import type { WriteOutcome } from '../core/destination.ts';
import { HubError } from '../core/errors.ts';
import { ProtocolFault } from '../protocols/fault.ts';
import type { AckCode } from '../protocols/hl7v2/ack.ts';
import { type ReceivedAck, readAck } from '../protocols/hl7v2/read-ack.ts';

/** `wait`: for the whole destination, at no message's cost (rule 15). */
export type AckAction = 'accept' | 'retry' | 'wait' | 'dead-letter';

/** What a destination says of acknowledgements where they do not mean what they usually do. */
export type AckTable = Readonly<Partial<Record<AckCode | `ERR-3.1=${string}`, AckAction>>>;

/** The keys of such a table. An error code of a negative answer holds for ERR-1 of versions before 2.5 too. */
export const ackCodes = ['AA', 'AE', 'AR', 'CA', 'CE', 'CR'] as const satisfies readonly AckCode[];
export const errorKey = z.templateLiteral(['ERR-3.1=', z.string().min(1)]);

/** Rule 18. AE says that the content is wrong, so that resending is pointless; AR that the far end cannot take it now. */
const defaults: AckTable & Record<AckCode, AckAction> = {
  AA: 'accept',
  CA: 'accept',
  AE: 'dead-letter',
  CE: 'dead-letter',
  AR: 'retry',
  CR: 'retry',
  'ERR-3.1=206': 'retry',
};

/** What came back, read as an acknowledgement; undefined where it is none. */
export function acknowledgementIn(reply: Uint8Array): ReceivedAck | undefined {
  try {
    return readAck(reply);
  } catch (fault) {
    if (fault instanceof ProtocolFault) return undefined;
    throw fault;
  }
}

/** What becomes of a message that got this answer. An error code that the table names goes before the acknowledgement code. */
export function outcomeOfAck(ack: ReceivedAck, reply: Uint8Array, table: AckTable): WriteOutcome {
  const action = actionFor(ack, table);
  if (action === 'accept') return { status: 'sent', reply };
  const codes = ack.errors.flatMap(({ code }) => (code !== undefined && /^\w{1,10}$/.test(code) ? [code] : []));
  const because = codes.length > 0 ? ` (ERR ${codes.join(', ')})` : '';
  const kind = action === 'dead-letter' ? 'permanent' : 'transient';
  const message = `sending the message: the far end answered ${ack.code}${because}`;
  const scope = action === 'wait' ? 'destination' : 'message';
  return { status: 'error', error: new HubError('reply-negative', kind, message, { scope }), reply };
}

function actionFor(ack: ReceivedAck, table: AckTable): AckAction {
  if (ack.code === 'AA' || ack.code === 'CA') return table[ack.code] ?? defaults[ack.code];
  for (const { code } of ack.errors) {
    const key = `ERR-3.1=${code}` as const;
    const action = table[key] ?? defaults[key];
    if (code !== undefined && action) return action;
  }
  return table[ack.code] ?? defaults[ack.code];
}
