import type { Socket } from 'node:net';
import type { Intake, Source } from '../source.ts';
import { type EndpointInput, type FakeSourceContext, fakeSourceContext } from './contexts.ts';
import { type LoopbackListener, loopbackListener } from './loopback-listener.ts';

type ContextOptions = NonNullable<Parameters<typeof fakeSourceContext>[0]>;

/** A listening source that runs, with the listener that the runtime would give it, and the peers that a test connects to it. */
export interface RunningSource<P> extends AsyncDisposable {
  readonly listener: LoopbackListener;
  readonly context: FakeSourceContext;
  readonly ended: Promise<void>;
  readonly url: string;
  connect(): Promise<P>;
  drain(): void;
  halt(): void;
}

/** Its endpoint is called `in`; `listen` is what that says beside its port. */
export type RunOptions = ContextOptions & { readonly listen?: Readonly<Record<string, unknown>> };

export async function runningSource<P extends { readonly socket: Socket }>(
  create: (context: FakeSourceContext) => Source,
  connectPeer: (port: number) => Promise<P>,
  intake: Intake,
  { listen, endpoints = {}, ...rest }: RunOptions = {},
): Promise<RunningSource<P>> {
  const listener = await loopbackListener();
  const inlet: EndpointInput = { kind: 'tcp-listen', listen: listener.port, ...listen };
  const context = fakeSourceContext({ endpoints: { in: inlet, ...endpoints }, listeners: { in: listener }, ...rest });
  const drain = new AbortController();
  const halt = new AbortController();
  const stop = () => {
    drain.abort();
    halt.abort();
  };
  const ended = create(context).run(intake, { drain: drain.signal, halt: halt.signal });
  const peers: P[] = [];
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
    halt: stop,
    [Symbol.asyncDispose]: async () => {
      stop();
      await ended;
      for (const peer of peers) peer.socket.destroy();
      await listener[Symbol.asyncDispose]();
    },
  };
}
