import type { Intake, Source } from '../../../core/source.ts';
import { type EndpointInput, type FakeSourceContext, fakeSourceContext } from '../../../core/testing/contexts.ts';
import { type LoopbackListener, loopbackListener } from '../../../core/testing/loopback-listener.ts';
import { http } from '../http.ts';
import { connectPeer, type Peer } from './peer.ts';

export type Config = Partial<Parameters<typeof http>[0]>;
type ContextOptions = NonNullable<Parameters<typeof fakeSourceContext>[0]>;

/** An HTTP source that runs, with the listener that the runtime would give it. */
export interface RunningSource extends AsyncDisposable {
  readonly listener: LoopbackListener;
  readonly context: FakeSourceContext;
  readonly ended: Promise<void>;
  readonly url: string;
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
  const { listen, endpoints = {}, ...rest } = options;
  const inlet: EndpointInput = { kind: 'tcp-listen', listen: listener.port, ...listen };
  const context = fakeSourceContext({ endpoints: { in: inlet, ...endpoints }, listeners: { in: listener }, ...rest });
  const source: Source = http({ endpoint: 'in', ...config }).create(context);
  const drain = new AbortController();
  const halt = new AbortController();
  const ended = source.run(intake, { drain: drain.signal, halt: halt.signal });
  const peers: Peer[] = [];
  return {
    listener,
    context,
    ended,
    url: `http://127.0.0.1:${listener.port}`,
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
