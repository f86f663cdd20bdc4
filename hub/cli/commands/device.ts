import { type Command, Option } from 'commander';
import type { ProbeCommandOptions } from '../device/probe.ts';
import type { SimulateCommandOptions } from '../device/simulate.ts';
import { type AddCommands, collect, examples, portNumber, positive } from './options.ts';

/** Devices by their profiles; no hub is asked. */
export const deviceCommands: AddCommands = (program, end) => {
  const device = program.command('device').description('Try a device, or play one, by its profile.');

  onProfile(device.command('probe'), 'Read a device once and show its values.')
    .option('--device <id>', 'which of the profile’s; its first if absent')
    .option('--to <host:port|path>', 'where it is, or its broker; as the profile says, and 127.0.0.1:1883, if absent')
    .option('--wait <seconds>', 'how long it may take', positive, 10)
    .option('--json', 'the answer as JSON')
    .addHelpText(
      'after',
      examples(
        'weir device probe isolation-room --device iso-301',
        'weir device probe pulse-oximeter --to /dev/ttyUSB0',
      ),
    )
    .action(async (name: string, options: ProbeCommandOptions) =>
      end(await (await import('../device/probe.ts')).probe(name, options)),
    );

  onProfile(device.command('simulate'), 'Play a device, for demonstrations, training and tests.')
    .option('--device <id>', 'which of the profile’s; may be repeated', collect, [])
    .addOption(new Option('--listen <port>', 'the hub connects to this port; 0 for any').argParser(portNumber))
    .option('--to <host:port|path>', 'it connects there, or has the other end of that serial port')
    .option('--set <point=value@second>', 'another value from a second on: spo2=82@20; may be repeated', collect, [])
    .option(
      '--fault <kind@from-to>',
      'silence, garbage or exception, in seconds: silence@30-60; may be repeated',
      collect,
      [],
    )
    .option('--every <seconds>', 'from one sample or specimen to the next; as such a device has it if absent', positive)
    .option('--for <seconds>', 'then it ends; else with Ctrl-C', positive)
    .addHelpText(
      'after',
      examples(
        'weir device simulate bedside-monitor --to 127.0.0.1:1883 --set spo2=82@20',
        'weir device simulate isolation-room --listen 1502 --fault silence@30-60',
        'weir device simulate pulse-oximeter --device oximeter-1 --to /dev/pts/5',
      ),
    )
    .action(async (name: string, options: SimulateCommandOptions) =>
      end(await (await import('../device/simulate.ts')).simulate(name, options)),
    );
};

function onProfile(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('<profile>', 'its name in devices/ of the channels folder, or a file')
    .option('--config <file>', 'settings; weir.yaml of the current directory or the nearest above it if absent')
    .option('--channels <folder>', 'where *.channel.yaml and *.channel.ts are');
}
