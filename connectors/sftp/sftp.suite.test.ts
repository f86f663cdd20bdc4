import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { relay } from '../../adapters/sftp/testing/relay.ts';
import { missingSshd, type Sshd, sshd } from '../../adapters/sftp/testing/sshd.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination, outcomesOf } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { sftp } from './sftp.ts';

const missing = missingSshd();
if (missing) console.warn(missing);

describe.skipIf(missing)('against OpenSSH', () => {
  let server: Sshd;
  beforeAll(async () => {
    server = await sshd();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describeDestination<unknown>({
    name: 'sftp',
    spec: sftp({ endpoint: 'out' }),
    message: (number) => ({ payload: undefined, bytes: Buffer.from(`message ${number}`) }),
    async setUp() {
      const path = server.directory();
      const network = await relay(server.port);
      const context = fakeDestinationContext({ endpoints: { out: server.endpoint(network.port) } });
      const destination = sftp({ endpoint: 'out', directory: path, name: '${seq}.hl7' }).create(context);
      return {
        destination,
        async received() {
          const names = (await readdir(path)).filter((name) => name.endsWith('.hl7'));
          const files = await Promise.all(
            names.map(async (name) => ({ name, at: (await stat(join(path, name), { bigint: true })).mtimeNs })),
          );
          return files.sort((a, b) => Number(a.at - b.at)).map(({ name }) => Number.parseInt(name, 10) - 1);
        },
        async failAt(batch, position) {
          const blocked = join(path, `${String(batch[position]!.seq).padStart(12, '0')}.hl7`);
          await mkdir(blocked);
          return () => rmdir(blocked);
        },
        async hold() {
          // A connection that is being made can be given up as untried: the hold is for what has begun.
          const before = outgoing({ number: 99, payload: undefined, bytes: Buffer.from('before') });
          await outcomesOf(destination, [before]);
          await rm(join(path, '000000000100.hl7'));
          network.stall();
          return async () => network.flow();
        },
        async [Symbol.asyncDispose]() {
          await destination[Symbol.asyncDispose]();
          await network[Symbol.asyncDispose]();
        },
      };
    },
  });
});
