import { expect, it } from 'vitest';
import { recordingLog } from '../testing/contexts.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { outageLog } from './outage-log.ts';

const away = { channel: 'adt', code: 'store-failed', scope: 'destination' };

it('counts the calls that fail while a store is away, and says how many it were once it answers', () => {
  const clock = fakeClock();
  const { log, logged } = recordingLog();
  const outage = outageLog(log, clock);
  for (let call = 0; call < 72; call++) {
    outage.log.error(away, 'settling messages: connecting to the message store: the connection broke');
    clock.advance(50);
  }
  outage.answered();
  expect(logged).toEqual([]);
  clock.advance(1_000);
  outage.answered();
  outage.answered();
  const fields = { calls: 72, ms: 71 * 50 };
  expect(logged).toEqual([{ level: 'info', fields, text: expect.stringContaining('answers again') }]);
});

it('passes on whatever is not the store’s being away, and says nothing of a store that never was', () => {
  const { log, logged } = recordingLog();
  const outage = outageLog(log, fakeClock());
  outage.log.error({ ...away, scope: 'message' }, 'settling messages: a value does not fit');
  outage.log.warn({ channel: 'adt', code: 'connection-lost', scope: 'destination' }, 'circuit open');
  outage.log.info(away, 'told');
  outage.answered();
  expect(logged.map(({ level }) => level)).toEqual(['error', 'warn', 'info']);
});
