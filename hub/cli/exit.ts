import type { HubError } from '../../core/errors.ts';

/** What the process ends with; `weir --help` says the same. */
export const exit = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  refused: 5,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

export const exitHelp = `
Exit codes:
  0  done
  1  failed: the message on standard error says why
  2  the command line is wrong
  3  the hub cannot be reached
  4  there is no such channel, destination or message
  5  the state it is in does not permit it, or it needs --confirm
`;

/** A command that ends the process with a code and one message for people. */
export class CommandFailure extends Error {
  readonly exit: ExitCode;

  constructor(exit: ExitCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.exit = exit;
  }
}

/** By the code of the hub's error, as it comes over the admin API or is thrown here. */
export function exitFor(code: HubError['code'] | string): ExitCode {
  switch (code) {
    case 'not-found':
      return exit.notFound;
    case 'not-allowed':
    case 'confirmation-needed':
      return exit.refused;
    case 'request-invalid':
      return exit.usage;
    default:
      return exit.failed;
  }
}
