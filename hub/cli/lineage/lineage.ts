import { readFile } from 'node:fs/promises';
import { messageArrival } from '../../../adapters/mllp/message-arrival.ts';
import { hl7v2 } from '../../../contracts/hl7v2.ts';
import { choices } from '../../../core/config/registry.ts';
import { HubError } from '../../../core/errors.ts';
import type { Message } from '../../../core/message.ts';
import { readHeader } from '../../../protocols/hl7v2/header.ts';
import type { Hl7Message } from '../../../protocols/hl7v2/message.ts';
import { hl7v2ToFhir } from '../../../transforms/hl7v2-to-fhir/hl7v2-to-fhir.ts';
import { type LineageReport, lineageReport, type ReceivedMessage, told } from '../../lineage/lineage-report.ts';
import { type ClientOptions, call } from '../admin-client.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import { channelNamed, type FolderOptions, openFolder } from '../offline/folder.ts';
import { print, printJson } from '../output.ts';
import { messagesIn } from '../test/run-case.ts';
import { headLines, stepLines } from './lineage-words.ts';
import { only, type Wanted, wanted } from './wanted.ts';

export interface LineageCommandOptions extends ClientOptions, FolderOptions {
  readonly file?: string;
  readonly channel?: string;
  readonly destination?: string;
  readonly of?: string;
  readonly values?: boolean;
}

/** `weir lineage <id>`, `weir lineage --file <file>`: where each value went, and what each element was made of. */
export async function lineage(id: string | undefined, options: LineageCommandOptions): Promise<ExitCode> {
  const { file, of } = options;
  if ((id === undefined) === (file === undefined))
    throw new CommandFailure(exit.usage, 'lineage takes the id of a message, or --file');
  const reports = id === undefined ? await ofFile(file!, options) : [await ofStored(id, options)];
  const asked = of === undefined ? undefined : wanted(of);
  if (options.json) printJson(reports.map((report) => narrowed(report, asked)));
  else for (const report of reports) printReport(report, asked);
  if (!reports.some(({ steps }) => steps.length > 0)) throw new CommandFailure(exit.failed, nothingTold(reports));
  const found = reports.some((report) =>
    narrowed(report, asked).steps.some(({ leaves, elements }) => leaves.length + elements.length > 0),
  );
  if (asked && !found) throw new CommandFailure(exit.failed, `nothing of ${of} is in it`);
  return exit.done;
}

function nothingTold(reports: readonly LineageReport[]): string {
  const [{ channel, ended } = {}] = reports;
  if (ended === 'filtered') return `${channel} filters the message: nothing is made of it`;
  if (ended) return `${ended.code}: ${ended.message}`;
  return `${channel} makes no FHIR of the message: no hl7v2-to-fhir is among its steps, or none gets it`;
}

/** Values are content: they are shown to somebody with a reason, which is on the audit trail. */
async function ofStored(id: string, options: LineageCommandOptions): Promise<LineageReport> {
  const { values, destination, channel } = options;
  if (channel !== undefined)
    throw new CommandFailure(exit.usage, '--channel is for --file: a stored message has its own');
  if (values && !options.reason)
    throw new CommandFailure(exit.usage, 'reading content needs --reason: it is on the audit trail');
  const path = `/api/messages/${encodeURIComponent(id)}/lineage`;
  const query = { destination, ...(values && { values: 'true' }) };
  return call<LineageReport>(options, path, { query, reason: 'command line' });
}

async function ofFile(file: string, options: LineageCommandOptions): Promise<readonly LineageReport[]> {
  const { channel: name, destination, values } = options;
  const content = await readFile(file).catch((thrown: NodeJS.ErrnoException) => {
    throw new CommandFailure(exit.failed, `${file}: it cannot be read (${thrown.code})`, { cause: thrown });
  });
  if (name === undefined) {
    if (destination !== undefined) throw new CommandFailure(exit.usage, '--destination needs --channel with --file');
    return Promise.all(messagesIn(content, { format: hl7v2 }).map((raw) => withoutChannel(raw, values === true)));
  }
  const { definition, version } = channelNamed(await openFolder(options), name);
  const known = definition.destinations.map((each) => each.name);
  if (destination !== undefined && !known.includes(destination))
    throw new CommandFailure(exit.notFound, `${definition.name} has no destination ${destination}${choices(known)}`);
  const messages = messagesIn(content, definition);
  return Promise.all(
    messages.map((raw, index) =>
      lineageReport({ definition, version }, arrived(raw, index), { destination, values: values === true }),
    ),
  );
}

function arrived(raw: Buffer, index: number): ReceivedMessage {
  const header = readHeader(raw);
  const meta = header ? (messageArrival(raw, header, 'weir lineage').meta ?? {}) : {};
  const type = meta['hl7.type'];
  const id = `00000000-0000-7000-8000-${String(index + 1).padStart(12, '0')}`;
  return { id, seq: index + 1, raw, meta, receivedAt: Date.now(), ...(type !== undefined && { type }) };
}

async function withoutChannel(raw: Buffer, values: boolean): Promise<LineageReport> {
  let message: Hl7Message;
  try {
    message = hl7v2.decode(raw, {});
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    throw new CommandFailure(exit.failed, thrown.message, { cause: thrown });
  }
  const { lineage, type } = hl7v2ToFhir({});
  const lines = await lineage!(message, { receivedAt: Date.now() } as Message<Hl7Message>);
  return { type: message.type, steps: [{ step: type, behind: [], ...told(lines, values) }], without: [] };
}

function narrowed(report: LineageReport, asked: Wanted | undefined): LineageReport {
  return asked ? { ...report, steps: report.steps.map((step) => only(step, asked)) } : report;
}

function printReport(report: LineageReport, asked: Wanted | undefined): void {
  for (const line of headLines(report)) print(line);
  for (const step of report.steps) {
    print('');
    for (const line of stepLines(asked ? only(step, asked) : step, step, asked)) print(line);
  }
  if (report.without.length > 0) print('');
  for (const { destination, why } of report.without) print(`→ ${destination}: ${why}`);
  print('');
}
