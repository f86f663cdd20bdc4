import { createServer, type Socket } from 'node:net';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { wallClock } from '../../core/testing/fake-clock.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { serial } from './serial.ts';
import { profileOf, textPoints } from './testing/listening.ts';

const receivedAt = 1_767_225_600_000;
const textOf = (number: number) => `value ${number}`;

describeSource({
  name: 'serial',
  acknowledges: serial.acknowledges,
  ackPoints: ['stored'],
  negativeAnswer: 'confirmed',
  // It hands over one arrival at a time; what comes meanwhile waits in its queue, which has a bound of its own.
  bound: { arrivals: 1, calls: 1 },
  message: (number) => {
    const bytes = Buffer.from(textOf(number)).toString('base64');
    const frames = [{ kind: 'serial', bytes }];
    return Buffer.from(JSON.stringify({ arrival: 1, device: 'd-1', profile: 'p', receivedAt, frames }));
  },
  setUp: async () => {
    const sockets = new Set<Socket>();
    const connected = Promise.withResolvers<void>();
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      sockets.add(socket);
      // The first line after a connection is never taken: it may have begun before.
      socket.write('x\r\n');
      connected.resolve();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number };
    const profile = profileOf([`tcp://127.0.0.1:${port}`], 'framing: { type: line }', textPoints, 60_000);
    const clock = { ...wallClock, now: () => receivedAt };
    return {
      create: () =>
        serial({ profile: 'p', batchFrames: 1 }).create(fakeSourceContext({ clock, deviceProfiles: [profile] })),
      offer: async (numbers) => {
        await connected.promise;
        for (const socket of sockets) socket.write(numbers.map((number) => `${textOf(number)}\r\n`).join(''));
      },
      confirmed: async () => [],
      refused: async () => [],
      [Symbol.asyncDispose]: async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
});
