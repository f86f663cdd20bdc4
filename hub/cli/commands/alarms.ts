import { Option } from 'commander';
import type { ClientOptions } from '../admin-client.ts';
import type { ScoresOptions, ThresholdOptions } from '../alarms.ts';
import { type AddCommands, acting, client, counting, examples, ofPatient } from './options.ts';

/** Alarms of devices, and early-warning scores: what the alarms service is asked. */
export const alarmCommands: AddCommands = (program, end) => {
  const alarms = program.command('alarms').description('Alarms of devices: what is raised, and who has seen it.');
  acting(
    client(
      alarms.command('list', { isDefault: true }),
      'Show the alarms that are raised; with --reason, about whom and at which value.',
    ),
  )
    .addHelpText('after', examples('weir alarms', 'weir alarms --reason "ward round"', 'weir alarms --json'))
    .action(async (options: ClientOptions) => end(await (await import('../alarms.ts')).alarms(options)));
  acting(
    client(
      alarms.command('watch'),
      'Show each change of an alarm as it comes, until Ctrl-C; with --reason, about whom and at which value, and scores.',
    ),
  )
    .addHelpText('after', examples('weir alarms watch', 'weir alarms watch --reason "ward 3" --json'))
    .action(async (options: ClientOptions) => end(await (await import('../alarms.ts')).watchAlarms(options)));
  acting(client(alarms.command('ack'), 'Say that somebody has seen an alarm.'))
    .argument('<incident>', 'as `weir alarms` shows it')
    .addHelpText('after', examples('weir alarms ack mon-1/low-spo2/1774427696000 --reason "at the bed"'))
    .action(async (incident: string, options: ClientOptions) =>
      end(await (await import('../alarms.ts')).acknowledgeAlarm(incident, options)),
    );
  ofPatient(acting(client(alarms.command('threshold'), 'Set other limits of an alarm for one patient, or list them.')))
    .argument('<patient>', 'identifier of the patient')
    .argument('[alarm]', 'as the device profile calls it; lists what is set if absent')
    .option('--when <condition>', 'what raises it: "spo2 < 84"')
    .option('--clear-when <condition>', 'what clears it; that --when does not hold any more if absent')
    .option('--raise-after <ms>', 'how long it has to hold', counting)
    .option('--clear-after <ms>', 'how long it has to be over', counting)
    .addOption(new Option('--priority <priority>', 'how urgent it is').choices(['low', 'medium', 'high']))
    .option('--off', 'do not watch for it')
    .option('--remove', 'as the profile says again')
    .addHelpText(
      'after',
      examples(
        'weir alarms threshold 100042 --authority MAIN',
        'weir alarms threshold 100042 low-spo2 --when "spo2 < 84" --clear-when "spo2 >= 86" --reason "COPD, ordered by Dr Berger"',
        'weir alarms threshold 100042 low-spo2 --remove --reason "discharged"',
      ),
    )
    .action(async (patient: string, alarm: string | undefined, options: ThresholdOptions) =>
      end(await (await import('../alarms.ts')).thresholds(patient, alarm, options)),
    );

  ofPatient(
    acting(
      client(
        program.command('scores'),
        'Show the early-warning scores (NEWS2, MEWS) of a patient, or chart for them; of all patients if none is named.',
      ),
    ),
  )
    .argument('[patient]', 'identifier of the patient')
    .addOption(
      new Option('--consciousness <letter>', 'chart it: alert, new confusion, voice, pain, unresponsive').choices([
        'A',
        'C',
        'V',
        'P',
        'U',
      ]),
    )
    .addOption(new Option('--oxygen <yes|no>', 'chart whether oxygen is given').choices(['yes', 'no']))
    .addOption(new Option('--scale <n>', 'SpO2 scale 2 by a clinician’s order, or 1 again').choices(['1', '2']))
    .addHelpText(
      'after',
      examples(
        'weir scores 100042 --reason "ward round"',
        'weir scores 100042 --consciousness A --oxygen no',
        'weir scores --reason "handover"',
      ),
    )
    .action(async (patient: string | undefined, options: ScoresOptions) =>
      end(await (await import('../alarms.ts')).scores(patient, options)),
    );
};
