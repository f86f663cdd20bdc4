/** What can be wrong with a configuration file. Codes are never reused. */
export const problemCodes = {
  'yaml-syntax': 'The file is not YAML, or repeats a key.',
  'file-unreadable': 'The file cannot be read.',
  'key-unknown': 'No such key is known here.',
  'key-missing': 'A key that is needed is missing.',
  'value-invalid': 'The value is not of the kind that its key takes.',
  'component-unknown': 'No adapter, connector, transform, filter or format has this name.',
  'endpoint-unknown': 'The environment file has no endpoint of this name.',
  'endpoint-unused': 'Nothing uses this endpoint of the environment file.',
  'destination-unknown': 'The channel has no destination of this name.',
  'destination-unreachable': 'No message can pass all the filters before this destination.',
  'channel-unknown': 'There is no channel of this name, or it does not take what another one gives.',
  'links-circular': 'Channels give their messages to each other in a circle.',
  'profile-unknown': 'There is no sender profile, or no device profile, of this name.',
  'table-unknown': 'There is no code table of this name.',
  'path-invalid': 'A path into the payload cannot be read.',
  'wiring-invalid': 'The parts do not fit together: formats, acknowledgement points, names.',
  'name-taken': 'Two channels have one name, or claim one port or directory.',
  'reference-unresolved': 'A reference `${env:…}`, `${file:…}` or `${stateDir}` leads nowhere.',
  'code-failed': 'A TypeScript file could not be loaded.',
} as const;

export type ProblemCode = keyof typeof problemCodes;

/** One thing that is wrong, at a place somebody can jump to. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly code: ProblemCode;
  readonly message: string;
}

/** `channels/adt.channel.yaml:3:5 key-unknown ackafter: not a key of a channel` */
export function describeProblem({ file, line, column, code, message }: Problem): string {
  return `${file}:${line}:${column} ${code} ${message}`;
}

/** What was loaded, or all that is wrong with it. */
export type Loaded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly [Problem, ...Problem[]] };

export function loaded<T>(value: T): Loaded<T> {
  return { ok: true, value };
}

export function failed(
  first: Problem,
  ...others: readonly Problem[]
): { readonly ok: false; readonly problems: readonly [Problem, ...Problem[]] } {
  return { ok: false, problems: [first, ...others] };
}
