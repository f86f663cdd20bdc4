import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digest } from './digest.ts';
import { HapiJudge } from './hapi.ts';
import type { Issue } from './issue.ts';
import { judgedByMedplum } from './medplum.ts';
import { isUnknowable } from './unknowable.ts';

const KEPT = 6_000;
const file = join(import.meta.dirname, '../../node_modules/.cache/hapi-fhir-verdicts.json');

/**
 * What both judges find wrong with each of the bundles, in their order. HAPI's verdicts are kept beside its jars under the
 * digest of bundle and judge, the last 6,000 of them: after a change of the maps only what it changed is judged again.
 * `asking` is called with the number of those that HAPI is asked about.
 */
export async function judge(texts: readonly string[], asking: (count: number) => void = () => {}): Promise<Issue[][]> {
  const hapi = await HapiJudge.get();
  const known = read();
  const keys = texts.map((text) => `${hapi.edition}:${digest(text)}`);
  const open = new Map(keys.map((key, at) => [key, texts[at]!] as const).filter(([key]) => !known.has(key)));
  asking(open.size);
  const asked = [...open.keys()];
  await hapi.judge([...open.values()], (at, issues) => known.set(asked[at]!, issues));
  for (const key of keys) {
    // The last ones used are the last ones dropped.
    const issues = known.get(key)!;
    known.delete(key);
    known.set(key, issues);
  }
  write(known);
  return texts.map((text, at) => {
    const errors = known.get(keys[at]!)!.filter(({ code, message }) => !isUnknowable(code, message));
    return [...errors, ...judgedByMedplum(text)];
  });
}

function read(): Map<string, Issue[]> {
  try {
    return new Map(JSON.parse(readFileSync(file, 'utf8')) as [string, Issue[]][]);
  } catch {
    return new Map();
  }
}

function write(known: ReadonlyMap<string, Issue[]>): void {
  mkdirSync(join(file, '..'), { recursive: true });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, JSON.stringify([...known].slice(-KEPT)));
  renameSync(partial, file);
}
