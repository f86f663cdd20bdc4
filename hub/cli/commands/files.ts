import { Argument, type Command } from 'commander';
import type { CheckOptions } from '../check/check.ts';
import type { ExplainOptions } from '../explain/explain.ts';
import type { FolderOptions } from '../offline/folder.ts';
import type { NewKind } from '../scaffold/new.ts';
import type { TestOptions } from '../test/test.ts';
import type { TryOptions } from '../try/try.ts';
import { type AddCommands, counting, examples } from './options.ts';

/** Commands on the files of a channels folder; none of them needs a hub that runs. */
export const fileCommands: AddCommands = (program, end) => {
  onFolder(program.command('check'), 'Say everything that is wrong with the files of a channels folder.')
    .argument(
      '[path]',
      'a channels folder, a folder with weir.yaml, one channel file, or a channel; what weir.yaml says if absent',
    )
    .option('--connect', 'open every endpoint of the environment, too')
    .option('--timeout-ms <n>', 'how long --connect waits for each', counting, 5_000)
    .option('--json', 'the findings as JSON')
    .addHelpText('after', examples('weir check', 'weir check channels --env production --connect'))
    .action(async (path: string | undefined, options: CheckOptions) =>
      end(await (await import('../check/check.ts')).check(path, options)),
    );

  onFolder(program.command('test'), 'Run the tests of channels: tests: in their files, and *.test.yaml beside them.')
    .argument('[path]', 'as for check')
    .option('--watch', 'run what changed again, whenever a file changes')
    .option('--update', 'write what was sent into the files that tests expect, after a question for each')
    .option('--yes', 'with --update, write without asking')
    .option('--json', 'the results as JSON')
    .addHelpText(
      'after',
      examples('weir test', 'weir test channels/orders-to-lab.channel.yaml --update', 'weir test --watch'),
    )
    .action(async (path: string | undefined, options: TestOptions) =>
      end(await (await import('../test/test.ts')).test(path, options)),
    );

  onFolder(program.command('explain'), 'Say in words what a channel does, or who takes messages of a type.')
    .argument('<channel>', 'its name, or its file')
    .option('--channels <folder>', 'where *.channel.yaml and *.channel.ts are')
    .option('--type <type>', 'only who takes messages of this type, and why: ADT^A01')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', examples('weir explain orders-to-lab', "weir explain adt-inbound --type 'ADT^A08'"))
    .action(async (name: string, options: ExplainOptions) =>
      end(await (await import('../explain/explain.ts')).explain(name, options)),
    );

  onFolder(program.command('try'), 'Show what each step makes of a message, and who would get what; nothing is sent.')
    .argument('<channel>', 'its name, or its file')
    .argument('<message-file>', 'a file with one message or several; - for standard input')
    .option('--channels <folder>', 'where *.channel.yaml and *.channel.ts are')
    .option('--destination <name>', 'for this destination only')
    .option('--json', 'the answer as JSON')
    .addHelpText(
      'after',
      examples('weir try orders-to-lab order.hl7', 'cat order.hl7 | weir try orders-to-lab - --destination lab'),
    )
    .action(async (name: string, file: string, options: TryOptions) =>
      end(await (await import('../try/try.ts')).tryMessage(name, file, options)),
    );

  program
    .command('diff')
    .description('Say what differs between two environments, by channel.')
    .argument('<from>', 'an environment: the name of its file in env/')
    .argument('<to>', 'the one that is promoted to')
    .option('--config <file>', 'settings; weir.yaml of the current directory or the nearest above it if absent')
    .option('--channels <folder>', 'where *.channel.yaml and *.channel.ts are')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', examples('weir diff test production'))
    .action(async (from: string, to: string, options: FolderOptions) =>
      end(await (await import('../diff/diff.ts')).diff(from, to, options)),
    );

  program
    .command('init')
    .description('Write a repository for the channels of a hospital, with an example and its tests.')
    .argument('<folder>', 'where; what is there is never overwritten')
    .addHelpText('after', examples('weir init interfaces'))
    .action(async (folder: string) => end(await (await import('../scaffold/init.ts')).init(folder)));

  onFolder(
    program.command('new'),
    'Write a file to begin with: a channel with a first test, a profile, a map or a code table.',
  )
    .addArgument(new Argument('<kind>', 'what').choices(['channel', 'profile', 'mapping', 'table']))
    .argument('<name>', 'lower-case letters, digits and "-"')
    .option('--channels <folder>', 'where *.channel.yaml and *.channel.ts are')
    .addHelpText('after', examples('weir new channel lab-results', 'weir new table ward-codes'))
    .action(async (kind: NewKind, name: string, options: FolderOptions) =>
      end(await (await import('../scaffold/new.ts')).createNew(kind, name, options)),
    );

  program
    .command('docs')
    .description('Print the reference of a component, of the keys of a file, or of a code.')
    .argument('[name]', 'what there is if absent')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', examples('weir docs', 'weir docs mllp', 'weir docs channel', 'weir docs reply-negative'))
    .action(async (name: string | undefined, options: { readonly json?: boolean }) =>
      end((await import('../reference/docs.ts')).docs(name, options)),
    );

  program
    .command('schema')
    .description('Print the JSON Schema of a kind of file, for editors.')
    .argument('[name]', 'which; their names if absent')
    .option('--to <folder>', 'write all of them into a folder')
    .addHelpText('after', examples('weir schema channel', 'weir schema --to schemas'))
    .action(async (name: string | undefined, options: { readonly to?: string }) =>
      end(await (await import('../reference/schema.ts')).schema(name, options)),
    );
};

/** A command that reads a channels folder. */
function onFolder(command: Command, description: string): Command {
  return command
    .description(description)
    .option('--config <file>', 'settings; weir.yaml of the current directory or the nearest above it if absent')
    .option('--env <name>', 'which env/<name>.yaml says where endpoints are');
}
