import type { LineageCommandOptions } from '../lineage/lineage.ts';
import { type AddCommands, acting, client, examples } from './options.ts';

export const lineageCommands: AddCommands = (program, end) => {
  acting(
    client(
      program.command('lineage'),
      'Show where each value of an HL7 v2 message went in FHIR and by which rule, and what each element was made of.',
    ),
  )
    .argument('[id]', 'a stored message; reading it is on the audit trail')
    .option('--file <file>', 'the messages of a file instead; no hub is asked')
    .option('--channel <name>', 'with --file: as this channel does it, by its name or file')
    .option('--channels <folder>', 'with --channel: where *.channel.yaml and *.channel.ts are')
    .option('--env <name>', 'with --channel: which env/<name>.yaml says the zone')
    .option('--destination <name>', 'for this destination only')
    .option('--of <path>', 'of this only: a v2 path (PID-5, OBX[2]) or an element (Patient.name)')
    .option('--values', 'with the values, which are content: of a stored message they need --reason')
    .addHelpText(
      'after',
      examples(
        'weir lineage 0198c0de-0000-7000-8000-000000000000',
        'weir lineage 0198c0de-0000-7000-8000-000000000000 --of PID-5 --values --reason "name is cut"',
        'weir lineage --file adt.hl7 --channel adt-inbound --of Patient.identifier',
      ),
    )
    .action(async (id: string | undefined, options: LineageCommandOptions) =>
      end(await (await import('../lineage/lineage.ts')).lineage(id, options)),
    );
};
