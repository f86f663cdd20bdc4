import { createHash } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
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
  /** Orders that an analyzer has acknowledged. */
  readonly given?: readonly Fields[];
}

/** What a query is answered with. */
export interface FoundOrders {
  readonly worklists: readonly Answered[];
  /** Notes that the analyzer has acknowledged them. Throws HubError. */
  given(): Promise<void>;
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
   * list with action code C, where they name no test all of the specimen's. Throws HubError.
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
    await inTurn(this.#directory, async () => {
      for (const [specimen, { patient, orders }] of bySpecimen) {
        const before = (await this.#read(fileOf(specimen))) ?? { orders: [] };
        await this.#write({ specimen, patient, ...changed(before, orders) });
      }
      await syncDirectory(this.#directory);
      await this.#sweep();
    });
  }

  /**
   * What the queries ask for, by specimen; an empty list where nothing is known of it. What was given is found by a query that names its
   * specimen, and by any other one only where `again` says so.
   */
  async find(queries: readonly Query[], again: boolean): Promise<FoundOrders> {
    const entries = await inTurn(this.#directory, () => this.#asked(queries, again));
    return {
      worklists: entries.map(({ patient, orders }) => ({
        patient: { fields: fieldInputs(patient) } as Omit<RecordInputOf<'P'>, 'type'>,
        orders: orders.map((order) => ({ fields: fieldInputs(order) }) as Omit<RecordInputOf<'O'>, 'type'>),
      })),
      given: () => inTurn(this.#directory, () => this.#give(entries)),
    };
  }

  async #asked(queries: readonly Query[], again: boolean): Promise<readonly Entry[]> {
    const found = new Map<string, Entry>();
    for (const query of queries) {
      const named = query.specimenIds.length > 0 && query.end === undefined;
      const files = named ? query.specimenIds.map(fileOf) : await this.#files();
      for (const file of files) {
        if (found.size >= mostAnswered) break;
        const entry = await this.#read(file);
        if (!entry || !(named || matches(query, entry))) continue;
        const orders = named || again ? [...(entry.given ?? []), ...entry.orders] : entry.orders;
        const known = found.get(entry.specimen)?.orders ?? [];
        if (orders.length > known.length) found.set(entry.specimen, { ...entry, orders });
      }
    }
    return [...found.values()];
  }

  /** What came meanwhile, in the place of these or beside them, is still to be given. */
  async #give(entries: readonly Entry[]): Promise<void> {
    for (const { specimen, orders } of entries) {
      const now = await this.#read(fileOf(specimen));
      if (!now) continue;
      const texts = new Set(orders.map((order) => JSON.stringify(order)));
      const isGiven = (order: Fields) => texts.has(JSON.stringify(order));
      if (!now.orders.some(isGiven)) continue;
      const given = [...(now.given ?? []), ...now.orders.filter(isGiven)];
      await this.#write({ ...now, orders: now.orders.filter((order) => !isGiven(order)), given }, 'keeps its age');
    }
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

  async #write(entry: Entry, age: 'is new' | 'keeps its age' = 'is new'): Promise<void> {
    const path = join(this.#directory, fileOf(entry.specimen));
    try {
      if (entry.orders.length === 0 && (entry.given ?? []).length === 0) return await rm(path, { force: true });
      const temporary = `${path}.tmp`;
      const before = age === 'is new' ? undefined : await stat(path);
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(entry));
        await handle.datasync();
      } finally {
        await handle.close();
      }
      if (before) await utimes(temporary, before.atime, before.mtime);
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

function changed({ orders: waiting, given = [] }: Pick<Entry, 'orders' | 'given'>, orders: readonly Fields[]) {
  const cancelled = orders.filter((order) => actionOf(order) === 'C');
  const added = orders.filter((order) => actionOf(order) === 'A');
  const others = orders.filter((order) => !cancelled.includes(order) && !added.includes(order));
  if (others.length > 0) return { orders: [...others, ...added] };
  const kept = (before: readonly Fields[]) => before.filter((order) => !cancelled.some((each) => isOf(order, each)));
  return { orders: [...kept(waiting), ...added], given: kept(given) };
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

const turns = new Map<string, Promise<unknown>>();

/** Of the source and the destination of a directory one changes it at a time. */
function inTurn<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(directory) ?? Promise.resolve()).then(work, work);
  turns.set(directory, turn);
  const over = () => {
    if (turns.get(directory) === turn) turns.delete(directory);
  };
  turn.then(over, over);
  return turn;
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
