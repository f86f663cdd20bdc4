import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import type { ReceivedAck } from '../../protocols/hl7v2/read-ack.ts';
import type { MllpDestinationConfig, ResponseAction } from './config.ts';

type Table = MllpDestinationConfig['response'];

/** Rule 18. AE says that the content is wrong, so that resending is pointless; AR that the far end cannot take it now. */
const defaults: Table & Record<'AA' | 'AE' | 'AR' | 'CA' | 'CE' | 'CR' | 'none', ResponseAction> = {
  AA: 'accept',
  CA: 'accept',
  AE: 'dead-letter',
  CE: 'dead-letter',
  AR: 'retry',
  CR: 'retry',
  none: 'retry',
  'ERR-3.1=206': 'retry',
};

/** What becomes of a message that got this answer. An error code that the table names goes before the acknowledgement code. */
export function outcomeOf(ack: ReceivedAck, reply: Uint8Array, table: Table): WriteOutcome {
  const action = actionFor(ack, table);
  if (action === 'accept') return { status: 'sent', reply };
  const codes = ack.errors.flatMap(({ code }) => (code !== undefined && /^\w{1,10}$/.test(code) ? [code] : []));
  const because = codes.length > 0 ? ` (ERR ${codes.join(', ')})` : '';
  const kind = action === 'retry' ? 'transient' : 'permanent';
  const error = new HubError('reply-negative', kind, `sending the message: the far end answered ${ack.code}${because}`);
  return { status: 'error', error, reply };
}

/** What becomes of a message that got no answer: nobody knows whether it arrived (rule 19). */
export function outcomeOfSilence(why: string, table: Table): WriteOutcome {
  const action = table.none ?? defaults.none;
  if (action === 'accept') return { status: 'sent' };
  if (action === 'retry') return { status: 'uncertain', error: new HubError('reply-timeout', 'transient', why) };
  return { status: 'error', error: new HubError('reply-timeout', 'permanent', why) };
}

function actionFor(ack: ReceivedAck, table: Table): ResponseAction {
  if (ack.code === 'AA' || ack.code === 'CA') return table[ack.code] ?? defaults[ack.code];
  for (const { code } of ack.errors) {
    const key = `ERR-3.1=${code}` as const;
    const action = table[key] ?? defaults[key];
    if (code !== undefined && action) return action;
  }
  return table[ack.code] ?? defaults[ack.code];
}
