import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { schedule } from './schedule.ts';

const start = Date.UTC(2026, 0, 1);
const everyMs = 10_000;
const timeOf = (number: number): number => start + (number + 1) * everyMs;

describeSource({
  name: 'schedule',
  acknowledges: schedule.acknowledges,
  ackPoints: ['stored', 'transformed', 'settled'],
  negativeAnswer: 'confirmed',
  bound: { arrivals: 1, calls: 1 },
  message: (number) => Buffer.from(JSON.stringify({ at: new Date(timeOf(number)).toISOString(), name: 'tick' })),
  async setUp(ackAfter) {
    const path = await mkdtemp(join(tmpdir(), 'weir-schedule-'));
    const clock = fakeClock(start);
    const endpoints = { kept: { kind: 'directory', path } } as const;
    const context = fakeSourceContext({ ackAfter, clock, endpoints });
    const spec = schedule({ name: 'tick', everyMs, missed: 'once', endpoint: 'kept' });
    let until = 0;
    let over = false;
    // Time goes on only while the source waits for it: what is missed on purpose has tests of its own.
    const passing = (async () => {
      while (!over) {
        if (clock.monotonic() < until && clock.pending > 0) await clock.advanceAsync(1_000);
        else await pause(1);
      }
    })();
    return {
      create: () => spec.create(context),
      async offer(numbers) {
        until = timeOf(Math.max(...numbers)) - start;
      },
      async confirmed() {
        const kept = await readFile(join(path, 'lab-in.schedule.json'), 'utf8').catch(() => '');
        const { at } = kept === '' ? { at: start } : JSON.parse(kept);
        return Array.from({ length: (new Date(at).getTime() - start) / everyMs }, (_, number) => number);
      },
      refused: async () => [],
      async [Symbol.asyncDispose]() {
        over = true;
        await passing;
        await rm(path, { recursive: true, force: true });
      },
    };
  },
});
