import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { sftp } from './sftp.ts';
import { missingSshd, type Sshd, sshd } from './testing/sshd.ts';

const missing = missingSshd();
if (missing) console.warn(missing);

const nameOf = (number: number): string => `m-${String(number).padStart(5, '0')}.hl7`;
async function numbersIn(path: string): Promise<readonly number[]> {
  const names = await readdir(path).catch(() => []);
  return names.map((name) => Number(/\d+/.exec(name)?.[0]));
}

describe.skipIf(missing)('against OpenSSH', () => {
  let server: Sshd;
  beforeAll(async () => {
    server = await sshd();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describeSource({
    name: 'sftp',
    acknowledges: sftp.acknowledges,
    ackPoints: ['stored', 'transformed', 'settled'],
    negativeAnswer: 'refused',
    bound: { arrivals: 1, calls: 1 },
    message: (number) => Buffer.from(`message ${number}`),
    async setUp(ackAfter) {
      const path = server.directory();
      const context = fakeSourceContext({ ackAfter, endpoints: { in: server.endpoint() } });
      const spec = sftp({ endpoint: 'in', directory: path, pollMs: 5, after: { move: 'done' } });
      return {
        create: () => spec.create(context),
        async offer(numbers) {
          for (const number of numbers) await writeFile(join(path, `${nameOf(number)}.part`), `message ${number}`);
          for (const number of numbers) await rename(join(path, `${nameOf(number)}.part`), join(path, nameOf(number)));
        },
        confirmed: () => numbersIn(join(path, 'done')),
        refused: () => numbersIn(join(path, 'error')),
        // The directory goes away with the server.
        [Symbol.asyncDispose]: async () => {},
      };
    },
  });
});
