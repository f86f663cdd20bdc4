import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlIdOf as effectControlId } from '../../../connectors/mllp/prepared.ts';
import type { ChannelDefinition } from '../../../core/channel.ts';
import {
  type ChannelTest,
  type ExpectedOutcome,
  expectedOf,
  responseWords,
} from '../../../core/config/channel-tests.ts';
import { ProtocolFault } from '../../../protocols/fault.ts';
import { parse } from '../../../protocols/hl7v2/message.ts';
import { readAck } from '../../../protocols/hl7v2/read-ack.ts';
import { timestamp } from '../../../protocols/hl7v2/timestamp.ts';
import { controlIdOf as builtControlId } from '../../../transforms/mapping/built-message.ts';
import { describeDifference, differences, isHl7, readable } from '../offline/difference.ts';
import type { Difference } from '../offline/found-difference.ts';
import { type Became, receivedAt, type TestRun } from './run-test.ts';

/** One thing that is not as a test says. */
export interface Unmet {
  /** `lab`, `lab, output 2`, `reply` */
  readonly where: string;
  readonly lines: readonly string[];
  /** The file that would have to hold `actual` for it to be as the test says. */
  readonly update?: { readonly path: string; readonly actual: Uint8Array };
}

/** What of a test's expectations was not met; nothing where it passed. */
export function unmetBy(
  run: TestRun,
  test: ChannelTest,
  folder: string,
  definition: ChannelDefinition,
): readonly Unmet[] {
  const found: Unmet[] = [];
  for (const [name, expected] of expectedOf(test)) {
    const format = definition.destinations.find((each) => each.name === name)?.format;
    found.push(...atDestination(name, expected, run.became.get(name) ?? [], { run, folder, format }));
  }
  if (test.reply !== undefined) found.push(...inReply(test.reply, run, folder));
  return found;
}

interface Comparing {
  readonly run: TestRun;
  readonly folder: string;
  readonly format: ChannelDefinition['format'] | undefined;
}

function atDestination(
  name: string,
  expected: readonly ExpectedOutcome[],
  all: readonly Became[],
  comparing: Comparing,
): readonly Unmet[] {
  // A list without `filtered` speaks of outputs only; one `filtered` of as many messages as there are.
  const outputs = all.filter(({ status }) => status !== 'filtered');
  if (expected.length === 1 && expected[0] === 'filtered' && outputs.length === 0 && all.length > 0) return [];
  const actual = expected.length === all.length ? all : outputs;
  const found: Unmet[] = [];
  for (let index = 0; index < Math.max(expected.length, actual.length); index++) {
    const where = expected.length > 1 || actual.length > 1 ? `${name}, output ${index + 1}` : name;
    const unmet = oneOutcome(where, expected[index], actual[index], comparing);
    if (unmet) found.push(unmet);
  }
  return found;
}

function oneOutcome(
  where: string,
  expected: ExpectedOutcome | undefined,
  actual: Became | undefined,
  comparing: Comparing,
): Unmet | undefined {
  if (expected === undefined)
    return { where, lines: [`nothing more was expected, and ${became(actual)}`, ...content(actual)] };
  if (expected === 'filtered')
    return actual?.status === 'filtered'
      ? undefined
      : { where, lines: [`expected it to be filtered, and ${became(actual)}`, ...content(actual)] };
  if (typeof expected === 'object' && 'error' in expected) {
    if (actual?.status === 'error' && actual.code === expected.error) return undefined;
    return { where, lines: [`expected the error ${expected.error}, and ${became(actual)}`] };
  }
  const path = typeof expected === 'string' ? join(comparing.folder, expected) : undefined;
  if (actual?.status !== 'sent')
    return { where, lines: [`expected ${path ? String(expected) : 'a text'} to be sent, and ${became(actual)}`] };
  const update = path === undefined ? {} : { update: { path, actual: actual.bytes } };
  if (path !== undefined && !existsSync(path)) {
    const lines = [`${expected}: there is no such file yet; --update writes what was sent:`, ...content(actual)];
    return { where, lines, ...update };
  }
  const wanted = typeof expected === 'object' && 'text' in expected ? Buffer.from(expected.text) : readFileSync(path!);
  const lines = differences(wanted, actual.bytes, comparing.format)
    .filter((difference) => !isGenerated(difference, actual, comparing.run))
    .map((difference) => describeDifference(difference));
  return lines.length > 0 ? { where, lines, ...update } : undefined;
}

/** MSH-7 and MSH-10 as Weir writes them: they say when and which, not what. Those that a map sets, or that came in, count. */
function isGenerated(
  { at, actual: value }: Difference,
  { effectId }: { readonly effectId: string },
  { messages }: TestRun,
): boolean {
  if (at === 'MSH-7') return value !== undefined && /^\d{14}(?:[+-]\d{4})?$/.test(value) && isReceivedAt(value);
  if (at !== 'MSH-10' || value === undefined) return false;
  const built = messages.flatMap(({ summary }) =>
    summary ? [0, 1, 2, 3, 4, 5, 6, 7].map((n) => builtControlId(summary.id, n)) : [],
  );
  return value === effectControlId(effectId) || built.includes(value);
}

function isReceivedAt(value: string): boolean {
  const [, hours = '00', minutes = '00'] = /[+-](\d\d)(\d\d)$/.exec(value) ?? [];
  const offset = (Number(hours) * 60 + Number(minutes)) * (value.includes('-') ? -1 : 1);
  return value === timestamp(receivedAt, offset) || value === timestamp(receivedAt);
}

function became(actual: Became | undefined): string {
  if (!actual) return 'nothing came there';
  switch (actual.status) {
    case 'sent':
      return 'it was sent';
    case 'filtered':
      return 'it was filtered';
    case 'queued':
      return `it still waits to be sent (${actual.code}: ${actual.message})`;
    case 'error':
      return `it became the error ${actual.code}: ${actual.message}`;
    default:
      return actual satisfies never;
  }
}

function content(actual: Became | undefined): readonly string[] {
  return actual?.status === 'sent'
    ? readable(actual.bytes)
        .split('\n')
        .map((line) => `  ${line}`)
    : [];
}

function inReply(expected: string, { messages }: TestRun, folder: string): readonly Unmet[] {
  const { reply } = messages.at(-1) ?? {};
  const code = reply && codeOf(reply);
  if (expected === 'none')
    return reply ? [{ where: 'reply', lines: [`expected no answer, and the sender got ${code ?? 'one'}`] }] : [];
  if (responseWords.has(expected)) {
    if (code === expected) return [];
    return [{ where: 'reply', lines: [`expected ${expected}, and the sender got ${code ?? 'no answer'}`] }];
  }
  const path = join(folder, expected);
  if (!reply) return [{ where: 'reply', lines: [`expected ${expected}, and the sender got no answer`] }];
  const update = { path, actual: reply };
  if (!existsSync(path))
    return [{ where: 'reply', lines: [`${expected}: there is no such file yet; --update writes it`], update }];
  // The answer's own time and number are never the same.
  const lines = differences(readFileSync(path), reply)
    .filter(({ at }) => at !== 'MSH-7' && at !== 'MSH-10')
    .map((difference) => describeDifference(difference));
  return lines.length > 0 ? [{ where: 'reply', lines, update }] : [];
}

function codeOf(reply: Uint8Array): string | undefined {
  if (!isHl7(reply)) return undefined;
  try {
    return readAck(reply).code;
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    return parse(reply).get('MSA-1') ?? undefined;
  }
}
