import { createHash } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../../core/errors.ts';
import type { Dialect } from '../../protocols/astm/dialect.ts';
import { dialectOf } from '../../protocols/astm/dialect.ts';
import type { FieldInput, RecordInputOf } from '../../protocols/astm/input.ts';
import type { AstmMessage } from '../../protocols/astm/message.ts';
import type { Worklist as Answered, Query } from '../../protocols/astm/query.ts';
import type { AstmRecord } from '../../protocols/astm/record.ts';
import { treeOf } from '../../protocols/astm/tree.ts';

/** The fields of a record by their number from 3 on, each its repetitions, each of those its components. */
type Fields = Readonly<Record<string, readonly (readonly string[])[]>>;

/** What is to be measured of one specimen. */
interface Entry {
  readonly specimen: string;
  readonly patient: Fields;
  readonly orders: readonly Fields[];
}

const sweepEveryMs = 3_600_000;
/** So many specimens are answered with to a query for all of them. */
const mostAnswered = 500;
const ACTION = '12';
const TESTS = '5';

/**
 * Orders that wait for an analyzer to ask for them: a file for each specimen in one directory, written by a destination and read by
 * a source. What `put` has resolved for is on disk. A file's name tells nobody the specimen.
 */
export class Worklist {
  readonly #directory: string;
  readonly #keepMs: number;
  readonly #now: () => number;
  #sweptAt = Number.NEGATIVE_INFINITY;

  /** @param keepMs after which an order that nobody wanted any more is dropped */
  constructor(directory: string, keepMs: number, now: () => number) {
    this.#directory = directory;
    this.#keepMs = keepMs;
    this.#now = now;
  }

  /**
   * Takes the orders of a message in, by specimen: in place of those that were there; beside them with action code A; and out of the
   * list with action code C, where they name no test all of the specimen's. Not for two calls at once. Throws HubError.
   */
  async put(message: AstmMessage, dialect?: Partial<Dialect>): Promise<void> {
    const places = dialectOf(dialect).specimenId;
    const bySpecimen = new Map<string, { patient: Fields; orders: Fields[] }>();
    for (const { record: patient, orders } of treeOf(message).patients) {
      for (const { record: order } of orders) {
        const specimen = order?.first(places);
        if (!order || specimen === undefined) throw unusable('an order names no specimen');
        const entry = bySpecimen.get(specimen) ?? { patient: patient ? fieldsOf(patient) : {}, orders: [] };
        entry.orders.push(fieldsOf(order));
        bySpecimen.set(specimen, entry);
      }
    }
    if (bySpecimen.size === 0) throw unusable('it has no order');
    for (const [specimen, { patient, orders }] of bySpecimen) {
      const before = (await this.#read(fileOf(specimen)))?.orders ?? [];
      await this.#write({ specimen, patient, orders: changed(before, orders) });
    }
    await syncDirectory(this.#directory);
    await this.#sweep();
  }

  /** What the queries ask for, by specimen; an empty list where nothing is known of it. */
  async find(queries: readonly Query[]): Promise<readonly Answered[]> {
    const found = new Map<string, Entry>();
    for (const query of queries) {
      const named = query.specimenIds.length > 0 && query.end === undefined;
      const files = named ? query.specimenIds.map(fileOf) : await this.#files();
      for (const file of files) {
        if (found.size >= mostAnswered) break;
        const entry = await this.#read(file);
        if (entry && (named || matches(query, entry))) found.set(entry.specimen, entry);
      }
    }
    return [...found.values()].map(({ patient, orders }) => ({
      patient: { fields: fieldInputs(patient) } as Omit<RecordInputOf<'P'>, 'type'>,
      orders: orders.map((order) => ({ fields: fieldInputs(order) }) as Omit<RecordInputOf<'O'>, 'type'>),
    }));
  }

  async #read(file: string): Promise<Entry | undefined> {
    const path = join(this.#directory, file);
    try {
      if ((await stat(path)).mtimeMs < this.#now() - this.#keepMs) return undefined;
      return JSON.parse(await readFile(path, 'utf8')) as Entry;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw failure('reading the worklist', thrown);
    }
  }

  async #write(entry: Entry): Promise<void> {
    const path = join(this.#directory, fileOf(entry.specimen));
    try {
      if (entry.orders.length === 0) return await rm(path, { force: true });
      const temporary = `${path}.tmp`;
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(entry));
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
    } catch (thrown) {
      throw failure('writing the worklist', thrown);
    }
  }

  async #files(): Promise<readonly string[]> {
    const names = await readdir(this.#directory).catch((thrown: unknown) => {
      throw failure('reading the worklist', thrown);
    });
    return names.filter((name) => name.endsWith(ENDING)).sort();
  }

  async #sweep(): Promise<void> {
    if (this.#now() - this.#sweptAt < sweepEveryMs) return;
    this.#sweptAt = this.#now();
    for (const file of await this.#files()) {
      const path = join(this.#directory, file);
      const found = await stat(path).catch(() => undefined);
      if (found && found.mtimeMs < this.#now() - this.#keepMs) await rm(path, { force: true });
    }
  }
}

const ENDING = '.order.json';

function fileOf(specimen: string): string {
  return `${createHash('sha256').update(specimen).digest('hex').slice(0, 40)}${ENDING}`;
}

function changed(before: readonly Fields[], orders: readonly Fields[]): readonly Fields[] {
  const cancelled = orders.filter((order) => actionOf(order) === 'C');
  const added = orders.filter((order) => actionOf(order) === 'A');
  const others = orders.filter((order) => !cancelled.includes(order) && !added.includes(order));
  const kept = others.length > 0 ? others : before.filter((order) => !cancelled.some((each) => isOf(order, each)));
  return [...kept, ...added];
}

function actionOf(order: Fields): string | undefined {
  return order[ACTION]?.[0]?.[0]?.trim();
}

/** Whether a cancellation is of this order: it names the same tests, or none. */
function isOf(order: Fields, cancellation: Fields): boolean {
  const tests = cancellation[TESTS];
  return tests === undefined || JSON.stringify(tests) === JSON.stringify(order[TESTS]);
}

function matches({ specimenIds, patientIds, end }: Query, { specimen, patient }: Entry): boolean {
  if (end !== undefined) return specimen >= (specimenIds[0] ?? '') && specimen <= end;
  if (patientIds.length === 0) return true;
  const ids = ['3', '4', '5'].flatMap((field) => patient[field]?.[0]?.[0] ?? []);
  return ids.some((id) => patientIds.includes(id));
}

function fieldsOf(record: AstmRecord): Fields {
  const fields: Record<string, readonly (readonly string[])[]> = {};
  for (let field = 3; field <= record.length; field++) {
    const repeats = record.repeats(field);
    if (repeats.length > 0) fields[field] = repeats;
  }
  return fields;
}

function fieldInputs(fields: Fields): Readonly<Record<number, FieldInput>> {
  return Object.fromEntries(Object.entries(fields).map(([field, repeats]) => [Number(field), { repeats }]));
}

async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    throw failure('syncing the worklist', thrown);
  }
}

function unusable(what: string): HubError {
  return new HubError('write-failed', 'permanent', `putting orders into a worklist: ${what}`);
}

function failure(doing: string, thrown: unknown): HubError {
  const code = (thrown as NodeJS.ErrnoException).code ?? 'it is damaged';
  return new HubError('write-failed', 'transient', `${doing}: ${code}`, { scope: 'destination', cause: thrown });
}
