import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { loopbackListener } from '../../core/testing/loopback-listener.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { encodeFrame } from '../../protocols/mllp/encoder.ts';
import { mllp } from './mllp.ts';
import { connectPeer, numbered, type Peer } from './testing/peer.ts';

const message = (number: number) => Buffer.from(numbered(number));

describeSource({
  name: 'mllp',
  acknowledges: 'reply',
  ackPoints: mllp.ackPoints ?? ['stored', 'transformed', 'settled'],
  negativeAnswer: 'refused',
  message,
  // Everything one chunk holds goes in one call.
  bound: { arrivals: 1_000, calls: 1 },
  setUp: async (ackAfter) => {
    const listener = await loopbackListener();
    const peers: Peer[] = [];
    let offered: readonly number[] = [];
    const answered = (...codes: readonly string[]) =>
      peers.flatMap((peer) => peer.acks.filter((ack) => codes.includes(ack.code)).map((ack) => Number(ack.controlId)));
    const send = async (numbers: readonly number[]) => {
      const peer = await connectPeer(listener.port);
      peers.push(peer);
      peer.write(Buffer.concat(numbers.map((number) => encodeFrame(message(number)))));
    };
    return {
      create: () =>
        mllp({ endpoint: 'in' }).create(
          fakeSourceContext({
            ackAfter,
            endpoints: { in: { kind: 'tcp-listen', listen: listener.port } },
            listeners: { in: listener },
          }),
        ),
      offer: async (numbers) => {
        offered = [...offered, ...numbers];
        await send(numbers);
      },
      resend: () => send(offered.filter((number) => !answered('AA', 'AE', 'AR').includes(number))),
      confirmed: async () => answered('AA', 'CA'),
      refused: async () => answered('AE', 'AR', 'CE', 'CR'),
      [Symbol.asyncDispose]: async () => {
        for (const peer of peers) peer.socket.destroy();
        await listener[Symbol.asyncDispose]();
      },
    };
  },
});
