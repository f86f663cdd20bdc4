import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChannelDefinition } from '../../../core/channel.ts';
import { givenOf, isInline, responsesOf, responseWords, statusIn } from '../../../core/config/channel-tests.ts';
import { HubError } from '../../../core/errors.ts';
import type { Processing } from '../../../core/processing.ts';
import { ProtocolFault } from '../../../protocols/fault.ts';
import { splitBatch } from '../../../protocols/hl7v2/batch.ts';
import type { OfflineEnvironment } from '../offline/environment.ts';
import { type Unmet, unmetBy } from './expectations.ts';
import type { FarAnswer } from './far-end.ts';
import type { TestCase } from './read-tests.ts';
import { runTest } from './run-test.ts';

export interface TestResult {
  readonly of: TestCase;
  readonly unmet: readonly Unmet[];
  readonly ms: number;
}

/** So many tests wait for their engines at the same time. */
const AT_ONCE = 8;

/** Runs tests as the environment's hub would run their channels, several at once; the results come in their order. */
export async function runCases(
  cases: readonly TestCase[],
  { processing }: Pick<OfflineEnvironment, 'processing'>,
): Promise<readonly TestResult[]> {
  const results: TestResult[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < cases.length; at = next++) {
      results[at] = await runCase(cases[at]!, processing);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

async function runCase(of: TestCase, processing: Processing | undefined): Promise<TestResult> {
  const started = performance.now();
  const { definition } = of.channel;
  let unmet: readonly Unmet[];
  try {
    const answers = new Map<string, FarAnswer[]>();
    for (const [name, each] of responsesOf(of.test))
      answers.set(name, await Promise.all(each.map((one) => answer(of, name, one))));
    const run = await runTest(definition, await messagesOf(of), answers, processing);
    unmet = unmetBy(run, of.test, of.folder, definition);
  } catch (thrown) {
    if (!(thrown instanceof HubError) && !(thrown instanceof ProtocolFault)) throw thrown;
    unmet = [{ where: 'the test', lines: [thrown.message] }];
  }
  return { of, unmet, ms: performance.now() - started };
}

async function answer({ folder, channel }: TestCase, destination: string, word: string): Promise<FarAnswer> {
  if (responseWords.has(word)) return word as FarAnswer;
  const status = statusIn(word);
  if (status === undefined) return readFile(join(folder, word));
  const type = channel.definition.destinations.find(({ name }) => name === destination)?.to.type ?? '';
  if (type === 'http' || type === 'fhir') return status;
  throw new HubError('config-invalid', 'permanent', `answering for ${destination}: ${type} knows no status ${word}`);
}

async function messagesOf({ test, folder, channel }: TestCase): Promise<readonly Buffer[]> {
  const all: Buffer[] = [];
  for (const given of givenOf(test))
    all.push(...messagesIn(isInline(given) ? inline(given) : await readFile(join(folder, given)), channel.definition));
  return all;
}

/**
 * A file of several HL7 messages is as many; of other formats it is one. HL7 that was written in an editor, whose segments end with
 * LF, is sent as senders do, with CR.
 */
export function messagesIn(file: Buffer, { format }: Pick<ChannelDefinition, 'format'>): readonly Buffer[] {
  if (format.id !== 'hl7v2') return [file];
  const content = file.includes(13) ? file : Buffer.from(file.map((byte) => (byte === 10 ? 13 : byte)));
  try {
    const messages = splitBatch(content).batches.flatMap((batch) => batch.messages);
    return messages.length > 0 ? messages.map((each) => Buffer.from(each)) : [content];
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    return [content];
  }
}

/** YAML ends lines with LF; HL7 ends segments with CR. */
function inline(text: string): Buffer {
  return Buffer.from(/^(?:MSH|FHS|BHS)\W/.test(text) ? text.trimEnd().replace(/\r?\n/g, '\r').concat('\r') : text);
}
