import { nearestTable, readTable, tableIdentifier } from '../../clients/postgres/catalog.ts';
import { failureOf } from '../../clients/postgres/failure.ts';
import { identifier, literal } from '../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../clients/postgres/session.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { HubError } from '../../core/errors.ts';
import type { PollConfig } from './config.ts';
import { asIso, type HandOver, type Next, readRow, type Turns } from './turn.ts';
import { type Position, Watermarks } from './watermarks.ts';

export interface PollOptions extends PollConfig {
  readonly key: string | undefined;
  readonly batch: number;
  readonly channel: string;
  /** Where the watermark is kept, where that is another database. */
  stateSession(): Promise<PostgresSession | undefined>;
}

/** What of the source is known once the catalog has been asked. */
interface Known {
  readonly id: readonly string[];
  /** Of the watermark, where it is a time. */
  readonly timeType: string | undefined;
}

/** The highest watermark that was seen at a moment, and the first transaction that had not begun to write then. */
interface Seen {
  readonly high: string;
  readonly xmax: bigint;
}

/**
 * Reads rows in the order of a watermark. What is committed late with a lower watermark than was seen already must not be passed over, so
 * nothing is read beyond the highest one of a moment whose writing transactions have all ended.
 */
export class Polling implements Turns {
  readonly #options: PollOptions;
  readonly #watermarks: Watermarks;
  readonly #name: string;
  #known: Known | undefined;
  #position: Position | undefined;
  #started = false;
  /** Acknowledged, and not noted yet. */
  #unnoted = false;
  #seen: Seen | undefined;
  #safe: string | undefined;

  constructor(options: PollOptions) {
    this.#options = options;
    this.#name = options.table ?? 'query';
    this.#watermarks = new Watermarks(options.state, options.channel, `${this.#name}/${options.watermark}`);
  }

  async take(session: PostgresSession, handOver: HandOver): Promise<Next> {
    const known = (this.#known ??= await this.#read(session));
    const state = (await this.#options.stateSession()) ?? session;
    if (!this.#started) await this.#start(session, state, known);
    if (this.#unnoted) await this.#note(state);
    const settled = await this.#settle(session, known);
    if (this.#safe === undefined) return settled ? 'later' : 'soon';
    const found = await this.#rows(session, known, this.#safe);
    const from = { name: this.#name, keyed: this.#options.key !== undefined };
    const rows = found.map((values) => readRow(values, known.id.length, from));
    if (rows.length > 0) {
      const { prefix } = await handOver(rows);
      const last = rows[prefix - 1];
      if (last) {
        this.#position = { watermark: last.watermark, id: last.id };
        this.#unnoted = true;
        await this.#note(state);
      }
      if (prefix < rows.length) return 'later';
    }
    return rows.length === this.#options.batch ? 'now' : settled ? 'later' : 'soon';
  }

  reset(): void {
    this.#known = undefined;
    this.#seen = undefined;
  }

  async #note(state: PostgresSession): Promise<void> {
    if (this.#position) await this.#watermarks.write(state, this.#position);
    this.#unnoted = false;
  }

  async #start(session: PostgresSession, state: PostgresSession, known: Known): Promise<void> {
    await this.#watermarks.create(state);
    this.#position = await this.#watermarks.read(state);
    if (!this.#position && this.#options.from === 'now') {
      const { high } = await this.#look(session, known);
      if (high !== null) {
        this.#position = { watermark: high, id: [] };
        this.#unnoted = true;
      }
    }
    this.#started = true;
  }

  /** Finds how far it may be read. False: further as soon as transactions have ended that are writing now. */
  async #settle(session: PostgresSession, known: Known): Promise<boolean> {
    const { high, xmin, xmax } = await this.#look(session, known);
    if (this.#options.inFlight === 'lag' || xmin === xmax) {
      this.#seen = undefined;
      this.#safe = high ?? this.#safe;
      return true;
    }
    if (this.#seen && xmin >= this.#seen.xmax) {
      this.#safe = this.#seen.high;
      this.#seen = undefined;
    }
    if (!this.#seen && high !== null && high !== this.#safe) this.#seen = { high, xmax };
    return this.#seen === undefined;
  }

  async #look(session: PostgresSession, { timeType }: Known) {
    const { watermark, inFlight, lagMs = inFlight === 'lag' ? 10_000 : 1000 } = this.#options;
    // In the zone of the login: a time without a zone is most likely of that.
    const old = timeType ? `, (now() - interval '${lagMs} milliseconds')::${timeType}` : '';
    const high = `least(max(q.${identifier(watermark)})${old})::text`;
    const text = `SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text, (SELECT ${high} FROM ${this.#from} AS q) FROM pg_current_snapshot() AS s`;
    const [row] = await this.#readOnly(session, "SET LOCAL DateStyle = 'ISO'", text);
    const [xmin, xmax, found = null] = row ?? [];
    return { xmin: BigInt(xmin ?? 0), xmax: BigInt(xmax ?? 0), high: found };
  }

  #rows(session: PostgresSession, { id }: Known, safe: string) {
    const { watermark, key, batch } = this.#options;
    const at = (name: string) => `q.${identifier(name)}`;
    const order = [watermark, ...id].map(at);
    const texts = [...order, ...(key === undefined ? [] : [at(key)])].map((column) => `${column}::text`);
    const position = this.#position;
    const behind =
      position === undefined
        ? 'true'
        : position.id.length === 0
          ? `${at(watermark)} > ${literal(position.watermark)}`
          : `(${order.join(', ')}) > (${[position.watermark, ...position.id].map(literal).join(', ')})`;
    const text = `SELECT row_to_json(q)::text, ${texts.join(', ')} FROM ${this.#from} AS q
      WHERE ${behind} AND ${at(watermark)} <= ${literal(safe)} ORDER BY ${order.join(', ')} LIMIT ${batch}`;
    return this.#readOnly(session, asIso, text);
  }

  async #readOnly(session: PostgresSession, settings: string, text: string) {
    const answers = await session.run([
      { text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' },
      ...[{ text: settings }, { text }, { text: 'COMMIT' }],
    ]);
    return answers.at(-2) ?? [];
  }

  get #from(): string {
    return sourceOf(this.#options);
  }

  async #read(session: PostgresSession): Promise<Known> {
    const found = await pollSource(session, this.#options);
    if (!('problems' in found)) return found;
    throw new HubError('config-invalid', 'transient', `reading ${this.#name}: ${found.problems.join('; ')}`);
  }
}

function sourceOf({ table, query }: Pick<PollConfig, 'table' | 'query'>): string {
  return table === undefined ? `(${query}\n)` : tableIdentifier(table);
}

const timeTypes = ['timestamp with time zone', 'timestamp without time zone', 'date'];

/** What reading needs to know of the source, or what is wrong with it, each with its setting. */
export async function pollSource(
  session: PostgresSession,
  options: Pick<PollOptions, 'table' | 'query' | 'watermark' | 'id' | 'inFlight' | 'key'>,
): Promise<Known | { readonly problems: readonly string[] }> {
  const { table: name, watermark, key } = options;
  const table = name === undefined ? undefined : await readTable(session, name);
  if (name !== undefined && !table)
    return { problems: [`poll.table: there is no table ${name}${await nearestTable(session, name)}`] };
  const id = options.id ?? table?.primaryKey ?? [];
  const problems: string[] = [];
  if (id.length === 0) problems.push(`poll.id: ${table?.shown} has no primary key that could tell rows apart`);
  if (table && !table.rights.select) problems.push(`poll.table: the user may not select in ${table.shown}`);
  const named = [
    ['poll.watermark', watermark],
    ...id.map((each) => ['poll.id', each]),
    ...(key === undefined ? [] : [['key', key]]),
  ];
  let timeType: string | undefined;
  for (const [setting, column] of named as [string, string][]) {
    if (table && !table.columns.has(column)) {
      problems.push(`${setting}: ${table.shown} has no column ${column}${didYouMean(column, table.columns.keys())}`);
      continue;
    }
    try {
      const type = await session.ask(
        `SELECT pg_typeof((SELECT q.${identifier(column)} FROM ${sourceOf(options)} AS q LIMIT 1))::text`,
      );
      if (setting === 'poll.watermark') timeType = timeTypes.find((each) => each === type[0]?.[0]);
    } catch (thrown) {
      const { code, connection, what } = failureOf(thrown);
      if (connection || code === undefined || !/^42/.test(code)) throw thrown;
      // The text is about the query of the configuration, and names nothing else.
      problems.push(`${table ? setting : 'poll.query'}: ${(thrown as { message?: string }).message ?? what} (${code})`);
      break;
    }
  }
  if (problems.length === 0 && options.inFlight === 'lag' && timeType === undefined)
    problems.push(`poll.inFlight: lag needs a watermark that is a time, and ${watermark} is none`);
  return problems.length > 0 ? { problems } : { id, timeType };
}
