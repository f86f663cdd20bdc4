import { join } from 'node:path';
import { command } from '../command.ts';
import { configurationFile, lines, passwordOf } from '../configuration.ts';
import { serviceFolder } from '../folder.ts';
import { programs } from '../packages.ts';
import { expectAnswer } from '../probe.ts';
import type { ServiceKind } from '../service.ts';

const obtain = (shared: string) => programs(shared, ['mosquitto'], ['mosquitto', 'mosquitto_passwd']);

/** Mosquitto, an MQTT broker, with user `weir` and a password; what it has to keep, it saves at each change. */
export const mosquitto: ServiceKind = {
  obtain,
  async plan(place) {
    const { path, env } = await obtain(place.shared);
    const port = await place.port('mosquitto');
    const password = passwordOf(place);
    const users = configurationFile(place, 'users.txt', `weir:${password}\n`);
    await command(path('mosquitto_passwd'), ['-U', users], { env }, place.user);
    const settings = {
      listener: `${port} 127.0.0.1`,
      allow_anonymous: false,
      password_file: users,
      persistence: true,
      persistence_location: `${serviceFolder(join(place.directory, 'data'))}/`,
      autosave_on_changes: true,
      autosave_interval: 1,
      log_dest: 'stderr',
      ...place.options.settings,
    };
    const file = configurationFile(place, 'mosquitto.conf', lines(settings, ' '));
    return {
      processes: [{ name: 'mosquitto', command: path('mosquitto'), args: ['-c', file], env, stop: 'SIGTERM' }],
      address: `mqtt://weir:${password}@127.0.0.1:${port}`,
      probe: () => expectAnswer(port, connectPacket, Buffer.from([0x20, 0x02])),
    };
  },
};

/** CONNECT of MQTT 3.1.1, clean session, without credentials: the broker answers CONNACK, which says that it wants some. */
const connectPacket = Buffer.from('101000044d5154540402003c000470726f62', 'hex');
