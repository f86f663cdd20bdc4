import type { Connection, Submittable } from 'pg';
import type { CopyRows } from './copy-rows.ts';

/** One SQL statement without parameters; where it is a COPY … FROM STDIN, with its rows. */
export interface Statement {
  readonly text: string;
  readonly rows?: CopyRows;
}

/** The rows that a statement answered with, their values as text. */
export type Answer = readonly (readonly (string | null)[])[];

/**
 * Several statements as one query of the simple protocol: one round trip, whatever their number, COPY included; a commit of a
 * dozen statements would wait a dozen times otherwise. `pg` hands the messages of the server to its active query, which this is.
 * Statements run in one transaction unless they say BEGIN and COMMIT themselves; the first that fails ends it.
 *
 * With `rowsAhead` the rows of its COPYs go out with it instead of each after the server has asked for them, which is a round trip for
 * each COPY. A server that comes to no COPY, as a statement before it has failed, drops them (PostgreSQL 15, 55.2.6).
 */
export class Batch implements Submittable {
  readonly answered: Promise<readonly Answer[]>;
  readonly #text: string;
  readonly #copies: CopyRows[];
  readonly #rowsAhead: boolean;
  #sent = false;
  readonly #answers: (string | null)[][][] = [];
  #rows: (string | null)[][] = [];
  readonly #resolve: (answers: readonly Answer[]) => void;
  readonly #reject: (thrown: unknown) => void;

  constructor(statements: readonly Statement[], rowsAhead: boolean) {
    this.#rowsAhead = rowsAhead;
    this.#text = statements.map(({ text }) => text).join(';\n');
    this.#copies = statements.flatMap(({ rows }) => (rows ? [rows] : []));
    const { promise, resolve, reject } = Promise.withResolvers<readonly Answer[]>();
    this.answered = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** `pg` has come to it. */
  submit(connection: Connection): void {
    if (!this.#sent) this.send(connection);
  }

  /** Before `pg` comes to it: the server answers one after another. With `rowsAhead` only. */
  send(connection: Connection): void {
    this.#sent = true;
    const { stream } = connection;
    if (!this.#rowsAhead) {
      connection.query(this.#text);
      return;
    }
    stream.cork();
    connection.query(this.#text);
    for (const copy of this.#copies) for (const piece of copy.take()) stream.write(piece);
    stream.uncork();
  }

  handleRowDescription(): void {}

  handleDataRow({ fields }: { readonly fields: (string | null)[] }): void {
    this.#rows.push(fields);
  }

  handleCommandComplete(): void {
    this.#answers.push(this.#rows);
    this.#rows = [];
  }

  handleEmptyQuery(): void {}

  handleCopyInResponse({ stream }: Connection): void {
    if (this.#rowsAhead) return;
    const pieces = this.#copies.shift()?.take() ?? [];
    stream.cork();
    for (const piece of pieces) stream.write(piece);
    stream.uncork();
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#answers);
  }

  handleError(thrown: unknown): void {
    this.#reject(thrown);
  }
}
