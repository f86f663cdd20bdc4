import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HubError } from '../errors.ts';
import type { EventLog, NewEvent, Topic } from '../events/event-log.ts';
import { type MemoryLogState, openMemoryLog } from '../events/memory-log.ts';
import type { Format } from '../format.ts';
import { defineService, type ServiceContext, type ServiceDefinition } from '../service.ts';
import { recordingLog, repeatableRandom } from '../testing/contexts.ts';
import { fakeClock, wallClock } from '../testing/fake-clock.ts';
import { type MemoryServices, openMemoryServiceStore } from './memory-service-store.ts';
import { ServiceRunner, type ServiceRunnerOptions } from './service-runner.ts';
import type { ServiceStore } from './service-store.ts';

const numbers: Format<number> = {
  ...{ id: 'n.v1', contentType: 'text/plain' },
  decode: (raw) => {
    const text = Buffer.from(raw).toString();
    if (!/^\d+$/.test(text)) throw new HubError('decode-failed', 'permanent', 'decoding n.v1: no number');
    return Number(text);
  },
  encode: (value) => Buffer.from(String(value)),
};
const topicOf = (name: string): Topic<number> => ({ name, format: numbers, partitions: 4, retentionMs: 3_600_000 });
const input = topicOf('in.v1');
const output = topicOf('out.v1');
const event = (n: number, id = `e${n}`): NewEvent => ({
  ...{ key: `k${n % 5}`, value: Buffer.from(String(n)), id, headers: {} },
});

/** Adds up the numbers of each key, and says each sum. */
const sums = (handle?: ServiceDefinition<number>['handle']): ServiceDefinition<number> =>
  defineService({
    ...{ name: 'sums', consumes: [input], publishes: [output], from: 'earliest', rememberMs: 60_000 },
    handle:
      handle ??
      ((events, context) => {
        for (const { key, value } of events) add(context, key, value);
      }),
  });
function add({ state }: ServiceContext, key: string, value: number): void {
  const sum = (state.get<{ readonly sum: number }>('sum', key)?.sum ?? 0) + value;
  state.put('sum', key, { sum });
}

interface Place {
  readonly log: EventLog;
  readonly services: MemoryServices;
  readonly options: ServiceRunnerOptions;
}

async function place(given: Partial<ServiceRunnerOptions> = {}, log = openMemoryLog()): Promise<Place> {
  const services: MemoryServices = new Map();
  const store = openMemoryServiceStore(services);
  const options = {
    store,
    events: log,
    clock: wallClock,
    random: repeatableRandom(),
    log: recordingLog().log,
    ...given,
  };
  for (const topic of [input, output]) await log.declare(topic);
  onTestFinished(() => log[Symbol.asyncDispose]());
  return { log, services, options };
}

async function started<T>(definition: ServiceDefinition<T>, { options }: Place): Promise<ServiceRunner<T>> {
  const runner = await ServiceRunner.start(definition, options);
  onTestFinished(() => runner.close());
  return runner;
}

const sumsOf = (runner: ServiceRunner<number>) =>
  Object.fromEntries([...runner.state.all<{ readonly sum: number }>('sum')].map(([key, { sum }]) => [key, sum]));

/** Everything in a topic, as whoever reads it gets it. */
async function contents(
  log: EventLog,
  topic: string,
): Promise<readonly { readonly id: string; readonly value: number }[]> {
  const found: { id: string; value: number }[] = [];
  const leave = new AbortController();
  const group = `look ${Math.random()}`;
  const options = { topic, group, maxBatch: 1_000, from: 'earliest', signal: leave.signal } as const;
  const reading = log.consume(options, async ({ events }) => {
    for (const { id, value } of events) found.push({ id, value: Number(Buffer.from(value).toString()) });
  });
  await vi.waitFor(async () => {
    const status = (await log.status()).find((each) => each.topic === topic);
    expect(status?.lag[group]).toBe(0);
  });
  leave.abort();
  await reading;
  return found;
}

describe('a service', () => {
  it('handles each event once, whether the log gives it out again or it was published twice', async () => {
    const at = await place();
    const runner = await started(sums(), at);
    await at.log.publish(input.name, [event(1), event(6), event(1), event(2)]);
    await vi.waitFor(() => expect(sumsOf(runner)).toEqual({ k1: 7, k2: 2 }));
    await at.log.publish(input.name, [event(6), event(11)]);
    await vi.waitFor(() => expect(sumsOf(runner)).toEqual({ k1: 18, k2: 2 }));
    await runner.close();
    // A log that has forgotten how far the group came gives out everything again.
    const again = openMemoryLog();
    onTestFinished(() => again[Symbol.asyncDispose]());
    for (const topic of [input, output]) await again.declare(topic);
    await again.publish(input.name, [event(1), event(6), event(2), event(16)]);
    const next = await started(sums(), { ...at, options: { ...at.options, events: again } });
    await vi.waitFor(() => expect(sumsOf(next)).toEqual({ k1: 34, k2: 2 }));
    expect(next.status().repeated).toBe(3);
  });

  it('publishes after the commit, in order, and each under one id whatever happens to the log', async () => {
    const memory = openMemoryLog();
    let failing = 3;
    const unsteady: EventLog = {
      ...memory,
      publish: async (topic, events) => {
        await memory.publish(topic, events);
        if (topic === output.name && failing-- > 0)
          throw new HubError('event-log-failed', 'transient', 'publishing: no answer');
      },
    };
    const at = await place({}, unsteady);
    await started(
      sums((events, context) => {
        for (const { value } of events) context.publish(output, 'one', value);
      }),
      at,
    );
    for (let n = 0; n < 20; n++) await memory.publish(input.name, [{ ...event(n), key: 'one' }]);
    await vi.waitFor(async () =>
      expect(new Set((await contents(memory, output.name)).map(({ id }) => id)).size).toBe(20),
    );
    const found = await contents(memory, output.name);
    const first = found.filter(({ id }, index) => found.findIndex((each) => each.id === id) === index);
    expect(first.map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(found.length).toBeGreaterThan(20);
  });

  it('refuses the one event that it throws at or cannot read, and handles those beside it', async () => {
    const at = await place();
    const runner = await started(
      sums((events, context) => {
        for (const { key, value } of events) {
          add(context, key, value);
          if (value === 13) throw new TypeError('thirteen');
        }
      }),
      at,
    );
    const odd = { ...event(99, 'odd'), value: Buffer.from('berger') };
    await at.log.publish(input.name, [3, 8, 13, 18].map((n) => event(n)).concat(odd));
    await vi.waitFor(() => expect(runner.status().refused).toBe(2));
    await vi.waitFor(() => expect(sumsOf(runner)).toEqual({ k3: 29 }));
    const refused = [...runner.state.all<{ readonly code: string; readonly message: string }>('refused')].map(
      ([, each]) => each,
    );
    expect(refused.map(({ code }) => code).toSorted()).toEqual(['decode-failed', 'step-failed']);
    expect(JSON.stringify(refused)).not.toMatch(/thirteen|berger/);
  });

  it('gets events again when it throws what can pass', async () => {
    const at = await place();
    let failing = 2;
    const runner = await started(
      sums((events, context) => {
        for (const { key, value } of events) add(context, key, value);
        if (failing-- > 0) throw new HubError('refused', 'transient', 'asking: nobody is there');
      }),
      at,
    );
    await at.log.publish(input.name, [event(4)]);
    await vi.waitFor(() => expect(sumsOf(runner)).toEqual({ k4: 4 }));
    expect(runner.status()).toMatchObject({ refused: 0, handled: 1 });
  });

  it('does what a person asks for in a transaction of its own, and throws what that throws', async () => {
    const at = await place();
    const runner = await started(sums(), at);
    const after: string[] = [];
    const answer = await runner.act((context) => {
      context.state.put('sum', 'k9', { sum: 9 });
      context.publish(output, 'k9', 9);
      context.afterCommit(() => after.push('committed'));
      return [...context.state.all('sum')].length;
    });
    expect([answer, after, sumsOf(runner)]).toEqual([1, ['committed'], { k9: 9 }]);
    await vi.waitFor(async () => expect(await contents(at.log, output.name)).toMatchObject([{ value: 9 }]));
    const refused = runner.act((context) => {
      context.state.put('sum', 'k9', { sum: 10 });
      throw new HubError('not-found', 'permanent', 'looking for it: there is none');
    });
    await expect(refused).rejects.toMatchObject({ code: 'not-found' });
    expect(sumsOf(runner)).toEqual({ k9: 9 });
  });

  it('ticks, and tells the ticks of a backlog how far it has come', async () => {
    const clock = fakeClock();
    const log = openMemoryLog({ now: () => clock.now() });
    const at = await place({ clock }, log);
    await log.publish(input.name, [event(1)]);
    clock.advance(600_000);
    const seen: number[] = [];
    const definition: ServiceDefinition<number> = {
      ...sums(),
      tick: { everyMs: 1_000, run: ({ now, handledUpTo }) => void seen.push(now - handledUpTo) },
    };
    const runner = await started(definition, at);
    await vi.waitFor(() => expect(runner.status().handled).toBe(1));
    for (let second = 0; second < 7; second++) await clock.advanceAsync(1_000);
    expect(seen).toHaveLength(7);
    expect(seen[0]).toBe(601_000);
    expect(seen[6]).toBe(0);
  });

  it('ends where another one has opened it, and writes nothing more', async () => {
    const at = await place();
    const first = await started(sums(), at);
    const second = await started(sums(), at);
    await at.log.publish(input.name, [event(1), event(2), event(3), event(4), event(5)]);
    await vi.waitFor(() => expect(Object.keys(sumsOf(second))).toHaveLength(5));
    expect(await first.lost).toMatchObject({ code: 'lease-lost' });
    expect(sumsOf(first)).toEqual({});
  });
});

/** A store whose commits fail now and then: before they come about, or after, when nobody hears of it. */
function unsteadyStore(store: ServiceStore, fails: () => 'before' | 'after' | undefined): ServiceStore {
  return {
    open: async (service) => {
      const session = await store.open(service);
      return {
        ...session,
        commit: async (commit) => {
          const how = fails();
          if (how !== 'before') await session.commit(commit);
          if (how) throw new HubError('store-failed', 'transient', 'committing: the connection broke');
        },
      };
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

it('handles each event once and says each thing once in effect, however often commits fail and it is started anew', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('before', 'after', undefined, undefined), { maxLength: 30 }),
      fc.array(fc.nat(40), { minLength: 1, maxLength: 40 }),
      fc.nat(3),
      async (fates, given, restarts) => {
        const state: MemoryLogState = new Map();
        const services: MemoryServices = new Map();
        const rest = [...fates];
        const definition = sums((events, context) => {
          for (const { key, value } of events) {
            add(context, key, value);
            context.publish(output, key, value);
          }
        });
        const retry = { firstMs: 1, maxMs: 2 };
        for (let run = 0; run <= restarts; run++) {
          const log = openMemoryLog({ state, retry });
          for (const topic of [input, output]) await log.declare(topic);
          const store = unsteadyStore(openMemoryServiceStore(services), () => rest.shift());
          const clock = { ...wallClock, timer: (ms: number, due: () => void) => wallClock.timer(Math.min(ms, 2), due) };
          const runner = await ServiceRunner.start(definition, {
            ...{ store, events: log, clock, random: () => 0, log: recordingLog().log },
          });
          const part = given.filter((_, index) => index % (restarts + 1) === run);
          for (const n of part) await log.publish(input.name, [event(n, `${n}/${run}`)]);
          if (run === restarts) {
            const wanted = new Map<string, number>();
            const seen = new Set<string>();
            for (let each = 0; each <= restarts; each++)
              for (const n of given.filter((_, index) => index % (restarts + 1) === each)) {
                if (seen.has(`${n}/${each}`)) continue;
                seen.add(`${n}/${each}`);
                wanted.set(`k${n % 5}`, (wanted.get(`k${n % 5}`) ?? 0) + n);
              }
            await vi.waitFor(() => expect(sumsOf(runner)).toEqual(Object.fromEntries(wanted)), { interval: 2 });
            await vi.waitFor(
              async () => {
                const said = await contents(log, output.name);
                const once = new Map(said.map(({ id, value }) => [id, value]));
                expect([...once.values()].toSorted()).toEqual(
                  [...seen].map((id) => Number(id.split('/')[0])).toSorted(),
                );
              },
              { interval: 2 },
            );
          }
          await runner.close();
          await log[Symbol.asyncDispose]();
        }
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

it('reads by one name wherever its store is opened, so that whoever opens it next reads on at once', async () => {
  const names: (string | undefined)[] = [];
  const log = openMemoryLog();
  const consume = log.consume.bind(log);
  const watched: EventLog = Object.assign(log, {
    consume: (...[options, handler]: Parameters<EventLog['consume']>) => {
      names.push(options.holder);
      return consume(options, handler);
    },
  });
  const at = await place({}, watched);
  await (await ServiceRunner.start(sums(), at.options)).close();
  await started(sums(), at);
  expect(names).toEqual(['service/sums/memory', 'service/sums/memory']);
});
