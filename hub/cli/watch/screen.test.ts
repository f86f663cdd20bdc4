import { expect, it } from 'vitest';
import type { LiveReport } from '../../live/live-bus.ts';
import { Screen } from './screen.ts';

const figures = { channel: 'adt', state: 'running', received: 0, sent: 0, errored: 0, filtered: 0, queued: 0 };
const report = (hub: string, at: number, more: object = {}): LiveReport => ({
  hub,
  at,
  shared: false,
  channels: [{ ...figures, openErrors: 0, inFlight: 0, ...more }],
});

it('shows how fast totals grow, from the second report on', () => {
  const screen = new Screen();
  screen.add(report('one', 1000, { received: 100, sent: 10 }), 0);
  expect(screen.text()).toMatch(/^1 hub: one\nCHANNEL +STATE .*\nadt +running +- +- +- +100 +0 +0$/);
  screen.add(report('one', 3000, { received: 5100, sent: 13, queued: 7, openErrors: 2 }), 2000);
  expect(screen.text()).toMatch(/adt +running +2500 +1\.5 +0 +5100 +7 +2$/m);
});

it('shows several hubs beside each other, and forgets one that says nothing more', () => {
  const screen = new Screen();
  screen.add(report('two', 1000), 0);
  screen.add(report('one', 99_000), 100);
  expect(screen.text()).toMatch(/^2 hubs: one, two\nHUB .*\none +adt .*\ntwo +adt /);
  screen.add(report('one', 110_000), 11_000);
  expect(screen.text()).toMatch(/^1 hub: one\nCHANNEL/);
});

it('says that other hubs are not seen, and stays within 120 columns', () => {
  const screen = new Screen();
  screen.bus({ through: 'redis', state: 'away', dropped: 0, error: 'x'.repeat(200) });
  const most = { channel: 'c'.repeat(100), received: 9_999_999_999, queued: 9_999_999, openErrors: 999_999 };
  for (const hub of ['a'.repeat(80), 'b'.repeat(80)]) screen.add(report(hub, 1000, most), 0);
  expect(screen.text()).toMatch(/^other hubs are not seen: Redis: xxx/m);
  expect(
    Math.max(
      ...screen
        .text()
        .split('\n')
        .map((line) => line.length),
    ),
  ).toBeLessThanOrEqual(120);
});
