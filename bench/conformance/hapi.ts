import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { command } from '../../deploy/services/command.ts';
import { mavenJars } from '../../deploy/services/maven.ts';
import type { Issue } from './issue.ts';

/** One line of what the Java program writes. */
interface Verdict {
  readonly at: number;
  readonly issues: readonly {
    readonly severity: string;
    readonly id: string | null;
    readonly path: string;
    readonly message: string;
  }[];
}

const folder = join(import.meta.dirname, 'judge');
const cache = join(import.meta.dirname, '../../node_modules/.cache');
const program = readFileSync(join(folder, 'HapiJudge.java'));
const jarList = readFileSync(join(folder, 'pom.xml'));

/** HAPI FHIR's instance validator, in a Java of its own, out of Maven Central the first time. */
export class HapiJudge {
  /** Changes with the program and the jars: whoever keeps verdicts keeps them under it. */
  readonly edition = createHash('sha256').update(program).update(jarList).digest('hex').slice(0, 16);
  readonly #classPath: string;

  /** Rejects with the reason it cannot be had: no Java, no Maven, no network. */
  static async get(): Promise<HapiJudge> {
    await command('java', ['-version']);
    const jars = join(cache, 'hapi-fhir-judge');
    await mavenJars(join(folder, 'pom.xml'), jars);
    const names = readdirSync(jars).filter((name) => name.endsWith('.jar'));
    return new HapiJudge(await compiled(names.map((name) => join(jars, name)).join(delimiter)));
  }

  private constructor(classPath: string) {
    this.#classPath = classPath;
  }

  /**
   * What it calls an error in each of the resources; `judged` is called with each as it is done. Rejects
   * where Java ends before it has judged all.
   */
  async judge(texts: readonly string[], judged: (at: number, issues: Issue[]) => void): Promise<void> {
    if (texts.length === 0) return;
    const flags = ['-Xmx1500m', '-Dfile.encoding=UTF-8', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'];
    // Compiling thoroughly does not pay for a few.
    if (texts.length < 100) flags.push('-XX:TieredStopAtLevel=1');
    const child = spawn('java', [...flags, '-cp', this.#classPath, 'HapiJudge', '2'], {
      cwd: tmpdir(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    // Where it ends before it has read all, its code says so.
    const fed = pipeline(Readable.from(linesOf(texts)), child.stdin).catch(() => {});
    let done = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const { at, issues } = JSON.parse(line) as Verdict;
      judged(at, issuesOf(issues));
      done++;
    }
    await fed;
    const [code] = await ended;
    if (code !== 0 || done < texts.length)
      throw new Error(`judging by HAPI FHIR: Java ended with ${code} after ${done} of ${texts.length}`);
  }
}

function* linesOf(texts: readonly string[]): Generator<string> {
  for (const text of texts) yield `${text}\n`;
}

async function compiled(jars: string): Promise<string> {
  const classes = join(cache, 'hapi-fhir-judge-classes', createHash('sha256').update(program).digest('hex'));
  if (!existsSync(classes)) {
    const partial = `${classes}.${process.pid}`;
    mkdirSync(partial, { recursive: true });
    await command('javac', ['-encoding', 'UTF-8', '-cp', jars, '-d', partial, join(folder, 'HapiJudge.java')]);
    // Another process may have been faster.
    if (existsSync(classes)) rmSync(partial, { recursive: true });
    else renameSync(partial, classes);
  }
  return [classes, jars].join(delimiter);
}

function issuesOf(found: Verdict['issues']): Issue[] {
  return found
    .filter(({ severity }) => severity === 'error' || severity === 'fatal')
    .map(({ id, path, message }) => ({ judge: 'hapi', code: id ?? '', path: placeOf(path), message }));
}

// Where a resource begins it says `resource/*Observation/7*/` or `resource.ofType(Observation)`; what is in it is `Observation.code`.
function placeOf(path: string): string {
  const place = path.replace(/^.*\.resource(?:\.ofType\(|\/\*)(\w+)(?:\)|\/[^*]*\*\/)/, '$1');
  return place.replace(/\[\d+\]/g, '');
}
