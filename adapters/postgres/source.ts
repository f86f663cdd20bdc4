import { failureOf } from '../../clients/postgres/failure.ts';
import { PostgresSession } from '../../clients/postgres/session.ts';
import { HubError } from '../../core/errors.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { isKept, SourceLoop } from '../../core/source-loop.ts';
import { Claiming } from './claiming.ts';
import type { PostgresSourceConfig } from './config.ts';
import { Polling } from './polling.ts';
import type { HandOver, Turns } from './turn.ts';

/** Each run begins with what the database says: what an earlier one left open is read again. */
export function postgresSource(config: PostgresSourceConfig, context: SourceContext): Source {
  return { run: (intake, life) => new TableReader(config, context, intake, life).run() };
}

const firstDelayMs = 200;
/** While transactions are writing that rows wait for. */
const soonMs = 100;

class TableReader {
  readonly #config: PostgresSourceConfig;
  readonly #context: SourceContext;
  readonly #intake: Intake;
  readonly #loop: SourceLoop;
  readonly #doing: string;
  readonly #turns: Turns;
  /** By the endpoint’s name: the database that is read, and where that is another one, that of the watermark. */
  readonly #sessions = new Map<string, PostgresSession>();
  #failures = 0;

  constructor(config: PostgresSourceConfig, context: SourceContext, intake: Intake, life: Life) {
    this.#config = config;
    this.#context = context;
    this.#intake = intake;
    this.#loop = new SourceLoop({ context, intake, life, counted: 'postgres' });
    const { poll, claim, key, batch, endpoint } = config;
    this.#doing = `reading ${poll?.table ?? claim?.table ?? 'a query'} of ${endpoint}`;
    context.endpoint('postgres', endpoint);
    const elsewhere = poll?.state.endpoint;
    if (elsewhere !== undefined) context.endpoint('postgres', elsewhere);
    if (claim) this.#turns = new Claiming({ ...claim, key, batch });
    else if (poll)
      this.#turns = new Polling({
        ...{ ...poll, key, batch, channel: context.channel },
        stateSession: async () => (elsewhere === undefined ? undefined : this.#connected(elsewhere)),
      });
    else throw new HubError('config-invalid', 'permanent', `${this.#doing}: poll or claim is missing`);
  }

  async run(): Promise<void> {
    await this.#loop.run(
      () => this.#read(),
      // After a halt: what is locked is free again, and nothing more of it is deleted.
      () => {
        for (const session of this.#sessions.values()) session.destroy();
      },
    );
  }

  async #read(): Promise<void> {
    const loop = this.#loop;
    loop.report('connecting');
    while (!loop.stop.aborted) {
      try {
        const session = await this.#connected(this.#config.endpoint);
        const next = await this.#turns.take(session, this.#handOver);
        this.#failures = 0;
        loop.report('reading');
        if (next === 'now') continue;
        await loop.pause(next === 'soon' ? Math.min(soonMs, this.#config.pollMs) : this.#config.pollMs);
      } catch (thrown) {
        if (loop.halt.aborted) return;
        this.#lost();
        if (loop.isRefused) return;
        loop.trouble(this.#passing(thrown));
        await loop.pauseAfter(this.#failures++, firstDelayMs);
      }
    }
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }

  readonly #handOver: HandOver = async (rows) => {
    const { halt, stop } = this.#loop;
    // Nothing is begun after a drain: what was read is read again.
    if (stop.aborted) return { prefix: 0, kept: rows.map(() => false) };
    let receipts: readonly Receipt[];
    try {
      const arrivals = rows.map(({ arrival }) => arrival);
      const delivery = await this.#intake.accept(arrivals, halt);
      receipts = await delivery.receipts(this.#context.ackAfter);
    } catch (thrown) {
      if (thrown instanceof HubError && thrown.code === 'draining') this.#loop.refuse();
      throw thrown;
    }
    if (halt.aborted) throw new HubError('draining', 'transient', `${this.#doing}: halted`);
    const kept = receipts.map(isKept);
    const first = kept.indexOf(false);
    this.#context.count('postgres_read_total', kept.filter((each) => each).length);
    if (receipts.some(({ outcome }) => outcome.status === 'draining')) this.#loop.refuse();
    return { prefix: first < 0 ? rows.length : first, kept };
  };

  async #connected(endpoint: string): Promise<PostgresSession> {
    const known = this.#sessions.get(endpoint);
    if (known?.usable) return known;
    const session = await PostgresSession.open(this.#context.endpoint('postgres', endpoint), {
      applicationName: `weir ${this.#context.channel}`,
      connectTimeoutMs: this.#config.connectTimeoutMs,
      answerTimeoutMs: this.#config.timeoutMs,
    });
    if (this.#loop.halt.aborted) {
      session.destroy();
      throw new HubError('draining', 'transient', `${this.#doing}: halted`);
    }
    this.#sessions.set(endpoint, session);
    this.#context.count('postgres_connections_total');
    return session;
  }

  /** A transaction that is open must not live on, so each trouble begins with a new connection. */
  #lost(): void {
    for (const session of this.#sessions.values()) session.destroy();
    this.#sessions.clear();
    this.#turns.reset();
  }

  /** What passes by waiting; throws what somebody has to change something for. */
  #passing(thrown: unknown): HubError {
    if (thrown instanceof HubError) {
      if (thrown.code === 'config-invalid' || thrown.kind === 'permanent') throw thrown;
      return thrown;
    }
    const { connection, kind, what } = failureOf(thrown);
    const text = `${this.#doing}: ${what}`;
    const error = new HubError('refused', 'transient', text, { scope: 'destination', cause: thrown });
    if (!connection && kind === 'permanent') throw error;
    return error;
  }
}
