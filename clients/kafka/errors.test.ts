import { ProtocolError, ResponseError } from '@platformatic/kafka';
import { expect, it } from 'vitest';
import { passing } from './errors.ts';

/** What the driver throws when a broker answers a request with this error. */
const refusal = (id: string) => new ResponseError(11, 9, { '/': [id, null] as never }, {});

it.each([
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'NOT_LEADER_OR_FOLLOWER',
])('%s passes: the same is tried again', (id) => {
  expect(passing(new ProtocolError(id))).toBe(true);
  expect(passing(refusal(id))).toBe(true);
});

it.each([
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_GROUP_ID',
  'INCONSISTENT_GROUP_PROTOCOL',
])('%s stays until somebody changes something', (id) => {
  expect(passing(new ProtocolError(id))).toBe(false);
  expect(passing(refusal(id))).toBe(false);
});
