import { createInterface } from 'node:readline/promises';
import type { JobPreview, JobRequest } from '../../core/runtime/jobs/job.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { CommandFailure, exit } from './exit.ts';
import { print, when } from './output.ts';

export interface AskOptions extends ClientOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/**
 * Shows what a job would do, and asks on a terminal. Answers whether it is to be done, and whether somebody has seen how many are
 * older than what was sent since. Throws CommandFailure `refused` where there is nobody to ask and no `--yes`.
 */
export async function confirmed(
  request: JobRequest,
  options: AskOptions,
): Promise<{ readonly go: boolean; readonly seen: boolean; readonly preview?: JobPreview }> {
  if (options.yes && !options.dryRun) return { go: true, seen: false };
  const preview = await call<JobPreview>(options, '/api/jobs', { method: 'POST', body: { ...request, preview: true } });
  if (!options.json) print(described(preview));
  if (options.dryRun || preview.matched === 0) return { go: false, seen: false, preview };
  if (!process.stdin.isTTY || options.json)
    throw new CommandFailure(exit.refused, `nothing was done: without a terminal to ask on, --yes is needed`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${request.verb} ${count(preview)}? [y/N] `);
    return { go: /^y(es)?$/i.test(answer.trim()), seen: true, preview };
  } finally {
    terminal.close();
  }
}

export function count({ matched, complete }: Pick<JobPreview, 'matched'> & Partial<JobPreview>): string {
  const messages = matched === 1 ? 'message' : 'messages';
  return `${complete === false ? 'at least ' : ''}${matched.toLocaleString('en')} ${messages}`;
}

function described(preview: JobPreview): string {
  const { verb, channels, oldest, newest, overtaken, orderUnknown } = preview;
  if (preview.matched === 0) return `nothing to ${verb}`;
  const lines = [`${verb} of ${count(preview)}, received ${when(oldest)} to ${when(newest)}:`];
  for (const { channel, messages, destinations } of channels) {
    lines.push(`  ${channel}: ${messages.toLocaleString('en')}`);
    for (const each of destinations) lines.push(`    → ${each.destination}: ${each.messages.toLocaleString('en')}`);
  }
  if (overtaken > 0)
    lines.push(`${overtaken.toLocaleString('en')} are, or may be, older than what was last sent for their key`);
  if (orderUnknown > 0)
    lines.push(`for ${orderUnknown.toLocaleString('en')} it is not known whether later ones of their key were sent`);
  return lines.join('\n');
}
