import type { LoadedChannel } from '../../../core/config/channels-folder.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import type { Truth } from '../filters/filter-truth.ts';
import { type ChannelSource, sourceOf } from '../offline/channel-source.ts';
import { channelNamed, type FolderOptions, openFolder } from '../offline/folder.ts';
import { print, printJson, table } from '../output.ts';
import { channelWords } from './channel-words.ts';
import { channelConditions, destinationConditions, factsOf, judge, stepConditions, type Verdict } from './verdicts.ts';

export interface ExplainOptions extends FolderOptions {
  readonly type?: string;
}

/** `weir explain <channel>`: what happens to a message, in words; with `--type` who takes messages of that type. */
export async function explain(name: string, options: ExplainOptions): Promise<ExitCode> {
  if (options.type !== undefined && !/^[A-Z0-9]{3}(?:\^\w{1,4}){0,2}$/.test(options.type))
    throw new CommandFailure(exit.usage, `--type takes a message type like ADT^A01, not ${options.type}`);
  const folder = await openFolder(options);
  const channel = channelNamed(folder, name);
  const source = sourceOf(folder.directory, channel);
  const taking = options.type === undefined ? undefined : verdicts(channel, source, options.type);
  const sections = taking ? [] : await channelWords(channel, source, folder);
  if (options.json) {
    printJson({ channel: channel.definition.name, file: source.file, ...(taking ?? { sections }) });
    return exit.done;
  }
  print(`${channel.definition.name} (${source.file})`);
  for (const { title, lines } of sections) {
    print(`\n${title}`);
    for (const line of lines) print(`  ${line}`);
  }
  if (taking) printVerdicts(options.type!, taking);
  return exit.done;
}

interface Verdicts {
  readonly takes: Verdict;
  readonly destinations: readonly { readonly destination: string; readonly takes: Verdict }[];
}

function verdicts(channel: LoadedChannel, source: ChannelSource, type: string): Verdicts {
  const { definition } = channel;
  const facts = factsOf(type);
  const takes = judge(channelConditions(channel, source), facts);
  const after = [...stepConditions(definition.steps, source, []).values()];
  return {
    takes,
    destinations: definition.destinations.map((each) => {
      const before = each.input === 'source' ? [] : after;
      const own = judge([...before, ...destinationConditions(each, source)], facts);
      return { destination: each.name, takes: takes.truth === 'no' ? takes : own };
    }),
  };
}

const words: Record<Truth, string> = { yes: 'yes', no: 'no', depends: 'it depends' };

function printVerdicts(type: string, { takes, destinations }: Verdicts): void {
  const row = (name: string, { truth, because }: Verdict) => [
    name,
    words[truth],
    truth === 'yes' ? '' : `${truth === 'no' ? 'only where' : 'where'} ${because.join(', and ')}`,
  ];
  print(`\n${type}`);
  const columns = [{ title: 'Who' }, { title: 'Takes it' }, { title: 'Why' }];
  print(table(columns, [row('the channel', takes), ...destinations.map((each) => row(each.destination, each.takes))]));
}
