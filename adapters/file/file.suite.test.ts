import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { file } from './file.ts';
import { inbox, put } from './testing/inbox.ts';

const nameOf = (number: number): string => `m-${String(number).padStart(5, '0')}.hl7`;
const numberOf = (name: string): number => Number(/\d+/.exec(name)?.[0]);
async function numbersIn(path: string): Promise<readonly number[]> {
  const names = await readdir(path).catch(() => []);
  return names.map(numberOf);
}

describeSource({
  name: 'file',
  acknowledges: file.acknowledges,
  ackPoints: ['stored', 'transformed', 'settled'],
  negativeAnswer: 'refused',
  bound: { arrivals: 1, calls: 1 },
  message: (number) => Buffer.from(`message ${number}`),
  async setUp(ackAfter) {
    const { path, [Symbol.asyncDispose]: remove } = await inbox();
    const context = fakeSourceContext({ ackAfter, endpoints: { in: { kind: 'directory', path } } });
    const spec = file({ endpoint: 'in', pollMs: 5, settleMs: 0, after: { move: 'done' } });
    return {
      create: () => spec.create(context),
      async offer(numbers) {
        for (const number of numbers) await put(path, nameOf(number), `message ${number}`);
      },
      confirmed: () => numbersIn(join(path, 'done')),
      refused: () => numbersIn(join(path, 'error')),
      [Symbol.asyncDispose]: remove,
    };
  },
});
