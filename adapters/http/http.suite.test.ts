import { setTimeout as pause } from 'node:timers/promises';
import { connectPeer, type Peer, post } from '../../clients/http-server/testing/peer.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { loopbackListener } from '../../core/testing/loopback-listener.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { http } from './http.ts';

describeSource({
  name: 'http',
  acknowledges: 'reply',
  ackPoints: http.ackPoints ?? ['stored', 'transformed', 'settled'],
  negativeAnswer: 'refused',
  message: (number) => Buffer.from(String(number)),
  // A connection takes one request after the other.
  bound: { arrivals: 1, calls: 1 },
  setUp: async (ackAfter) => {
    const listener = await loopbackListener();
    const sent: { readonly peer: Peer; readonly numbers: readonly number[] }[] = [];
    let offered: readonly number[] = [];
    const answered = async (...statuses: readonly number[]) => {
      // The last answer may be on its way still when the source has ended.
      await pause(10);
      return sent.flatMap(({ peer, numbers }) =>
        peer.answers.flatMap(({ status }, at) => (statuses.includes(status) ? [numbers[at]!] : [])),
      );
    };
    const send = async (numbers: readonly number[]) => {
      if (numbers.length === 0) return;
      const peer = await connectPeer(listener.port);
      sent.push({ peer, numbers });
      peer.write(numbers.map((number) => post(String(number))).join(''));
    };
    return {
      create: () =>
        http({ endpoint: 'in' }).create(
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
      resend: async () => {
        const done = await answered(200, 202, 422);
        await send(offered.filter((number) => !done.includes(number)));
      },
      confirmed: () => answered(200, 202),
      refused: () => answered(400, 413, 422),
      [Symbol.asyncDispose]: async () => {
        for (const { peer } of sent) peer.socket.destroy();
        await listener[Symbol.asyncDispose]();
      },
    };
  },
});
