import { expect, it, onTestFinished, vi } from 'vitest';
import type { ChannelStatus } from '../../core/runtime/engine.ts';
import { recordingLog } from '../../core/testing/contexts.ts';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { type LiveReport, LocalBus } from './live-bus.ts';
import { LiveReporter } from './live-reporter.ts';

const channel: ChannelStatus = {
  ...{ channel: 'adt', state: 'running', version: 'v1', deployedAt: 0, labels: {}, inFlight: 3 },
  source: { type: 'mllp', resources: [], state: 'idle' },
  counts: { received: 9, filtered: 1, queued: 2, sent: 5, errored: 1, openErrors: 1, duplicates: 0 },
  ...{ destinations: [], counters: {} },
};

function reporter() {
  const bus = new LocalBus();
  const clock = fakeClock();
  const status = vi.fn(async () => [channel]);
  const { log, logged } = recordingLog();
  const running = new LiveReporter({ engine: { status, cluster: () => undefined }, bus, hub: 'one', clock, log });
  onTestFinished(() => running[Symbol.asyncDispose]());
  const second = async () => {
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { bus, clock, status, logged, second };
}

it('asks the engine nothing while nobody looks, and once a second while somebody does', async () => {
  const { bus, status, second } = reporter();
  for (let at = 0; at < 3; at++) await second();
  expect(status).not.toHaveBeenCalled();
  const seen: LiveReport[] = [];
  const looking = bus.subscribe((report) => void seen.push(report));
  for (let at = 0; at < 3; at++) await second();
  looking[Symbol.dispose]();
  await second();
  expect(status).toHaveBeenCalledTimes(3);
  const { received, sent, errored, filtered, queued, openErrors } = channel.counts;
  const figures = {
    channel: 'adt',
    state: 'running',
    inFlight: 3,
    received,
    sent,
    errored,
    filtered,
    queued,
    openErrors,
  };
  expect(seen).toHaveLength(3);
  expect(seen[0]).toMatchObject({ hub: 'one', shared: false, channels: [figures] });
});

it('says once that figures cannot be read, and goes on', async () => {
  const { bus, status, logged, second } = reporter();
  bus.subscribe(() => undefined);
  status.mockRejectedValue(new Error('the store is away'));
  for (let at = 0; at < 3; at++) await second();
  expect(status).toHaveBeenCalledTimes(3);
  expect(logged).toHaveLength(1);
  expect(JSON.stringify(logged)).not.toContain('the store is away');
});
