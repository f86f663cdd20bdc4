import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FakeSourceContext, fakeSourceContext } from '../../core/testing/contexts.ts';
import { type FakeClock, fakeClock } from '../../core/testing/fake-clock.ts';
import { type FakeIntake, fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { schedule } from './schedule.ts';

type Config = Parameters<typeof schedule>[0];
const hour = 3_600_000;

describe('the schedule source', () => {
  let open = new AsyncDisposableStack();
  afterEach(async () => {
    await open.disposeAsync();
    open = new AsyncDisposableStack();
  });

  async function folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'weir-schedule-'));
    open.defer(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  function running(
    intake: FakeIntake,
    clock: FakeClock,
    config: Partial<Config>,
    path = '/nowhere',
  ): { readonly context: FakeSourceContext; stop(): Promise<void> } {
    const context = fakeSourceContext({ clock, endpoints: { kept: { kind: 'directory', path } } });
    const drain = new AbortController();
    const source = schedule({ name: 'tick', ...config }).create(context);
    const ended = source.run(intake, { drain: drain.signal, halt: new AbortController().signal });
    const stop = async (): Promise<void> => {
      drain.abort();
      await ended;
    };
    open.defer(stop);
    return { context, stop };
  }
  const times = (intake: FakeIntake): readonly string[] =>
    intake.arrivals.map((each) => JSON.parse(Buffer.from(each.raw).toString()).at.slice(11, 19));
  /** Waits for what goes by the disk while time stands still. */
  const waiting = (clock: FakeClock): Promise<void> => vi.waitFor(() => expect(clock.pending).toBe(1), { interval: 1 });

  it('tells when a tick was due and of which schedule, with an identity of its own', async () => {
    const clock = fakeClock();
    const intake = fakeIntake(() => positive);
    running(intake, clock, { name: 'census', cron: '30 6 * * *', timeZone: 'Europe/Berlin' });
    await clock.advanceAsync(6 * hour);
    expect(intake.arrivals.map(({ raw, ...rest }) => ({ text: Buffer.from(raw).toString(), ...rest }))).toEqual([
      {
        text: '{"at":"2026-01-01T05:30:00.000Z","name":"census"}',
        dedupeKey: 'census/2026-01-01T05:30:00.000Z',
        meta: { 'schedule.name': 'census', 'schedule.at': '2026-01-01T05:30:00.000Z' },
      },
    ]);
  });

  it('has one message open at a time, and skips what becomes due meanwhile', async () => {
    const clock = fakeClock();
    const intake = fakeIntake((_, index) => (index === 0 ? undefined : positive));
    const { context } = running(intake, clock, { everyMs: 60_000 });
    await clock.advanceAsync(60_000);
    await clock.advanceAsync(5 * 60_000 + 1);
    expect(times(intake)).toEqual(['00:01:00']);
    intake.answer(0, positive);
    await clock.advanceAsync(60_000);
    expect(times(intake)).toEqual(['00:01:00', '00:07:00']);
    expect(context.counts).toEqual({ schedule_ticks_total: 2, schedule_missed_total: 1 });
  });

  it('makes up with one message for all that became due meanwhile, where it is told to', async () => {
    const clock = fakeClock();
    const intake = fakeIntake((_, index) => (index === 0 ? undefined : positive));
    running(intake, clock, { everyMs: 60_000, missed: 'once', endpoint: 'kept' }, await folder());
    await waiting(clock);
    await clock.advanceAsync(60_000);
    await clock.advanceAsync(5 * 60_000 + 1);
    intake.answer(0, positive);
    await vi.waitFor(() => expect(times(intake)).toEqual(['00:01:00', '00:06:00']), { interval: 1 });
    await waiting(clock);
    await clock.advanceAsync(60_000);
    await vi.waitFor(() => expect(times(intake)).toEqual(['00:01:00', '00:06:00', '00:07:00']), { interval: 1 });
  });

  it.for([
    ['skip', []],
    ['once', ['03:00:00']],
  ] as const)('with missed: %s, a stop over ticks leaves %j', async ([missed, made]) => {
    const clock = fakeClock();
    const path = await folder();
    const config: Partial<Config> = { cron: '0 * * * *', missed, ...(missed === 'once' && { endpoint: 'kept' }) };
    const before = fakeIntake(() => positive);
    const first = running(before, clock, config, path);
    await waiting(clock);
    await first.stop();
    expect(times(before)).toEqual([]);
    clock.advance(3.5 * hour);
    const after = fakeIntake(() => positive);
    running(after, clock, config, path);
    await waiting(clock);
    expect(times(after)).toEqual(made);
    await clock.advanceAsync(hour);
    await vi.waitFor(() => expect(times(after)).toEqual([...made, '04:00:00']), { interval: 1 });
  });

  it('does not tick again what was noted before a restart', async () => {
    const clock = fakeClock();
    const path = await folder();
    const config = { cron: '0 * * * *', missed: 'once', endpoint: 'kept' } as const;
    const intake = fakeIntake(() => positive);
    const first = running(intake, clock, config, path);
    await waiting(clock);
    await clock.advanceAsync(1.2 * hour);
    await waiting(clock);
    await first.stop();
    expect(await readFile(join(path, 'lab-in.schedule.json'), 'utf8')).toBe('{"at":"2026-01-01T01:00:00.000Z"}\n');
    running(intake, clock, config, path);
    await waiting(clock);
    await clock.advanceAsync(0.5 * hour);
    expect(times(intake)).toEqual(['01:00:00']);
  });

  it.for([
    '',
    'not JSON',
    '{"at":7}',
    '{"at":"2099-01-01T00:00:00Z"}',
  ])('begins anew where what was noted is %j', async (content) => {
    const clock = fakeClock();
    const path = await folder();
    await writeFile(join(path, 'lab-in.schedule.json'), content);
    const intake = fakeIntake(() => positive);
    running(intake, clock, { everyMs: 60_000, missed: 'once', endpoint: 'kept' }, path);
    await waiting(clock);
    await clock.advanceAsync(60_000);
    await vi.waitFor(() => expect(times(intake)).toEqual(['00:01:00']), { interval: 1 });
  });

  it('ends with a transient error where it has nowhere to note its ticks', async () => {
    const context = fakeSourceContext({ endpoints: { kept: { kind: 'directory', path: '/no/such/directory' } } });
    const source = schedule({ name: 'tick', everyMs: 1_000, missed: 'once', endpoint: 'kept' }).create(context);
    const { signal } = new AbortController();
    await expect(source.run(fakeIntake(), { drain: signal, halt: signal })).rejects.toMatchObject({
      code: 'refused',
      kind: 'transient',
      message: 'noting the last tick: ENOENT',
    });
  });

  it('goes on ticking, and says so, while it cannot note its ticks', async () => {
    const clock = fakeClock();
    const path = await folder();
    const intake = fakeIntake(() => positive);
    const { context } = running(intake, clock, { everyMs: 60_000, missed: 'once', endpoint: 'kept' }, path);
    await waiting(clock);
    await rm(path, { recursive: true });
    for (let minute = 0; minute < 3; minute++) {
      await clock.advanceAsync(60_000);
      await waiting(clock);
    }
    expect(times(intake)).toHaveLength(3);
    expect(context.counts.schedule_unnoted_total).toBe(3);
  });

  it('neither floods nor stands still when the clock is put right', async () => {
    let offset = 0;
    const steady = fakeClock();
    const clock: FakeClock = { ...steady, now: () => steady.now() + offset };
    const intake = fakeIntake(() => positive);
    running(intake, clock, { cron: '* * * * *' });
    await clock.advanceAsync(60_000);
    offset = 5 * hour;
    await clock.advanceAsync(60_000);
    offset = -5 * hour;
    await clock.advanceAsync(2 * 60_000);
    expect(times(intake)).toEqual(['00:01:00', '05:02:00', '19:04:00']);
  });

  it('ticks again until it is stored what was not', async () => {
    const error = { code: 'store-failed', kind: 'transient', scope: 'message', message: 'storing' } as const;
    const intake = fakeIntake((_, index) => (index < 2 ? { outcome: { status: 'error', error } } : positive));
    const clock = fakeClock();
    running(intake, clock, { everyMs: 60_000 });
    await clock.advanceAsync(90_000);
    expect(times(intake)).toEqual(['00:01:00', '00:01:00', '00:01:00']);
  });

  it('waits quietly where there is nothing to come', async () => {
    const intake = fakeIntake(() => positive);
    const clock = fakeClock();
    const { stop, context } = running(intake, clock, { cron: '0 0 31 2 *' });
    await clock.advanceAsync(2 * hour);
    await pause(1);
    await stop();
    expect(intake.arrivals).toEqual([]);
    expect(context.reported.map(({ state }) => state)).toEqual(['idle', 'stopped']);
  });

  it.for([
    [{}, 'either cron or everyMs'],
    [{ cron: '* * * * *', everyMs: 1000 }, 'either cron or everyMs'],
    [{ everyMs: 1000, missed: 'once' }, 'endpoint goes with missed: once'],
    [{ everyMs: 1000, endpoint: 'kept' }, 'endpoint goes with missed: once'],
    [{ cron: 'at noon' }, 'a cron expression'],
    [{ cron: '* * * * *', timeZone: 'Nowhere' }, 'a time zone'],
    [{ everyMs: 5 }, 'everyMs'],
  ] as const)('refuses %j', ([config, reason]) => {
    expect(() => schedule({ name: 'tick', ...config })).toThrow(reason);
  });
});
