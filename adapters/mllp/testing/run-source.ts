import type { Intake, Source } from '../../../core/source.ts';
import { type FakeSourceContext, fakeSourceContext } from '../../../core/testing/contexts.ts';
import { type LoopbackListener, loopbackListener } from '../../../core/testing/loopback-listener.ts';
import { mllp } from '../mllp.ts';
import { connectPeer, type Peer } from './peer.ts';

type Config = Partial<Parameters<typeof mllp>[0]>;
type ContextOptions = NonNullable<Parameters<typeof fakeSourceContext>[0]>;

/** An MLLP source that runs, with the listener that the runtime would give it. */
export interface RunningSource extends AsyncDisposable {
  readonly listener: LoopbackListener;
  readonly context: FakeSourceContext;
  readonly ended: Promise<void>;
  connect(): Promise<Peer>;
  drain(): void;
  halt(): void;
}

export async function runSource(
  intake: Intake,
  config: Config = {},
  options: ContextOptions & { readonly listen?: Readonly<Record<string, unknown>> } = {},
): Promise<RunningSource> {
  const listener = await loopbackListener();
  const { listen, ...rest } = options;
  const context = fakeSourceContext({
    endpoints: { in: { kind: 'tcp-listen', listen: listener.port, ...listen } },
    listeners: { in: listener },
    ...rest,
  });
  const source: Source = mllp({ endpoint: 'in', ...config }).create(context);
  const drain = new AbortController();
  const halt = new AbortController();
  const ended = source.run(intake, { drain: drain.signal, halt: halt.signal });
  const peers: Peer[] = [];
  return {
    listener,
    context,
    ended,
    connect: async () => {
      const peer = await connectPeer(listener.port);
      peers.push(peer);
      return peer;
    },
    drain: () => drain.abort(),
    halt: () => {
      drain.abort();
      halt.abort();
    },
    [Symbol.asyncDispose]: async () => {
      drain.abort();
      halt.abort();
      await ended;
      for (const peer of peers) peer.socket.destroy();
      await listener[Symbol.asyncDispose]();
    },
  };
}
