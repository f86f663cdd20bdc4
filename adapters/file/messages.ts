import { HubError } from '../../core/errors.ts';
import type { Arrival } from '../../core/message.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { splitBatch } from '../../protocols/hl7v2/batch.ts';
import type { FoundFile } from './directory.ts';

export interface FileMessages {
  readonly arrivals: readonly Arrival[];
  /** What the batch envelope or bytes outside of its messages show to be wrong: codes, no content. */
  readonly problems: readonly string[];
}

/** One arrival for the file, or one for each HL7 message in it (HL7 2.5.1 §2.10.3, with or without envelopes). */
export function messagesOf(file: FoundFile, raw: Uint8Array, split: 'none' | 'hl7'): FileMessages {
  const meta = {
    'file.name': file.name,
    'file.size': String(file.size),
    'file.modifiedAt': new Date(file.modifiedMs).toISOString(),
  };
  const dedupeKey = `${file.name}/${file.identity}`;
  const whole: Arrival = { raw, dedupeKey, meta };
  if (split === 'none') return { arrivals: [whole], problems: [] };
  try {
    const { batches, problems } = splitBatch(raw);
    const messages = batches.flatMap((batch) => batch.messages);
    const arrivals = messages.map((message, index) => ({
      raw: message,
      dedupeKey: `${dedupeKey}/${index}`,
      meta: { ...meta, 'file.index': String(index), 'file.messages': String(messages.length) },
    }));
    return { arrivals, problems: problems.map((problem) => problem.code) };
  } catch (thrown) {
    if (!(thrown instanceof ProtocolFault)) throw thrown;
    const fault = new HubError('frame-malformed', 'permanent', thrown.message, { cause: thrown });
    return { arrivals: [{ ...whole, fault }], problems: [thrown.code] };
  }
}
