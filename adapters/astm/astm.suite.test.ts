import { setTimeout as pause } from 'node:timers/promises';
import { ACK, Analyzer, framesOf, numbered, numberIn } from '../../clients/astm-link/testing/analyzer.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { loopbackListener } from '../../core/testing/loopback-listener.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { astm } from './astm.ts';

describeSource({
  name: 'astm',
  acknowledges: 'reply',
  ackPoints: ['stored', 'transformed', 'settled'],
  negativeAnswer: 'confirmed',
  message: (number) => Buffer.from(numbered(number)),
  bound: { arrivals: 1, calls: 1 },
  setUp: async (ackAfter) => {
    const listener = await loopbackListener();
    const confirmed: number[] = [];
    const queue: number[] = [];
    let offered: number[] = [];
    let analyzer: Analyzer | undefined;
    let isSending = false;
    let isOver = false;
    const pump = async () => {
      if (isSending) return;
      isSending = true;
      while (queue.length > 0 && !isOver) {
        const number = queue.shift()!;
        try {
          analyzer ??= await Analyzer.connect(listener.port);
          if ((await sendPatiently(analyzer, numbered(number))) === 'ACK') confirmed.push(number);
        } catch {
          analyzer?.close();
          analyzer = undefined;
          break;
        }
      }
      isSending = false;
    };
    return {
      create: () =>
        astm({ endpoint: 'in' }).create(
          fakeSourceContext({
            ackAfter,
            endpoints: { in: { kind: 'tcp-listen', listen: listener.port } },
            listeners: { in: listener },
          }),
        ),
      offer: async (numbers) => {
        offered = [...offered, ...numbers];
        queue.push(...numbers);
        void pump();
      },
      resend: async () => {
        // One that has just been cut off does not know yet.
        await pause(100);
        if (isSending) return;
        queue.splice(0, queue.length, ...offered.filter((number) => !confirmed.includes(number)));
        void pump();
      },
      confirmed: async () => confirmed,
      refused: async () => [],
      [Symbol.asyncDispose]: async () => {
        isOver = true;
        analyzer?.close();
        await listener[Symbol.asyncDispose]();
      },
    };
  },
});

/** As `send`, with an analyzer that waits for its answers as long as the suite does. */
async function sendPatiently(analyzer: Analyzer, content: string): Promise<'ACK' | 'NAK'> {
  analyzer.write('\x05');
  if ((await analyzer.next(20_000)) !== ACK) return 'NAK';
  for (const frame of framesOf(content)) {
    analyzer.write(frame);
    while ((await analyzer.next(20_000)) !== ACK) analyzer.write(frame);
  }
  analyzer.write('\x04');
  return numberIn(Buffer.from(content)) >= 0 ? 'ACK' : 'NAK';
}
