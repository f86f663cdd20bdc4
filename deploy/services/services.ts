import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { composeAnswers, composeRuns, startWithCompose, stopWithCompose } from './compose.ts';
import { dataFolder, ownFolder, serviceFolder } from './folder.ts';
import { interrupted } from './interrupted.ts';
import { alone } from './lock.ts';
import { isRunning } from './process-id.ts';
import { stopProcesses } from './processes.ts';
import { readRecord, removeRecord, replaceFile, type StartRecord, writeRecord } from './record.ts';
import { addressVariables, type ServiceName, type ServiceOptions, serviceNames, standsBehind } from './service.ts';
import { type StartRequest, startAsProcesses } from './start.ts';

/** Where a service is, and who runs it. */
export interface Running {
  readonly by: 'environment' | StartRecord['by'];
  readonly address: string;
  /** URL of its management API, where it has one that is known. */
  readonly management: string | undefined;
}

const directoryOf = (name: ServiceName) => join(dataFolder, name);

export interface UpOptions extends ServiceOptions {
  /** Started for a person, who ends it, too. */
  readonly kept: boolean;
}

/**
 * Finds a service that runs or starts it, with the one it stands behind. Resolves once it answers; several callers at once start
 * it once. Rejects with the reason where it cannot be had; nothing of it runs then.
 */
export async function up(name: ServiceName, options: UpOptions): Promise<Running> {
  const given = elsewhere(name);
  if (given) return given;
  const front = standsBehind[name];
  const behind = front && (await up(front, { ...options, settings: {} })).address;
  const directory = serviceFolder(directoryOf(name));
  const start = async () => {
    const running = await present(name);
    if (running) {
      if (options.kept && !running.kept) writeRecord(directory, { ...running, kept: true });
      return running;
    }
    // Whoever stood behind it knew its last start.
    for (const each of behindIt(name)) await alone(serviceFolder(directoryOf(each)), () => end(each));
    return await startAnew({ name, directory, shared: dataFolder, behind, options, kept: options.kept });
  };
  const record = await alone(directory, start, interrupted);
  await writeAddresses();
  return record;
}

async function startAnew(request: StartRequest): Promise<StartRecord> {
  if (!(await composeAnswers())) return (await startAsProcesses(request)).record;
  const record = await startWithCompose(request);
  writeRecord(request.directory, record);
  return record;
}

/** Ends a service that this checkout runs, and those that stand behind it. Resolves whether something ran. */
export async function down(name: ServiceName, { clean = false } = {}): Promise<boolean> {
  for (const each of behindIt(name)) await down(each, { clean });
  if (!existsSync(directoryOf(name))) return false;
  const ended = await alone(directoryOf(name), () => end(name));
  if (clean) rmSync(directoryOf(name), { recursive: true, force: true });
  await writeAddresses();
  return ended;
}

/** Where it runs; undefined when it does not. */
async function status(name: ServiceName): Promise<Running | undefined> {
  const record = readRecord(directoryOf(name));
  return elsewhere(name) ?? (record && (await isUp(name, record)) ? record : undefined);
}

/** Where it runs, or why it does not, in a few words. */
export async function standing(name: ServiceName): Promise<string> {
  const running = await status(name);
  if (running) return `${running.address}  (${running.by})`;
  const { starting, processes = [] } = readRecord(directoryOf(name)) ?? {};
  if (starting) return `-  (${isRunning(starting) ? 'is starting' : 'its start was cut short'})`;
  const ended = processes.filter((each) => !isRunning(each)).map((each) => each.name);
  if (ended.length === 0) return '-';
  return `-  (${ended.join(' and ')} ended unasked; why is in ${join(directoryOf(name), 'log')})`;
}

/** Whether a person started it. */
export const isKept = (name: ServiceName): boolean => readRecord(directoryOf(name))?.kept ?? false;

function elsewhere(name: ServiceName): Running | undefined {
  const address = process.env[addressVariables[name]];
  if (!address) return undefined;
  const management = name === 'rabbitmq' ? process.env.WEIR_TEST_RABBITMQ_MANAGEMENT_URL : undefined;
  return { by: 'environment', address, management };
}

const behindIt = (name: ServiceName) => serviceNames.filter((each) => standsBehind[each] === name);

async function isUp(name: ServiceName, { by, starting, processes }: StartRecord): Promise<boolean> {
  if (starting !== undefined) return false;
  return by === 'compose' ? await composeRuns(name, directoryOf(name)) : processes.every(isRunning);
}

/** The start that runs; what is left of one that was cut short, or of which a part has ended, is ended. */
async function present(name: ServiceName): Promise<StartRecord | undefined> {
  const record = readRecord(directoryOf(name));
  if (record && (await isUp(name, record))) return record;
  await end(name);
  return undefined;
}

async function end(name: ServiceName): Promise<boolean> {
  const record = readRecord(directoryOf(name));
  if (!record) return false;
  const ran = record.by === 'compose' ? await composeRuns(name, directoryOf(name)) : record.processes.some(isRunning);
  if (record.by === 'compose') await stopWithCompose(name, directoryOf(name));
  await stopProcesses(record.processes);
  removeRecord(directoryOf(name));
  return ran;
}

/** `addresses.json` in the checkout: what runs now, by name. */
async function writeAddresses(): Promise<void> {
  mkdirSync(ownFolder, { recursive: true });
  await alone(ownFolder, async () => {
    const addresses: Record<string, string> = {};
    for (const name of serviceNames) {
      const running = await status(name);
      if (running) addresses[name] = running.address;
      if (running?.management) addresses[`${name}Management`] = running.management;
    }
    const file = join(ownFolder, 'addresses.json');
    try {
      replaceFile(file, addresses);
    } catch (thrown) {
      // Of a full disk, on which services can be ended all the same: no addresses are better than old ones.
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown;
      rmSync(file, { force: true });
    }
  });
}
