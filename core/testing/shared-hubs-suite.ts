// Over 300 lines: one suite, whose tests share how two hubs are opened.
import { describe, expect, it, vi } from 'vitest';
import { HubError } from '../errors.ts';
import { analyst, eventually, failing } from './engine-harness.ts';
import { fastTimes, hubsPerTest, type SharedPlace, type TestHub, type TestHubOptions } from './hubs-fixture.ts';
import { faultsOf, seeded } from './order-faults.ts';

const afterTakeover = 20_000;

/** What hubs that share a store do, whatever the store (rule 29). */
export function sharedHubsSuite(name: string, openPlace: () => Promise<SharedPlace>): void {
  describe(`hubs on ${name}`, () => {
    const { place: newPlace, hub: newHub } = hubsPerTest(openPlace);
    const two = async (options: Partial<TestHubOptions> = {}) => {
      const wire: string[] = [];
      const place = await newPlace();
      const first = await newHub(place, 'a', { wire, ...options });
      // The channel, jobs and pruning.
      await eventually(() => first.engine.cluster()!.leases === 3);
      const second = await newHub(place, 'b', { wire, ...options });
      await eventually(async () => (await hubOf(first)) === 'a' && (await hubOf(second)) === 'a');
      return { wire, place, first, second };
    };

    it('one has the channel, and sends what any of them received', async () => {
      const { wire, first, second } = await two();
      await Promise.all([first.source.send('k:0', 'k:1'), second.source.send('l:0')]);
      await eventually(() => wire.length === 3);
      expect([...wire].sort()).toEqual(['k:0', 'k:1', 'l:0']);
      expect([await hubOf(first), await hubOf(second)]).toEqual([first.name, first.name]);
      expect(second.far.attempts).toEqual([]);
      expect(first.engine.cluster()).toMatchObject({ hub: first.name, hubs: ['a', 'b'], foreignMessages: 1 });
    });

    it.each([1, 2, 3])('keeps order per key for senders that change hubs under load, seed %i', async (seed) => {
      const { wire, first, second } = await two({
        channelOptions: { placement: 'every', limits: { maxInFlight: 60 } },
      });
      const random = seeded(seed);
      const sender = async (key: string) => {
        for (let n = 0; n < 60; n++) await (random() < 0.5 ? first : second).source.send(`${key}:${n}`);
      };
      await Promise.all(Array.from({ length: 12 }, (_, at) => sender(`k${at}`)));
      await eventually(() => wire.length >= 720);
      expect(faultsOf(wire)).toEqual([]);
      expect(new Set(wire).size).toBe(720);
    });

    it('loses nothing and keeps order when the hub that has the channel dies in silence', async () => {
      const { wire, first, second } = await two();
      const acknowledged = new Set<string>();
      let dead = false;
      const sender = async (key: string) => {
        for (let n = 0; n < 40; n++) {
          const body = `${key}:${n}`;
          // Whoever gets no answer in time sends it again, to the other one.
          for (let tries = 0; !acknowledged.has(body); tries++) {
            const hub = dead || tries % 2 === 1 || n % 2 === 1 ? second : first;
            const receipts = await within(hub.source.send(body), 300);
            if (receipts?.[0]?.outcome.status === 'stored') acknowledged.add(body);
          }
          await pause(5);
        }
      };
      const sending = Promise.all(Array.from({ length: 10 }, (_, at) => sender(`k${at}`)));
      await eventually(() => wire.length > 60);
      first.freeze();
      dead = true;
      const diedAt = performance.now();
      const before = wire.length;
      await eventually(() => wire.length > before + 10);
      expect(performance.now() - diedAt).toBeLessThan(afterTakeover);
      await sending;
      await eventually(() => [...acknowledged].every((each) => wire.includes(each)));
      expect(inversionsOf(wire)).toEqual([]);
      expect(second.engine.cluster()).toMatchObject({ takeovers: expect.any(Number) as number });
      expect(second.engine.cluster()!.takeovers).toBeGreaterThan(0);
    });

    it.for([
      ['a hub that was started anew counts what may have been the cause of its end', 'a', [1]],
      ['a hub that takes over from one that was only cut off counts nothing', 'b', []],
    ] as const)('rule 21: %s', async ([, next, recoveries]) => {
      const place = await newPlace();
      const held = Promise.withResolvers<void>();
      const counted: number[] = [];
      const counting: SharedPlace = {
        open: async (name) => {
          const store = await place.open(name);
          const { shared } = store;
          const count = shared!.countRecoveries.bind(shared);
          vi.spyOn(shared!, 'countRecoveries').mockImplementation(async (...given) => {
            const rows = await count(...given);
            counted.push(...rows.map((each) => each.recoveries));
            return rows;
          });
          return store;
        },
        [Symbol.asyncDispose]: async () => undefined,
      };
      const hubNamed = async (name: string) => {
        const hub = await newHub(counting, name, { wire: [] });
        hub.far.onBatch = () => held.promise;
        return hub;
      };
      const first = await hubNamed('a');
      await eventually(() => first.engine.cluster()!.leases === 3);
      await first.source.send('k:0');
      await eventually(() => first.far.attempts.length === 1);
      const other = next === 'b' ? await hubNamed('b') : undefined;
      first.freeze();
      // Its process is gone, and nothing was given up.
      if (!other) await first.store[Symbol.asyncDispose]();
      const hub = other ?? (await hubNamed('a'));
      await eventually(() => hub.far.attempts.length === 1);
      expect(counted).toEqual(recoveries);
      expect(hub.logged.find(({ text }) => text === 'this hub has the channel now')?.fields).toMatchObject({
        ...{ clean: false, ended: next === 'a' },
      });
      held.resolve();
      await eventually(() => hub.far.received.length === 1);
    });

    it('what comes while a hub takes a channel over waits until its destinations are there', async () => {
      const { wire, first, second } = await two({ beginMs: 400 });
      first.freeze();
      const sent: string[] = [];
      for (let n = 0; second.engine.cluster()!.takeovers === 0 || n < 200; n++) {
        sent.push(`k:${n}`);
        await second.source.send(`k:${n}`);
        await pause(5);
        if (n > 1_000) throw new Error('nobody took it over');
      }
      await eventually(() => wire.length >= sent.length);
      expect(wire).toEqual(sent);
      expect((await destinationOf(second))?.errored).toBe(0);
    });

    it('a hub that stood still past its lease writes nothing when it goes on, and what it settles is refused', async () => {
      const { wire, first, second } = await two();
      await first.source.send('k:0');
      await eventually(() => wire.length === 1);
      // Under way at the far end while the hub stands still: it comes to its end there, and nobody is told.
      let reached = 0;
      first.far.onBatch = async () => {
        reached += 1;
        await pause(5_000);
      };
      await first.source.send('k:1', 'k:2', 'l:0');
      await eventually(() => reached > 0);
      const begun = [...first.far.attempts];
      first.freeze();
      await eventually(() => wire.includes('k:2'));
      first.far.onBatch = undefined;
      first.thaw();
      await eventually(async () => (await hubOf(first)) === second.name);
      await pause(300);
      expect(first.far.attempts).toEqual(begun);
      expect(wire.filter((each) => each === 'k:2')).toHaveLength(1);
      const status = await second.engine.status();
      expect(status[0]?.counts).toMatchObject({ received: 4, sent: 4, queued: 0, errored: 0 });
      // It still takes what comes in.
      await first.source.send('k:3');
      await eventually(() => wire.includes('k:3'));
      expect(inversionsOf(wire)).toEqual([]);
    });

    it('the store refuses writes of a lease that another hub has', async () => {
      const place = await newPlace();
      await using one = await place.open('one');
      await using other = await place.open('other');
      const taken = one.shared!;
      const fence = { lease: 'elsewhere', epoch: (await taken.leases.take('elsewhere', 50, 0))!.epoch };
      await one.update('shared', [], fence);
      await pause(60);
      expect(await other.shared!.leases.take('elsewhere', 1_000, 10_000)).toBeUndefined();
      const next = await other.shared!.leases.take('elsewhere', 1_000, 0);
      expect(next).toMatchObject({ clean: false });
      expect(next!.epoch).toBeGreaterThan(fence.epoch);
      const lost = { code: 'lease-lost' };
      await expect(one.settle('shared', [], false, fence)).rejects.toMatchObject(lost);
      await expect(one.update('shared', [], fence)).rejects.toMatchObject(lost);
      await expect(one.unblock('shared', 'far', 'k', 1, fence)).rejects.toMatchObject(lost);
      await expect(one.setState('x', 'y', fence)).rejects.toMatchObject(lost);
      await expect(taken.countRecoveries('shared', 1, 1, fence)).rejects.toBeInstanceOf(HubError);
      expect(await one.state('x')).toBeUndefined();
    });

    it('a hub that joins gets its share, one that stops gives it back at once, and nothing is sent twice', async () => {
      const wire: string[] = [];
      const place = await newPlace();
      // Whoever waits for the end of a lease waits long.
      const options = { wire, channels: 4, times: { ...fastTimes, ttlMs: 60_000 } };
      const first = await newHub(place, 'a', options);
      await eventually(() => first.engine.cluster()!.leases === 6);
      const sending = (async () => {
        for (let n = 0; n < 150; n++) {
          await first.source.send(`k:${n}`, `l:${n}`);
          await pause(10);
        }
      })();
      const second = await newHub(place, 'b', options);
      // Half of the channels; jobs and pruning stay where they are.
      await eventually(() => second.engine.cluster()!.leases === 2 && first.engine.cluster()!.leases === 4);
      await first.source.send('m:0');
      await sending;
      await second.close();
      const closedAt = performance.now();
      await eventually(() => first.engine.cluster()!.leases === 6);
      expect(performance.now() - closedAt).toBeLessThan(20_000);
      await eventually(() => wire.length >= 301);
      expect(faultsOf(wire)).toEqual([]);
      expect(first.engine.cluster()).toMatchObject({ takeovers: 0, fencedWrites: 0 });
    });

    it('answers after settling, and with the far end’s reply, through the hub that does not have the channel', async () => {
      const settled = { placement: 'every', ackAfter: 'settled', replyFrom: 'far' } as const;
      const { second, first } = await two({ channelOptions: settled });
      first.far.answer = (message) => ({ status: 'sent', reply: Buffer.from(`re ${message.payload}`) });
      const [receipt] = await second.source.send('k:0');
      expect(receipt?.outcome).toEqual({ status: 'sent' });
      expect(Buffer.from(receipt!.reply!).toString()).toBe('re k:0');
      first.far.answer = failing.forGood;
      const [refused] = await second.source.send('k:1');
      expect(refused?.outcome).toMatchObject({ status: 'error', error: { code: 'reply-negative' } });
    });

    it('withdraws what the hub without the channel could not answer in time, and only then answers negatively', async () => {
      const settled = { placement: 'every', ackAfter: 'settled', ackTimeoutMs: 1_000 } as const;
      const { wire, first, second } = await two({ channelOptions: settled });
      first.far.answer = failing.away;
      const [receipt] = await second.source.send('k:0');
      expect(receipt?.outcome).toMatchObject({ status: 'error', error: { code: 'cancelled' } });
      first.far.answer = (message) => {
        wire.push(message.payload);
        return { status: 'sent' };
      };
      const [sent] = await second.source.send('k:1');
      expect(sent?.outcome).toEqual({ status: 'sent' });
      expect(wire).toEqual(['k:1']);
    });

    it('an answer that no hub can give in time is positive where the channel says so, else there is none', async () => {
      const { first, second } = await two({
        channelOptions: { placement: 'every', ackAfter: 'settled', ackTimeoutMs: 100, onUnsettled: 'accept' },
      });
      const release = Promise.withResolvers<void>();
      first.far.onBatch = () => release.promise;
      const [receipt] = await second.source.send('k:0');
      release.resolve();
      expect(receipt?.outcome).toEqual({ status: 'queued' });
    });

    it('knows a duplicate whichever hub the first one came to', async () => {
      const { wire, first, second } = await two({ channelOptions: { placement: 'every', duplicates: 'detect' } });
      const arrival = { raw: Buffer.from('k:0'), dedupeKey: 'MSH-10' };
      const [stored] = await first.source.send(arrival);
      const [again] = await second.source.send(arrival);
      expect(again).toMatchObject({ duplicateOf: stored!.id });
      await eventually(() => wire.length === 1);
      await pause(100);
      expect(wire).toEqual(['k:0']);
    });

    it('a duplicate at one hub joins the message that the other one still works on', async () => {
      const { first, second } = await two({
        channelOptions: { placement: 'every', duplicates: 'detect', ackAfter: 'settled' },
      });
      const release = Promise.withResolvers<void>();
      first.far.onBatch = () => release.promise;
      const arrival = { raw: Buffer.from('k:0'), dedupeKey: 'MSH-10' };
      const stored = first.source.send(arrival);
      await eventually(() => first.far.batches === 1);
      const again = second.source.send(arrival);
      await pause(150);
      release.resolve();
      expect((await again)[0]).toMatchObject({ outcome: { status: 'sent' }, duplicateOf: (await stored)[0]!.id });
      expect(first.far.batches).toBe(1);
    });

    it('stops, pauses and starts on every hub what one of them is asked for', async () => {
      const { wire, first, second } = await two();
      await second.engine.stop('shared', analyst);
      await eventually(async () => (await stateOf(first)) === 'stopped');
      await first.engine.pause('shared', analyst);
      await eventually(async () => (await stateOf(second)) === 'paused');
      await second.engine.start('shared', analyst);
      await eventually(async () => (await stateOf(first)) === 'running');
      await first.source.send('k:0');
      await eventually(() => wire.length === 1);
    });

    it('destinations, holds and verbs work from the hub that does not have the channel', async () => {
      const { wire, first, second } = await two();
      await second.engine.stopDestination('shared', 'far', analyst);
      await eventually(async () => (await destinationOf(first))?.enabled === false);
      await second.source.send('k:0');
      await eventually(async () => (await destinationOf(first))?.queued === 1);
      expect(wire).toEqual([]);
      await second.engine.startDestination('shared', 'far', analyst);
      await eventually(() => wire.length === 1);

      const hold = await second.engine.holds.add({ channel: 'shared', key: 'k' }, analyst);
      await eventually(() => first.engine.holds.list().length === 1);
      await first.source.send('k:1', 'l:0');
      await eventually(() => wire.includes('l:0'));
      expect(wire).not.toContain('k:1');
      const runner = (await runsJobs(second)) ? second : first;
      await runner.engine.jobs.create({ verb: 'release', hold: hold.id }, analyst);
      await eventually(() => wire.includes('k:1'));

      first.far.answer = failing.forGood;
      const [failed] = await first.source.send('m:0');
      await eventually(async () => (await destinationOf(first))?.openErrors === 1);
      first.far.answer = (message) => {
        wire.push(message.payload);
        return { status: 'sent' };
      };
      await second.engine.retry(failed!.id!, analyst, { confirmed: true });
      await eventually(() => wire.includes('m:0'));
      const { messageId } = await second.engine.replay(failed!.id!, analyst);
      expect(messageId).toBeDefined();
      await eventually(() => wire.filter((each) => each === 'm:0').length === 2);
    });

    it('a hub without the channel takes nothing beyond the quota of its backlog, until there is room again', async () => {
      const limits = { maxBacklogBytes: 2_000, whenFull: 'reject' } as const;
      const { wire, first, second } = await two({ channelOptions: { placement: 'every', limits } });
      first.far.answer = failing.away;
      let sent = 0;
      const send = () => second.source.send(`k:${sent}`.padEnd(100, ' ')).then(() => void (sent += 1));
      const filled = performance.now() + 10_000;
      let refused: unknown;
      while (refused === undefined && performance.now() < filled) {
        await send().catch((thrown: unknown) => void (refused = thrown));
        await pause(20);
      }
      expect(refused).toMatchObject({ code: 'store-full' });
      expect(sent).toBeGreaterThanOrEqual(15);
      first.far.answer = (message) => {
        wire.push(message.payload);
        return { status: 'sent' };
      };
      await eventually(() => wire.length === sent);
      await eventually(
        () =>
          send()
            .then(() => true)
            .catch(() => false),
        5_000,
      );
    });

    it('a job does its work for a channel that another hub has, and asks first where that one alone knows the order', async () => {
      const wire: string[] = [];
      const place = await newPlace();
      const first = await newHub(place, 'a', { wire, channels: 2 });
      await eventually(() => first.engine.cluster()!.leases === 4);
      const second = await newHub(place, 'b', { wire, channels: 2 });
      const ofSecond = async () => (await first.engine.status()).find(({ hub }) => hub === 'b')?.channel;
      await eventually(async () => (await ofSecond()) !== undefined);
      const channel = (await ofSecond())!;
      await eventually(async () => (await second.engine.status()).some(({ hub }) => hub === 'b'));
      second.far.answer = failing.forGood;
      const { id } = await second.engine.send(channel, Buffer.from('k:0'), {}, analyst);
      await eventually(async () => (await first.store.openErrors({ channel, limit: 10 })).errors.length === 1);
      second.far.answer = (message) => {
        wire.push(Buffer.from(message.bytes).toString());
        return { status: 'sent' };
      };
      const asking = first.engine.retry(id!, analyst);
      await expect(asking).rejects.toMatchObject({
        code: 'confirmation-needed',
        message: expect.stringContaining('hub b knows'),
      });
      const filter = { channel, status: 'error' } as const;
      expect(await first.engine.jobs.preview({ verb: 'retry', filter })).toMatchObject({ orderUnknown: 1 });
      const asked = { verb: 'retry', filter, confirmed: true } as const;
      const elsewhere = { code: 'not-allowed', message: 'asking for jobs: hub a runs them, ask it' };
      await expect(second.engine.jobs.create(asked, analyst)).rejects.toMatchObject(elsewhere);
      const job = await first.engine.jobs.create(asked, analyst);
      await eventually(() => first.engine.jobs.get(job.id).state === 'done');
      await eventually(() => wire.includes('k:0'));
    });

    it.each([
      'one',
      'every',
    ] as const)('a destination with placement: %s is open on one hub at a time', async (placement) => {
      const { first, second } = await two({ destinationOptions: { placement } });
      await second.source.send('k:0');
      await eventually(() => first.far.received.length === 1);
      expect([first.far.open, second.far.open]).toEqual([1, 0]);
      let both = false;
      second.far.opened = () => {
        both ||= first.far.open > 0;
      };
      await first.close();
      await second.source.send('k:1');
      await eventually(() => second.far.received.length === 1);
      expect([first.far.open, second.far.open, both]).toEqual([0, 1, false]);
    });

    it('goes on with parts that a hub which died had queued, in order, once it has their channel', async () => {
      const { wire, first, second } = await two();
      first.far.answer = failing.away;
      for (let n = 0; n < 5; n++) await (n % 2 ? first : second).source.send(`k:${n}`);
      await eventually(async () => (await destinationOf(first))?.queued === 5);
      first.freeze();
      await second.source.send('k:5');
      await eventually(() => wire.length >= 6);
      expect(wire).toEqual(['k:0', 'k:1', 'k:2', 'k:3', 'k:4', 'k:5']);
    });
  });
}

async function hubOf({ engine }: TestHub): Promise<string | undefined> {
  return (await engine.status())[0]?.hub;
}

async function stateOf({ engine }: TestHub): Promise<string | undefined> {
  return (await engine.status())[0]?.state;
}

async function destinationOf({ engine }: TestHub) {
  return (await engine.status())[0]?.destinations[0];
}

async function runsJobs({ engine }: TestHub): Promise<boolean> {
  return engine.jobs.preview({ verb: 'retry', filter: { channel: 'shared', status: 'error' } }).then(
    () => true,
    (thrown: unknown) => !(thrown instanceof HubError && thrown.kind === 'transient'),
  );
}

/** Messages that left after a later one of their key had: what is sent twice has its order all the same. */
function inversionsOf(wire: readonly string[]): readonly string[] {
  return faultsOf(wire.filter((each, at) => wire.indexOf(each) === at));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function within<T>(answer: Promise<T>, ms: number): Promise<T | undefined> {
  return Promise.race([answer, pause(ms).then(() => undefined)]);
}
