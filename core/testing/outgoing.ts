import { type Meta, noMeta } from '../format.ts';
import type { Outgoing } from '../message.ts';

/** A message as a destination gets it, with an identity made from its number: the same number is the same message. */
export function outgoing<T>(fields: {
  readonly number: number;
  readonly payload: T;
  readonly bytes: Uint8Array;
  readonly keys?: readonly [string, ...string[]];
  readonly meta?: Meta;
  readonly destination?: string;
  readonly attempt?: number;
}): Outgoing<T> {
  const { number, payload, bytes, keys = ['key'], meta = noMeta, destination = 'out', attempt = 1 } = fields;
  const id = `019a0000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
  return {
    id,
    seq: number + 1,
    channel: 'lab-in',
    keys,
    receivedAt: Date.UTC(2026, 0, 31, 23, 59, 58, 7) + number,
    version: 'v1',
    meta,
    payload,
    effectId: `${id}/${destination}/0`,
    attempt,
    bytes,
  };
}
