import { createHash } from 'node:crypto';
import { HubError } from '../../core/errors.ts';
import type { Meta } from '../../core/format.ts';
import type { Arrival } from '../../core/message.ts';
import type { AstmMessage } from '../../protocols/astm/message.ts';

/** The analyzer that messages come from. */
export interface Analyzer {
  /** Its name; that of the channel where it has none. */
  readonly id: string;
  readonly charset: string | undefined;
}

/**
 * A message as it is handed to the intake, its bytes as they came. Two are the same when their control id or time (H-3, H-14) and
 * all of their text are; a message with neither may be a second measurement with the same result.
 * @param message what the bytes say; undefined where they are no LIS02-A2 message
 */
export function arrivalOf(raw: Buffer, message: AstmMessage | undefined, analyzer: Analyzer, peer: string): Arrival {
  const { id, charset } = analyzer;
  const controlId = message?.header.named('controlId')?.trim();
  const time = message?.header.named('time')?.trim();
  const isQuery = message !== undefined && message.all('Q').length > 0;
  const meta: Meta = {
    peer,
    'astm.device': id,
    ...(charset !== undefined && { 'astm.charset': charset }),
    ...(controlId && { 'astm.controlId': controlId }),
    ...(isQuery && { 'astm.query': 'true' }),
  };
  if (!controlId && !time) return { raw, key: id, meta };
  const hash = createHash('sha256').update(raw).digest('hex').slice(0, 32);
  return { raw, key: id, meta, dedupeKey: [id, controlId ?? '', time ?? '', hash].join(' ') };
}

/** What of a message came, and was never completed. */
export function faultOf(
  code: 'astm.incomplete' | 'astm.oversize',
  raw: Buffer,
  { id }: Analyzer,
  peer: string,
): Arrival {
  const fault =
    code === 'astm.oversize'
      ? new HubError('frame-oversized', 'permanent', 'reading a message: it is longer than link.maxMessageBytes')
      : new HubError('frame-malformed', 'permanent', 'reading a message: it ended before its last frame');
  return { raw, key: id, meta: { peer, 'astm.device': id }, fault };
}
