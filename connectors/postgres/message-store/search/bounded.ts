import { failureOf } from '../../../../clients/postgres/failure.ts';
import type { PostgresSession, Value } from '../../../../clients/postgres/session.ts';
import { HubError } from '../../../../core/errors.ts';
import type { Look } from '../../../../core/search/look.ts';

/** The statement was given up (57014), or what it reads was dropped meanwhile (42P01). */
const passing = new Set(['57014', '42P01']);
const shortestMs = 50;

/**
 * One search's session: a transaction that changes nothing, in which no statement runs longer than the search may last. What the
 * database gives up is left out of the answer. A search that nobody waits for any more ends with its connection, which the database
 * looks after (`client_connection_check_interval`, where the server's system has that).
 */
export class BoundedSession {
  readonly #session: PostgresSession;
  readonly #look: Look;
  readonly #looksAfter: boolean;

  private constructor(session: PostgresSession, look: Look, looksAfter: boolean) {
    this.#session = session;
    this.#look = look;
    this.#looksAfter = looksAfter;
  }

  static async run<T>(
    session: PostgresSession,
    look: Look,
    looksAfter: boolean,
    work: (session: BoundedSession) => Promise<T>,
  ): Promise<T> {
    const bounded = new BoundedSession(session, look, looksAfter);
    const end = () => session.destroy();
    look.signal?.addEventListener('abort', end);
    try {
      look.signal?.throwIfAborted();
      await bounded.#begin();
      const result = await work(bounded);
      await session.run([{ text: 'COMMIT' }]);
      return result;
    } catch (thrown) {
      if (!look.signal?.aborted) throw thrown;
      throw new HubError('search-failed', 'permanent', 'searching: nobody waits for it any more', { cause: thrown });
    } finally {
      look.signal?.removeEventListener('abort', end);
    }
  }

  ask(text: string, values: readonly unknown[] = []): Promise<readonly (readonly Value[])[]> {
    return this.#session.ask(text, values);
  }

  /** As `ask`; but without rows where the database has given it up, and the search told that something is missing. */
  async tryAsk(text: string, values: readonly unknown[] = []): Promise<readonly (readonly Value[])[]> {
    try {
      return await this.#session.ask(text, values);
    } catch (thrown) {
      const { code } = failureOf(thrown);
      if (!this.#session.usable || code === undefined || !passing.has(code)) throw thrown;
      await this.#session.run([{ text: 'ROLLBACK' }]);
      await this.#begin();
      if (code === '57014') this.#look.more = true;
      return [];
    }
  }

  async #begin(): Promise<void> {
    const timeoutMs = Math.max(shortestMs, Math.ceil(this.#look.leftMs));
    const settings = [
      `SET LOCAL statement_timeout = ${timeoutMs}`,
      'SET LOCAL enable_seqscan = off',
      'SET LOCAL jit = off',
      "SET LOCAL work_mem = '16MB'",
      ...(this.#looksAfter ? ["SET LOCAL client_connection_check_interval = '250ms'"] : []),
    ];
    await this.#session.run(['BEGIN READ ONLY', ...settings].map((text) => ({ text })));
  }
}

/** Whether the server's system lets it look after connections while a statement runs. */
export async function looksAfterConnections(session: PostgresSession): Promise<boolean> {
  try {
    await session.run(
      ['BEGIN', "SET LOCAL client_connection_check_interval = '250ms'", 'ROLLBACK'].map((text) => ({ text })),
    );
    return true;
  } catch (thrown) {
    if (!session.usable) throw thrown;
    await session.run([{ text: 'ROLLBACK' }]);
    return false;
  }
}
