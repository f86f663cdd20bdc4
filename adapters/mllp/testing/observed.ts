import { expect, vi } from 'vitest';
import type { HubError } from '../../../core/errors.ts';
import type { Receipt } from '../../../core/outcome.ts';
import type { Peer } from './peer.ts';

/** `AA 4711` per acknowledgement that the peer has. */
export const codes = (peer: Peer): readonly string[] => peer.acks.map((ack) => `${ack.code} ${ack.controlId}`);

export const failed = (code: HubError['code']): Receipt => ({
  id: 'a-message',
  outcome: { status: 'error', error: { code, kind: 'permanent', scope: 'message', message: 'told by the test' } },
});

export const arrived = (intake: { readonly arrivals: readonly unknown[] }, count: number): Promise<void> =>
  vi.waitFor(() => expect(intake.arrivals.length).toBe(count), { interval: 2 });
