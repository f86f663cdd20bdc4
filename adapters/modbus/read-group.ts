import { type Answered, modbusError } from '../../clients/modbus/ask.ts';
import type { ModbusEndpoint } from '../../clients/modbus/endpoint.ts';
import type { SentFrame } from '../../contracts/device-arrival.ts';
import type { HubError } from '../../core/errors.ts';
import { exceptionMeaning } from '../../protocols/modbus/exceptions.ts';
import type { ModbusResponse } from '../../protocols/modbus/message.ts';
import { readRequest } from '../../protocols/modbus/plan.ts';
import type { Block, GroupBlocks } from './group-blocks.ts';

export interface ReadOptions {
  readonly timeoutMs: number;
  readonly notAfter: number;
  readonly isProbe: boolean;
  /** Resolves after so long. */
  pause(ms: number): Promise<void>;
}

/** What one poll brought. */
export interface GroupRead {
  readonly frames: readonly SentFrame[];
  /** Points of blocks that the device could not read, with its reason. */
  readonly faulty: readonly { readonly block: Block; readonly reason: string }[];
  /** The device did not answer, or is not reached: what there was before it is in `frames`. `wasAsked` where the request went out. */
  readonly absent?: { readonly error: HubError; readonly wasAsked: boolean };
}

/** A busy device is asked again so soon, twice as late each time. */
const busyPauseMs = 50;
const BUSY_TRIES = 3;

type Failed = { readonly kind: 'absent'; readonly error: HubError; readonly wasAsked: boolean };
type Read =
  | Failed
  | { readonly kind: 'frame'; readonly frame: SentFrame }
  | { readonly kind: 'refused' | 'faulty'; readonly reason: string };

/**
 * Reads the blocks of a group one after the other. A block that the device does not have (exceptions 1 to 3) is split once, to find what
 * of it is missing; the rest is read in this poll already, and from now on without it.
 */
export async function readGroup(
  endpoint: ModbusEndpoint,
  unit: number,
  group: GroupBlocks,
  options: ReadOptions,
): Promise<GroupRead> {
  const frames: SentFrame[] = [];
  const faulty: { block: Block; reason: string }[] = [];
  for (const block of group.blocks) {
    const read = await readBlock(endpoint, unit, block, options);
    if (read.kind === 'absent') return { frames, faulty, absent: read };
    if (read.kind === 'frame') frames.push(read.frame);
    else if (read.kind === 'faulty') faulty.push({ block, reason: read.reason });
    else {
      const refused = new Map<Block, string>();
      const parts = group.partsOf(block);
      if (parts.length === 0) refused.set(block, read.reason);
      for (const part of parts) {
        const alone = await readBlock(endpoint, unit, part, options);
        // Nothing is known of the others yet: the block is split anew the next time.
        if (alone.kind === 'absent') return { frames, faulty, absent: alone };
        if (alone.kind === 'frame') frames.push(alone.frame);
        else if (alone.kind === 'faulty') faulty.push({ block: part, reason: alone.reason });
        else refused.set(part, alone.reason);
      }
      group.replace(block, refused);
    }
  }
  return { frames, faulty };
}

async function readBlock(endpoint: ModbusEndpoint, unit: number, block: Block, options: ReadOptions): Promise<Read> {
  for (let tries = 1; ; tries++) {
    const answered = await endpoint.ask(unit, readRequest(block), options);
    // A connection that was lost is made again at once, and reading does no harm.
    if (answered.kind === 'unanswered' && answered.error.code === 'connection-lost' && tries === 1) continue;
    if (answered.kind !== 'answer') return absent(answered);
    const { response } = answered;
    if (response.function !== 'exception') return { kind: 'frame', frame: frameOf(unit, block, response) };
    const { name, kind } = exceptionMeaning(response.exception);
    const reason = `exception ${response.exception} (${name})`;
    switch (kind) {
      case 'configuration':
        return { kind: 'refused', reason };
      case 'device':
        return { kind: 'faulty', reason };
      case 'unit':
        return {
          ...{ kind: 'absent', wasAsked: true },
          error: modbusError('reply-negative', `asking unit ${unit} at ${endpoint.where}: ${reason}`),
        };
      case 'retry':
        if (tries >= BUSY_TRIES) return { kind: 'faulty', reason };
        await options.pause(busyPauseMs * 2 ** (tries - 1));
        break;
      default:
        kind satisfies never;
    }
  }
}

function absent({ kind, error }: Exclude<Answered, { readonly kind: 'answer' }>): Failed {
  return { kind: 'absent', error, wasAsked: kind === 'unanswered' };
}

function frameOf(unit: number, { table, address, quantity }: Block, response: ModbusResponse): SentFrame {
  const bytes = 'bits' in response ? response.bits : 'registers' in response ? response.registers : Buffer.alloc(0);
  return { kind: 'modbus', unit, table, address, quantity, bytes: bytes.toString('base64') };
}
