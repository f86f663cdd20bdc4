import { afterEach } from 'vitest';
import { defineChannel } from '../builder.ts';
import type { ChannelDefinition } from '../channel.ts';
import type { ClusterTimes } from '../cluster/cluster.ts';
import type { Clock } from '../component.ts';
import { openMemoryLog } from '../events/memory-log.ts';
import { createEngine } from '../runtime/create-engine.ts';
import type { Engine } from '../runtime/engine.ts';
import type { MessageStore } from '../store/message-store.ts';
import { recordingLog } from './contexts.ts';
import { type FarEnd, farEnd, keyOf, type ManualSource, manualSource } from './engine-harness.ts';
import { wallClock } from './fake-clock.ts';

/** As the real ones, ten times as fast. */
export const fastTimes: ClusterTimes = {
  ttlMs: 600,
  renewMs: 150,
  graceMs: 150,
  marginMs: 100,
  foreignMs: 20,
  noticesMs: 40,
};

/** A store that several hubs open, each under its name. */
export interface SharedPlace extends AsyncDisposable {
  open(hub: string): Promise<MessageStore>;
}

/** A hub in this process: its clock, its store and its far end can stand still, as those of a process that was stopped. */
export interface TestHub {
  readonly name: string;
  readonly engine: Engine;
  readonly source: ManualSource;
  readonly far: FarEnd;
  readonly store: MessageStore;
  readonly logged: ReturnType<typeof recordingLog>['logged'];
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export interface TestHubOptions {
  /** What all hubs send, in the order in which it left them. */
  readonly wire: string[];
  /** More channels like the first; it is `shared`, the others `shared-1` … */
  readonly channels?: number;
  readonly channelOptions?: Parameters<typeof defineChannel>[1];
  /** So long each read of a small state takes: destinations read whether they are wanted when they begin. */
  readonly beginMs?: number;
  /** Of leases; `fastTimes` unless given. */
  readonly times?: ClusterTimes;
  readonly destinationOptions?: {
    readonly retry?: { readonly initialMs?: number; readonly maxMs?: number };
    readonly placement?: 'one' | 'every';
  };
}

/** Lets everything pass, or nothing until it is opened again. */
class Gate {
  #open = true;
  #waiting: (() => void)[] = [];

  get isOpen(): boolean {
    return this.#open;
  }
  shut(): void {
    this.#open = false;
  }
  open(): void {
    this.#open = true;
    for (const go of this.#waiting.splice(0)) go();
  }
  pass(): Promise<void> | undefined {
    return this.#open ? undefined : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

export function sharedChannel(
  source: ManualSource,
  far: FarEnd,
  { channelOptions, destinationOptions }: Omit<TestHubOptions, 'wire'>,
): ChannelDefinition {
  return defineChannel('shared', { placement: 'every', ...channelOptions })
    .from(source.spec)
    .keyBy((payload) => keyOf(payload))
    .to('far', far.spec, {
      ...destinationOptions,
      retry: { initialMs: 20, maxMs: 100, ...destinationOptions?.retry },
    }).definition;
}

export async function openHub(place: SharedPlace, name: string, options: TestHubOptions): Promise<TestHub> {
  const gate = new Gate();
  const own = await place.open(name);
  const store = gated(own, gate, options.beginMs ?? 0);
  const { log, logged } = recordingLog();
  const source = manualSource();
  const far = farEnd('far', { concurrency: 4, maxBatch: 8 });
  far.onBatch = () => gate.pass();
  far.answer = (message) => {
    options.wire.push(Buffer.from(message.bytes).toString());
    return { status: 'sent' };
  };
  const engine = await createEngine({
    ...{ store, log, random: Math.random, events: openMemoryLog(), clock: gatedClock(gate) },
    clusterTimes: options.times ?? fastTimes,
    endpoints: { get: () => undefined },
  });
  const definition = sharedChannel(source, far, options);
  await engine.deploy(definition, 'v1');
  for (let n = 1; n < (options.channels ?? 1); n++) {
    const more = sharedChannel(manualSource(`more-${n}`), far, options);
    await engine.deploy({ ...more, name: `shared-${n}` }, 'v1');
  }
  let closed = false;
  return {
    ...{ name, engine, source, far, store: own, logged },
    freeze: () => gate.shut(),
    thaw: () => gate.open(),
    close: async () => {
      if (closed) return;
      closed = true;
      gate.open();
      await engine.close(2_000);
      await own[Symbol.asyncDispose]();
    },
  };
}

/** Opens hubs that are closed after the test, and what they share with them. */
export function hubsPerTest(openPlace: () => Promise<SharedPlace>) {
  const open: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
  });
  return {
    place: async () => {
      const place = await openPlace();
      open.push(place);
      return place;
    },
    hub: async (place: SharedPlace, name: string, options: TestHubOptions) => {
      const hub = await openHub(place, name, options);
      open.push({ [Symbol.asyncDispose]: () => hub.close() });
      return hub;
    },
  };
}

/** Time goes on while the gate is shut; what it would have called is called when it opens. */
function gatedClock(gate: Gate): Clock {
  return {
    ...wallClock,
    timer: (afterMs, due) => {
      let cancelled = false;
      const cancel = wallClock.timer(afterMs, () => {
        const passed = gate.pass();
        if (!passed) due();
        else
          void passed.then(() => {
            if (!cancelled) due();
          });
      });
      return () => {
        cancelled = true;
        cancel();
      };
    },
  };
}

/** Neither calls nor answers get through while the gate is shut. */
function gated<T extends object>(target: T, gate: Gate, beginMs: number): T {
  return new Proxy(target, {
    get: (of, name) => {
      const value: unknown = Reflect.get(of, name, of);
      if (typeof value === 'object' && value !== null && (name === 'shared' || name === 'leases'))
        return gated(value, gate, beginMs);
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]) => {
        await gate.pass();
        if (name === 'state' && beginMs > 0) await new Promise((resolve) => setTimeout(resolve, beginMs));
        const answer: unknown = await Reflect.apply(value, of, given);
        await gate.pass();
        return answer;
      };
    },
  });
}
