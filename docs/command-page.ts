import type { Command } from 'commander';
import { commands } from '../hub/cli/program.ts';

/** The help of every command, as the command line prints it. */
export function commandPage(): string {
  const sections = everyCommand(commands(() => undefined)).map(
    ([name, command]) => `## ${name}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``,
  );
  return [
    '# Command line',
    '`weir` is `hub/cli/weir.js`, from any folder; in this one `npm run -s weir -- …` is the same.',
    ...sections,
  ]
    .join('\n\n')
    .concat('\n');
}

function everyCommand(command: Command, before = ''): readonly (readonly [string, Command])[] {
  const name = `${before}${command.name()}`;
  const shown = command.createHelp().visibleCommands(command);
  return [
    [name, command],
    ...command.commands.filter((each) => shown.includes(each)).flatMap((each) => everyCommand(each, `${name} `)),
  ];
}

function helpOf(command: Command): string {
  let text = '';
  const writeOut = (part: string) => {
    text += part;
  };
  command.configureOutput({ writeOut, getOutHelpWidth: () => 100, getOutHasColors: () => false });
  command.outputHelp();
  return text.trim();
}
