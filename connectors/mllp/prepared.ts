import { createHash } from 'node:crypto';
import { asHubError, HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { ackMode } from '../../protocols/hl7v2/ack.ts';
import { readHeader } from '../../protocols/hl7v2/header.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { encodeFrame } from '../../protocols/mllp/encoder.ts';
import type { MllpDestinationConfig } from './config.ts';

/** The answer after which a message is done with: `nothing` where its header asks for none at all. */
export type Awaited = 'first' | 'commit' | 'application' | 'nothing';

/** A message ready to be written. */
export interface Prepared {
  readonly frame: Buffer;
  /** MSH-10, which MSA-2 of the answer should repeat. */
  readonly controlId: string;
  readonly awaited: Awaited;
}

/** Frames a message. Throws HubError `encode-failed`, permanent, where its bytes are no message or cannot be framed. */
export function prepare(message: Outgoing<Hl7Message>, config: MllpDestinationConfig): Prepared {
  try {
    const bytes = config.controlId === 'keep' ? message.bytes : withEffectId(message);
    const header = readHeader(bytes);
    if (!header) throw new HubError('encode-failed', 'permanent', 'framing the message: it does not begin with MSH');
    const mode = ackMode(header);
    return { frame: encodeFrame(bytes), controlId: header.controlId, awaited: awaitedFor(mode, config) };
  } catch (thrown) {
    throw asHubError(thrown, 'encode-failed', 'framing the message');
  }
}

function awaitedFor(mode: ReturnType<typeof ackMode>, config: MllpDestinationConfig): Awaited {
  if (mode.mode === 'original') return 'first';
  if (mode.accept === 'NE' && mode.application === 'NE') return 'nothing';
  if (mode.accept !== 'AL' || mode.application !== 'AL') return 'first';
  return config.waitFor;
}

function withEffectId(message: Outgoing<Hl7Message>): Uint8Array {
  return parse(message.bytes).set('MSH-10', controlIdOf(message.effectId)).raw;
}

/** 20 characters, the most that MSH-10 holds before version 2.7, of which 80 bits are the effect id's hash. */
export function controlIdOf(effectId: string): string {
  return createHash('sha256').update(effectId).digest('hex').slice(0, 20).toUpperCase();
}
