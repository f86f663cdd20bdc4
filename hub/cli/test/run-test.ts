import type { ChannelDefinition } from '../../../core/channel.ts';
import type { Log } from '../../../core/component.ts';
import { openMemoryLog } from '../../../core/events/memory-log.ts';
import type { Processing } from '../../../core/processing.ts';
import { createEngine } from '../../../core/runtime/create-engine.ts';
import { openMemoryStore } from '../../../core/store/memory-store.ts';
import type { MessageStore, MessageSummary } from '../../../core/store/message-store.ts';
import { repeatableRandom } from '../../../core/testing/contexts.ts';
import { type FakeClock, fakeClock } from '../../../core/testing/fake-clock.ts';
import { type FarAnswer, FarEnd } from './far-end.ts';
import { GivenSource, type Sent } from './given-source.ts';

/** When every message of a test is received. */
export const receivedAt = Date.UTC(2026, 0, 2, 3, 4, 5);

/** What one message became at one destination. */
export type Became =
  | { readonly status: 'sent'; readonly bytes: Uint8Array; readonly effectId: string }
  | { readonly status: 'filtered' }
  | { readonly status: 'error' | 'queued'; readonly code: string; readonly message: string };

export interface GivenMessage {
  readonly raw: Uint8Array;
  readonly summary: MessageSummary | undefined;
  /** The last one; undefined where there was none. */
  readonly reply: Uint8Array | undefined;
}

export interface TestRun {
  readonly messages: readonly GivenMessage[];
  /** By destination, over all messages in order. */
  readonly became: ReadonlyMap<string, readonly Became[]>;
}

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
/** So much time may pass in a test until everything has settled: retries, time-outs, collections. */
const longestMs = 10 * 60_000;
const longestCollectMs = 25 * 3_600_000;
/** Of real time: for steps that are asynchronous. */
const patienceMs = 10_000;

/**
 * Runs messages through a channel on the real engine, with a store in memory and a clock that only the test moves.
 * @param processing of the environment: messages that are for another one are refused, as the hub refuses them
 */
export async function runTest(
  definition: ChannelDefinition,
  given: readonly Buffer[],
  answers: ReadonlyMap<string, readonly FarAnswer[]>,
  processing?: Processing,
): Promise<TestRun> {
  const clock = fakeClock(receivedAt);
  const store = openMemoryStore({ now: clock.now });
  const farEnds = new Map(
    definition.destinations.map((each) => [each.name, new FarEnd(each, answers.get(each.name) ?? [])]),
  );
  const source = new GivenSource(definition);
  const tested: ChannelDefinition = Object.freeze({
    ...definition,
    source: source.spec,
    destinations: definition.destinations.map((each) => ({ ...each, to: farEnds.get(each.name)!.spec })),
  });
  const events = openMemoryLog({ now: clock.now });
  const endpoints = { get: () => undefined, processing };
  const engine = await createEngine({ store, events, endpoints, clock, random: repeatableRandom(), log: silent });
  try {
    await engine.deploy(tested, 'test');
    const sent: Sent[] = [];
    const ids: (string | undefined)[] = [];
    const busy = () => [...farEnds.values()].some(({ waiting }) => waiting > 0);
    for (const raw of given) {
      const one = await source.send(raw);
      sent.push(one);
      ids.push(await one.id);
      await quiet(store, ids, busy);
    }
    await settled({ store, clock, ids, busy, collects: definition.destinations.some(({ to }) => to.collect) });
    const messages: GivenMessage[] = [];
    for (const [index, raw] of given.entries()) {
      const id = ids[index];
      const summary = id === undefined ? undefined : await summaryOf(store, id);
      const reply = sent[index]!.replies.at(-1);
      messages.push({ raw, summary, reply: reply === undefined ? undefined : Buffer.from(reply, 'latin1') });
    }
    return { messages, became: outcomes(definition, messages, farEnds) };
  } finally {
    await engine.close(0);
  }
}

async function summaryOf(store: MessageStore, id: string): Promise<MessageSummary | undefined> {
  return (await store.find({ id, limit: 1 })).messages[0];
}

/** Until nothing happens any more without time moving on. */
async function quiet(store: MessageStore, ids: readonly (string | undefined)[], busy: () => boolean): Promise<boolean> {
  const until = performance.now() + patienceMs;
  const last = ids.findLast((id) => id !== undefined);
  while (last !== undefined && !busy() && performance.now() < until) {
    const summary = await summaryOf(store, last);
    if (summary && summary.status !== 'received') break;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => setImmediate(resolve));
  const all = await Promise.all(ids.map((id) => (id === undefined ? undefined : summaryOf(store, id))));
  return all.every((each) => each === undefined || (each.status !== 'received' && each.status !== 'queued'));
}

/** Moves time on until every message is done, or so long that it will not be. */
async function settled(on: {
  readonly store: MessageStore;
  readonly clock: FakeClock;
  readonly ids: readonly (string | undefined)[];
  readonly busy: () => boolean;
  readonly collects: boolean;
}): Promise<void> {
  const { store, clock, ids, busy, collects } = on;
  if (collects) await clock.advanceAsync(longestCollectMs);
  let step = 500;
  for (let passed = 0; passed < longestMs; passed += step) {
    if ((await quiet(store, ids, busy)) && !busy()) return;
    step = Math.min(step * 2, 30_000);
    await clock.advanceAsync(step);
  }
}

function outcomes(
  { destinations }: ChannelDefinition,
  messages: readonly GivenMessage[],
  farEnds: ReadonlyMap<string, FarEnd>,
): ReadonlyMap<string, readonly Became[]> {
  return new Map(
    destinations.map(({ name, to }) => {
      const { written } = farEnds.get(name)!;
      if (to.collect)
        return [
          name,
          written
            .filter(({ sent }) => sent)
            .map(({ bytes, effectId }) => ({ status: 'sent' as const, bytes, effectId })),
        ];
      return [name, messages.flatMap(({ summary }) => (summary ? ofMessage(name, summary, farEnds.get(name)!) : []))];
    }),
  );
}

function ofMessage(
  destination: string,
  { id, status, error, parts }: MessageSummary,
  { written }: FarEnd,
): readonly Became[] {
  const own = parts.filter((part) => part.destination === destination).toSorted((a, b) => a.n - b.n);
  if (own.length === 0)
    return status === 'filtered'
      ? [{ status: 'filtered' }]
      : [
          {
            status: 'error',
            code: error?.code ?? 'step-failed',
            message: error?.message ?? 'the message came to no destination',
          },
        ];
  return own.map((part): Became => {
    if (part.status === 'filtered') return { status: 'filtered' };
    const effectId = `${id}/${destination}/${part.n}`;
    const last = written.findLast((each) => each.effectId === effectId);
    if (part.status === 'sent' && last) return { status: 'sent', bytes: last.bytes, effectId };
    const { code, message } = part.error ?? { code: 'refused', message: 'it waits to be sent again' };
    return { status: part.status === 'queued' ? 'queued' : 'error', code, message };
  });
}
