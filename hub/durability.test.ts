import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { connectPeer, framed, numbered } from '../adapters/mllp/testing/peer.ts';
import { freePort } from '../core/testing/free-port.ts';
import { hubProcess, workplace } from './testing/hub-process.ts';

/** System calls of sockets and of the store's files. */
const calls = 'trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,fdatasync,fsync';
const synced = /(fdatasync|fsync)\(\d+<[^>]*messages\.db-wal>\) += 0|<\.\.\. (fdatasync|fsync) resumed>\) += 0/;
const count = 10;

// A kill −9 cannot show this: what was written survives it in the page cache, fsynced or not.
it.skipIf(spawnSync('strace', ['-V']).error)(
  'rule 5: a hub syncs its log between the message and its acknowledgement on the socket',
  async () => {
    const port = await freePort();
    await using place = await workplace({
      'channels/env/test.yaml': `endpoints:\n  in: { kind: tcp-listen, listen: ${port} }\n`,
      // Without the event log: every fsync is then one of the message store.
      'channels/one.channel.yaml':
        'channel: one\nsource: { mllp: { endpoint: in } }\ndestinations: { gone: { to: { discard: {} } } }\n',
    });
    const trace = join(place.directory, 'trace');
    const strace = ['strace', '-f', '-y', '-s', '300', '-e', calls, '-e', 'signal=none', '-o', trace];
    {
      await using hub = await hubProcess(place, strace);
      const peer = await connectPeer(port);
      for (let number = 1; number <= count; number++) {
        peer.write(framed(numbered(`SYNC${number}.`)));
        expect((await peer.answers(number)).at(-1)).toMatchObject({ code: 'AA', controlId: `SYNC${number}.` });
        // The settlement of this message is committed, and synced, before the next one comes.
        await sleep(100);
      }
      peer.socket.destroy();
      process.kill(hub.processId, 'SIGTERM');
      await hub.exited;
    }
    const steps = (await readFile(trace, 'utf8')).split('\n').flatMap((line) => {
      const [, number] = /SYNC(\d+)\./.exec(line) ?? [];
      if (/(read|readv|recvfrom|recvmsg)[ (].*\|ADT\^A01/.test(line)) return [`received ${number}`];
      if (/(write|writev|sendto|sendmsg)\(.*MSA\|AA/.test(line)) return [`acknowledged ${number}`];
      if (/pwrite64\(\d+<[^>]*messages\.db-wal>/.test(line)) return ['logged'];
      return synced.test(line) ? ['synced'] : [];
    });
    for (let number = 1; number <= count; number++) {
      const between = steps.slice(steps.indexOf(`received ${number}`), steps.indexOf(`acknowledged ${number}`) + 1);
      expect(between.join(' ')).toMatch(
        new RegExp(`^received ${number} (logged )+(.* )?synced (.* )?acknowledged ${number}$`),
      );
    }
  },
  60_000,
);
