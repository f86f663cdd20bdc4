import type { ChannelDefinition, Erased, StepDefinition } from '../channel.ts';
import { HubError } from '../errors.ts';
import type { Format } from '../format.ts';
import type { SenderProfile } from '../profile.ts';
import type { SourceSpec } from '../source.ts';
import type { TableSet } from '../tables/table-set.ts';
import type { UnknownCodes } from '../tables/unknown-codes.ts';
import type { TransformSpec } from '../transform.ts';
import { withProfile } from '../with-profile.ts';
import { type Loaded, loaded, type Problem } from './problem.ts';
import type { ReferenceSources } from './references.ts';

/** What a step is loaded with that a file of its own says. Paths are from the folder of the channel file. */
export interface StepFiles {
  /** The file's name in problems and errors. */
  shown(path: string): string;
  /** What stands in a file; it is part of the channel's version. Rejects with an error whose message is for people. */
  text(path: string): Promise<string>;
  /** The exports of a TypeScript file, likewise. */
  script(path: string): Promise<Readonly<Record<string, unknown>>>;
  /** Makes something else that the step depends on part of the channel's version. */
  note(what: string, hash: string): void;
  /** The code tables in force. */
  readonly tables: TableSet;
  /** The worklist of codes that tables do not have. */
  readonly unknown: UnknownCodes;
  /** Formats by their ids. */
  readonly formats: ReadonlyMap<string, Format<Erased>>;
  readonly references: ReferenceSources;
  /**
   * The sender profile of that name, which becomes part of the channel's version; undefined where its file has problems of its own.
   * Throws HubError `config-invalid` where there is none.
   */
  profile(name: string): SenderProfile | undefined;
  /** The zone of the channel's sender: of times that say none. */
  readonly zone?: string;
  /** Its zone where that differs from site to site, by the payload. */
  zoneOf?(payload: Erased): string | undefined;
  /** As `SenderProfile.checkPath`, while the payload is as the sender has sent it. */
  checkPath?(text: string): boolean;
  /** The zone of the environment. */
  readonly environmentZone?: string;
  /** Milliseconds since 1970: a schedule that has no time left to come is a mistake. */
  now(): number;
}

/** A transform that a file of its own says. It runs once it is loaded: what `load` resolves with takes its place. */
export interface FileStep<I, O> extends TransformSpec<I, O> {
  /** Every problem of the file comes in one go; `file-unreadable` alone where it cannot be read. */
  load(files: StepFiles): Promise<Loaded<TransformSpec<I, O>>>;
}

export function isFileStep(step: object): step is FileStep<Erased, Erased> {
  return 'load' in step && typeof step.load === 'function';
}

/** What steps are loaded with where the sender has a profile. */
export function withSender(files: StepFiles, { zone, zoneOf, checkPath }: SenderProfile): StepFiles {
  return {
    ...files,
    ...(zone !== undefined && { zone }),
    ...(zoneOf && { zoneOf: zoneOf as NonNullable<StepFiles['zoneOf']> }),
    ...(checkPath && { checkPath }),
  };
}

/** Behind a step that has changed the payload: what the sender has agreed to send does not hold for it any more. */
export function changed({ checkPath: _, ...files }: StepFiles): StepFiles {
  return files;
}

/** The channel with every step loaded that a file says, and with its sender's profile. */
export async function withFileSteps(
  definition: ChannelDefinition,
  given: StepFiles,
  file: string,
): Promise<Loaded<ChannelDefinition>> {
  const problems: Problem[] = [];
  const source = loadedSource(definition, given, file, problems);
  const files = source.profile?.kind === 'profile' ? withSender(given, source.profile) : given;
  const steps = await loadedSteps(definition.steps, files, problems);
  const after = definition.steps.some(({ kind }) => kind !== 'filter') ? changed(files) : files;
  const destinations: ChannelDefinition['destinations'][number][] = [];
  for (const each of definition.destinations)
    destinations.push({
      ...each,
      steps: await loadedSteps(each.steps, each.input === 'source' ? files : after, problems),
    });
  const [first, ...others] = problems;
  if (first) return { ok: false, problems: [first, ...others] };
  return loaded(Object.freeze({ ...definition, source, steps, destinations: Object.freeze(destinations) }));
}

function loadedSource(
  { source, format }: ChannelDefinition,
  files: StepFiles,
  file: string,
  problems: Problem[],
): SourceSpec<Erased> {
  const { profile: named } = source;
  if (named?.kind !== 'profile-name') return source;
  const problem = (message: string) => {
    problems.push({ file, line: 1, column: 1, code: 'profile-unknown', message });
    return source;
  };
  try {
    const profile = files.profile(named.name);
    if (!profile) return source;
    if (profile.format !== format.id) return problem(`${named.name} is about ${profile.format}, not ${format.id}`);
    return withProfile(source, profile);
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    return problem(thrown.message);
  }
}

async function loadedSteps(
  steps: readonly StepDefinition[],
  files: StepFiles,
  problems: Problem[],
): Promise<readonly StepDefinition[]> {
  const result: StepDefinition[] = [];
  let now = files;
  for (const step of steps) {
    const before = now;
    if (step.kind !== 'filter') now = changed(files);
    if (step.kind === 'filter' || !isFileStep(step.transform)) {
      result.push(step);
      continue;
    }
    const read = await step.transform.load(before);
    if (read.ok) result.push({ ...step, transform: read.value });
    else addProblems(problems, read.problems);
  }
  return result;
}

/** Two steps may have one file: what is wrong with it is told once. */
export function addProblems(problems: Problem[], more: readonly Problem[]): void {
  for (const problem of more) if (!problems.some((each) => sameProblem(each, problem))) problems.push(problem);
}

function sameProblem(a: Problem, b: Problem): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column && a.message === b.message;
}
