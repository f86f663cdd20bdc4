import { type Command, Option } from 'commander';
import type { ClientOptions } from '../admin-client.ts';
import type { PatientOptions } from '../alarms.ts';
import type { ProbeCommandOptions } from '../device/probe.ts';
import type { SimulateCommandOptions } from '../device/simulate.ts';
import { type AddCommands, acting, client, collect, examples, ofPatient, portNumber, positive } from './options.ts';

/** Devices by their profiles: with whom they are the hub is asked, one is read or played without. */
export const deviceCommands: AddCommands = (program, end) => {
  acting(client(program.command('devices'), 'List the devices of the profiles; with --reason, with whom they are.'))
    .addHelpText('after', examples('weir devices', 'weir devices --reason "handover"'))
    .action(async (options: ClientOptions) => end(await (await import('../alarms.ts')).devices(options)));

  const device = program.command('device').description('Say with whom a device is; read one, or play one.');
  ofPatient(acting(client(device.command('associate'), 'Say that a device is with a patient from now on.')))
    .argument('<device>', 'as its profile calls it')
    .requiredOption('--patient <id>', 'identifier of the patient')
    .option('--from <time>', 'since when; now if absent')
    .addHelpText('after', examples('weir device associate mon-1 --patient 100042 --authority MAIN --reason "admitted"'))
    .action(async (id: string, options: PatientOptions & { patient: string; from?: string }) =>
      end(await (await import('../alarms.ts')).associateDevice(id, options)),
    );
  acting(client(device.command('dissociate'), 'Say that a device is with nobody from now on.'))
    .argument('<device>', 'as its profile calls it')
    .addHelpText('after', examples('weir device dissociate mon-1 --reason "discharged"'))
    .action(async (id: string, options: ClientOptions) =>
      end(await (await import('../alarms.ts')).dissociateDevice(id, options)),
    );

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
