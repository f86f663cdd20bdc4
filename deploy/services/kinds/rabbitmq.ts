import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { configurationFile, lines, passwordOf } from '../configuration.ts';
import { serviceFolder } from '../folder.ts';
import { type Programs, programs } from '../packages.ts';
import { expectAnswer } from '../probe.ts';
import type { Place, ServiceKind } from '../service.ts';

const obtain = (shared: string) => programs(shared, ['rabbitmq-server'], ['rabbitmq-server', 'erl', 'epmd']);

/**
 * RabbitMQ with user `weir` and a password, and its management API, by which a test makes a virtual host of its own. It has a port
 * mapper (epmd) of its own: that of the machine would outlive it.
 */
export const rabbitmq: ServiceKind = {
  obtain,
  async plan(place) {
    const found = await obtain(place.shared);
    const ports = { amqp: await place.port('amqp'), management: await place.port('management') };
    const mapper = String(await place.port('epmd'));
    const password = passwordOf(place);
    const settings = {
      'listeners.tcp.1': `127.0.0.1:${ports.amqp}`,
      'management.tcp.ip': '127.0.0.1',
      'management.tcp.port': ports.management,
      default_user: 'weir',
      default_pass: password,
      'disk_free_limit.absolute': '100MB',
      // How old what its management API says may be.
      collect_statistics_interval: 500,
      'log.console': true,
      'log.console.level': 'warning',
      'log.file': false,
      ...place.options.settings,
    };
    const env = {
      ...found.env,
      ...(await erlang(found, place)),
      ERL_EPMD_PORT: mapper,
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: 'rabbit@localhost',
      RABBITMQ_DIST_PORT: String(await place.port('distribution')),
      // Erlang's threads else go on spinning when they have nothing to do, which others of the machine pay for.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
        '+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
      RABBITMQ_CONFIG_FILE: configurationFile(place, 'rabbitmq.conf', lines(settings, ' = ')),
      RABBITMQ_CONF_ENV_FILE: join(place.directory, 'none'),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(place.directory, 'none.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: configurationFile(place, 'plugins', '[rabbitmq_management].\n'),
      RABBITMQ_PLUGINS_DIR: join(dirname(realpathSync(found.path('rabbitmq-server'))), '../plugins'),
      RABBITMQ_MNESIA_BASE: serviceFolder(join(place.directory, 'data')),
      RABBITMQ_LOG_BASE: serviceFolder(join(place.directory, 'log')),
      RABBITMQ_LOGS: '-',
      // The script then becomes the server, in place of staying as its parent.
      detached: 'true',
    };
    const { path } = found;
    return {
      processes: [
        { name: 'epmd', command: path('epmd'), args: ['-address', '127.0.0.1', '-port', mapper], env, stop: 'SIGTERM' },
        { name: 'rabbitmq', command: path('rabbitmq-server'), args: [], env, stop: 'SIGTERM' },
      ],
      address: `amqp://weir:${password}@127.0.0.1:${ports.amqp}`,
      management: `http://weir:${password}@127.0.0.1:${ports.management}`,
      // Header of AMQP 0-9-1; the answer is a method frame on channel 0. The management API comes after it.
      probe: async () => {
        await expectAnswer(ports.amqp, Buffer.from('AMQP\0\0\x09\x01', 'latin1'), Buffer.from([1, 0, 0]));
        await expectAnswer(ports.management, 'GET / HTTP/1.0\r\n\r\n', 'HTTP/');
      },
    };
  },
};

/** Where Erlang was unpacked its start script names a folder of the system: a copy names the right one, first on the path. */
async function erlang({ root, path }: Programs, { directory }: Place): Promise<Readonly<Record<string, string>>> {
  if (root === '/') return { PATH: `${dirname(path('erl'))}${delimiter}${process.env.PATH ?? ''}` };
  const folder = serviceFolder(join(directory, 'bin'));
  const script = readFileSync(path('erl'), 'utf8').replaceAll('ROOTDIR=/usr', `ROOTDIR='${root}'/usr`);
  writeFileSync(join(folder, 'erl'), script, { mode: 0o755 });
  return { PATH: [folder, join(root, 'usr/bin'), process.env.PATH ?? ''].join(delimiter) };
}
