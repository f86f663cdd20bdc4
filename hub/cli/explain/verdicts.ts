import type { DestinationDefinition, StepDefinition } from '../../../core/channel.ts';
import type { LoadedChannel } from '../../../core/config/channels-folder.ts';
import { isMapping, type Place } from '../../../core/config/yaml-file.ts';
import { type FilterTree, readFilter } from '../filters/filter-tree.ts';
import { type Facts, type Truth, truthOf } from '../filters/filter-truth.ts';
import { filterWords } from '../filters/filter-words.ts';
import type { ChannelSource } from '../offline/channel-source.ts';
import { probe } from './probe.ts';

/** Whether a channel, or a destination, takes messages of a type. */
export interface Verdict {
  readonly truth: Truth;
  /** The condition that keeps it out, or those that the message has to meet. */
  readonly because: readonly string[];
}

/** `ADT^A01` as the paths that filters ask for. */
export function factsOf(type: string): Facts {
  const [code = '', event, structure] = type.split('^');
  const facts = new Map([['MSH-9.1', code]]);
  if (event) facts.set('MSH-9.2', event);
  if (structure) facts.set('MSH-9.3', structure);
  return facts;
}

/** A filter, as a condition in words and as something to ask. */
export interface Condition {
  readonly words: string;
  judge(facts: Facts): Verdict;
}

export function ofTree(tree: FilterTree): Condition {
  return {
    words: filterWords(tree),
    judge: (facts) => {
      const open: FilterTree[] = [];
      const truth = truthOf(tree, facts, open);
      return { truth, because: truth === 'depends' ? open.map((each) => filterWords(each)) : [filterWords(tree)] };
    },
  };
}

export function ofCode(step: StepDefinition & { readonly kind: 'filter' }): Condition {
  const name = `${step.name} (in TypeScript) says so`;
  return {
    words: name,
    judge: (facts) => {
      const { truth, reads } = probe(step, facts);
      const read = reads.length > 0 ? `; it looks at ${reads.join(', ')}` : '';
      return { truth, because: [`${name}${read}`] };
    },
  };
}

/** The filters of a channel before any step. */
export function channelConditions({ definition }: LoadedChannel, source: ChannelSource): readonly Condition[] {
  const { yaml } = source;
  if (!yaml) return definition.filters.map(ofCode);
  const tree = readFilter(yaml, ['filter'], source.at('filter'));
  return tree ? [ofTree(tree)] : [];
}

/** The filters among steps, wherever they stand: those of YAML as they are written, those of code by name. */
export function stepConditions(
  steps: readonly StepDefinition[],
  source: ChannelSource,
  place: Place,
): ReadonlyMap<StepDefinition, Condition> {
  const { yaml } = source;
  const found = new Map<StepDefinition, Condition>();
  const written: unknown = yaml ? source.at(...place) : undefined;
  // The channel's own filter is none of its steps; those of a destination begin with its filter and its split.
  const before =
    isMapping(written) && place.length > 0 ? ['filter', 'split'].filter((key) => written[key] !== undefined) : [];
  const list = before.map((key): Place => [key]);
  const within: unknown = isMapping(written) ? written.steps : undefined;
  const places: Place[] = [
    ...list,
    ...(Array.isArray(within) ? within.map((_, index) => ['steps', index] as Place) : []),
  ];
  for (const [index, step] of steps.entries()) {
    if (step.kind !== 'filter') continue;
    const own = places[index];
    const at = own && (own[0] === 'filter' ? own : [...own, 'filter']);
    const tree = yaml && at ? readFilter(yaml, [...place, ...at], source.at(...place, ...at)) : undefined;
    found.set(step, tree ? ofTree(tree) : ofCode(step));
  }
  return found;
}

export function destinationConditions(
  { name, steps }: DestinationDefinition,
  source: ChannelSource,
): readonly Condition[] {
  return [...stepConditions(steps, source, ['destinations', name]).values()];
}

/** The conditions together: the first that keeps messages out decides. */
export function judge(conditions: readonly Condition[], facts: Facts): Verdict {
  const verdicts = conditions.map((each) => each.judge(facts));
  const no = verdicts.find(({ truth }) => truth === 'no');
  if (no) return no;
  const open = verdicts.filter(({ truth }) => truth === 'depends');
  return open.length > 0
    ? { truth: 'depends', because: open.flatMap(({ because }) => because) }
    : { truth: 'yes', because: [] };
}
