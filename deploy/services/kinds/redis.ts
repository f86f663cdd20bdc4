import { join } from 'node:path';
import { configurationFile, lines, passwordOf } from '../configuration.ts';
import { serviceFolder } from '../folder.ts';
import { programs } from '../packages.ts';
import { expectAnswer } from '../probe.ts';
import type { ServiceKind } from '../service.ts';

const obtain = (shared: string) => programs(shared, ['redis-server'], ['redis-server']);

/** Redis with a password; each change is in its append-only file, and fsynced, before it is answered. */
export const redis: ServiceKind = {
  obtain,
  async plan(place) {
    const { path, env } = await obtain(place.shared);
    const port = await place.port('redis');
    const password = passwordOf(place);
    const settings = {
      bind: '127.0.0.1',
      port,
      requirepass: password,
      dir: serviceFolder(join(place.directory, 'data')),
      daemonize: 'no',
      save: '""',
      appendonly: 'yes',
      appendfsync: 'always',
      ...place.options.settings,
    };
    const file = configurationFile(place, 'redis.conf', lines(settings, ' '));
    return {
      processes: [{ name: 'redis', command: path('redis-server'), args: [file], env, stop: 'SIGTERM' }],
      address: `redis://:${password}@127.0.0.1:${port}`,
      // While it reads its file it answers -LOADING.
      probe: () => expectAnswer(port, `AUTH ${password}\r\nPING\r\n`, '+OK'),
    };
  },
};
