import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChannelDefinition } from '../../core/channel.ts';
import type { Log } from '../../core/component.ts';
import type { Endpoint } from '../../core/endpoint.ts';
import type { HubError } from '../../core/errors.ts';
import { openEmbeddedLog } from '../../core/events/embedded-log.ts';
import type { StoredEvent } from '../../core/events/event-log.ts';
import type { Processing } from '../../core/processing.ts';
import { createEngine } from '../../core/runtime/create-engine.ts';
import type { Engine } from '../../core/runtime/engine.ts';
import type { MessageContent, MessageSummary } from '../../core/store/message-store.ts';
import { openSqliteStore } from '../../core/store/sqlite/sqlite-store.ts';
import { systemClock } from '../system-clock.ts';

const reader = { actor: 'test', reason: 'test of a channel' };
const fixtures = new URL('../../test-fixtures/hl7v2/', import.meta.url);
const patienceMs = 10_000;
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** One channel on the real engine, store and event log, in a directory of its own. */
export interface ChannelHarness extends AsyncDisposable {
  readonly engine: Engine;
  /** Of the harness; endpoints of kind directory may lie in it. */
  readonly directory: string;
  /** As if the channel's source had received the fixture; resolves when no destination is busy with it any more. */
  send(fixture: string): Promise<MessageSummary>;
  /** The same with these bytes, but waiting only until the message stands like this. */
  sendUntil(raw: Uint8Array, status: MessageSummary['status']): Promise<MessageSummary>;
  content(id: string): Promise<MessageContent>;
  /** The first `count` events of a topic, in no order across partitions. */
  events(topic: string, count: number): Promise<readonly StoredEvent[]>;
}

/** Deploys a channel; listening endpoints that are not given get a free port, directories one in the harness's. */
export async function channelHarness(
  definition: ChannelDefinition,
  given: Readonly<Record<string, Endpoint>> = {},
  processing?: Processing,
): Promise<ChannelHarness> {
  await using opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'weir-channel-'));
  opened.defer(() => rm(directory, { recursive: true }));
  const store = opened.use(await openSqliteStore({ directory: join(directory, 'messages'), now: systemClock.now }));
  const onError = (error: HubError) => {
    throw error;
  };
  const events = opened.use(
    await openEmbeddedLog({ directory: join(directory, 'events'), now: systemClock.now, onError }),
  );
  const files = join(directory, 'files');
  await mkdir(files);
  const endpointOf = (name: string): Endpoint =>
    given[name] ??
    (name.startsWith('archive')
      ? { kind: 'directory', path: files }
      : { kind: 'tcp-listen', listen: 0, host: '127.0.0.1' });
  const options = { store, events, clock: systemClock, random: Math.random, log: silent };
  const engine = opened.use(await createEngine({ ...options, endpoints: { get: endpointOf, processing } }));
  await engine.deploy(definition, 'v1');

  const standing = async (id: string, isDone: (message: MessageSummary) => boolean): Promise<MessageSummary> => {
    const until = performance.now() + patienceMs;
    for (;;) {
      const [message] = (await store.find({ id, limit: 1 })).messages;
      if (message && isDone(message)) return message;
      if (performance.now() > until) throw new Error(`message ${id} still stands at ${message?.status}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const accept = async (raw: Uint8Array): Promise<string> => {
    const { id, outcome } = await engine.send(definition.name, raw, {}, reader);
    if (id === undefined) throw new Error(`the message was not stored: ${outcome.status}`);
    return id;
  };

  const resources = opened.move();
  return {
    engine,
    directory: files,
    send: async (fixture) => {
      const id = await accept(await readFile(new URL(fixture, fixtures)));
      return standing(id, ({ status }) => status !== 'received' && status !== 'queued');
    },
    sendUntil: async (raw, status) => standing(await accept(raw), (message) => message.status === status),
    content: async (id) => {
      const content = await store.content(id, reader);
      if (!content) throw new Error(`there is no message ${id}`);
      return content;
    },
    events: async (topic, count) => {
      const found: StoredEvent[] = [];
      const enough = new AbortController();
      const signal = AbortSignal.any([enough.signal, AbortSignal.timeout(patienceMs)]);
      await events.consume({ topic, group: 'test', maxBatch: 100, from: 'earliest', signal }, async (batch) => {
        found.push(...batch.events);
        if (found.length >= count) enough.abort();
      });
      return found;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
