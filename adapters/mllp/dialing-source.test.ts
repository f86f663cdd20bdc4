import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { mllp } from './mllp.ts';
import { framed, numbered, type Peer, peerOn } from './testing/peer.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function waitingSender(): Promise<{ readonly server: Server; readonly port: number; next(): Promise<Peer> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.defer(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  return {
    server,
    port: address.port,
    next: async () => {
      const [socket] = (await once(server, 'connection')) as [Socket];
      open.defer(() => void socket.destroy());
      return peerOn(socket);
    },
  };
}

function dialing(port: number) {
  const intake = fakeIntake(() => positive);
  const context = fakeSourceContext({ endpoints: { analyzer: { kind: 'tcp-connect', host: '127.0.0.1', port } } });
  const drain = new AbortController();
  const halt = new AbortController();
  const ended = mllp({ connect: 'analyzer' }).create(context).run(intake, { drain: drain.signal, halt: halt.signal });
  open.defer(async () => {
    drain.abort();
    halt.abort();
    await ended;
  });
  return { intake, context, ended, drain };
}

describe('an MLLP source that dials out', () => {
  it('receives from the sender it calls, and answers', async () => {
    const sender = await waitingSender();
    const connected = sender.next();
    const { intake, context } = dialing(sender.port);
    const peer = await connected;
    peer.write(framed(numbered(1)));
    expect(await peer.answers(1)).toMatchObject([{ code: 'AA', controlId: '1' }]);
    expect(intake.arrivals[0]!.meta).toMatchObject({ peer: `127.0.0.1:${sender.port}` });
    expect(context.reported.map((report) => report.state)).toEqual(['connecting', 'connected']);
  });

  it('calls again when the connection is lost', async () => {
    const sender = await waitingSender();
    const first = sender.next();
    const { context } = dialing(sender.port);
    const again = first.then(async (peer) => {
      const next = sender.next();
      peer.socket.resetAndDestroy();
      return next;
    });
    const peer = await again;
    peer.write(framed(numbered(2)));
    expect(await peer.answers(1)).toHaveLength(1);
    expect(context.reported.map((report) => report.state)).toContain('retrying');
  });

  it('goes on calling while nobody answers, and stops when drained', async () => {
    const sender = await waitingSender();
    sender.server.close();
    const { context, drain, ended } = dialing(sender.port);
    await vi.waitFor(() => expect(context.logged.length).toBeGreaterThan(1));
    drain.abort();
    await ended;
    expect(context.logged[0]!.fields.error).toMatch(/ECONNREFUSED$/);
  });
});
