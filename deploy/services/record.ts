import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessId } from './process-id.ts';

/** One of the processes of a service, as started. */
export interface RunningProcess extends ProcessId {
  readonly name: string;
  readonly stop: 'SIGTERM' | 'SIGINT';
}

/** What is kept of a start, so that a later command finds it. */
export interface StartRecord {
  readonly by: 'processes' | 'compose';
  readonly address: string;
  /** URL of the management API, where it has one. */
  readonly management: string | undefined;
  readonly processes: readonly RunningProcess[];
  /** Who is starting it; undefined once it has answered. */
  readonly starting: ProcessId | undefined;
  /** Started by a person, who ends it, too; else the last test run that uses it does. */
  readonly kept: boolean;
}

/** Undefined where there is none, or none that can be read: it is then as if nothing had been started. */
export function readRecord(directory: string): StartRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as StartRecord;
  } catch {
    return undefined;
  }
}

export function writeRecord(directory: string, record: StartRecord): void {
  mkdirSync(directory, { recursive: true });
  replaceFile(join(directory, 'run.json'), record);
}

export function removeRecord(directory: string): void {
  rmSync(join(directory, 'run.json'), { force: true });
}

/** Readers see the old file or the new one. Throws where it cannot be written, and the old one stays. */
export function replaceFile(path: string, content: unknown): void {
  const partial = `${path}.${process.pid}`;
  try {
    writeFileSync(partial, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    renameSync(partial, path);
  } catch (thrown) {
    rmSync(partial, { force: true });
    throw thrown;
  }
}
