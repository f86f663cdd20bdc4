import type { Recovered, StoredMessage } from '../message-store.ts';
import { metaFromColumns } from '../meta-columns.ts';
import { uuidText } from '../uuid.ts';
import { RawBytes } from './raw-bytes.ts';
import type { Session } from './session.ts';

type Statement = ReturnType<Session['db']['prepare']>;

interface Row {
  readonly seq: number;
  readonly recoveries: number;
  readonly id: Uint8Array;
  readonly received_at: number;
  readonly meta_fields: number | null;
  readonly meta: string | null;
  readonly key: string | null;
  readonly replay_of: Uint8Array | null;
  readonly only_to: string | null;
  readonly attached: number | null;
}

/** Messages whose first pass has not ended. */
export class Inbox {
  readonly #session: Session;
  readonly #raw: RawBytes;
  readonly #unrouted: Statement;
  readonly #before: Statement;
  readonly #countAgain: Statement;
  readonly #mark: Statement;
  readonly #setMark: Statement;

  constructor(session: Session) {
    this.#session = session;
    this.#raw = new RawBytes(session.db);
    this.#unrouted = session.db.prepare(
      `SELECT u.seq, u.recoveries, m.id, m.received_at, m.meta_fields, m.meta, m.key, m.replay_of, m.only_to, m.attached
       FROM unrouted u JOIN message m ON m.channel = u.channel AND m.seq = u.seq
       WHERE u.channel = ? AND u.seq > ? ORDER BY u.seq LIMIT ?`,
    );
    this.#before = session.db.prepare(
      'SELECT seq, recoveries FROM unrouted WHERE channel = ? AND seq < ? ORDER BY seq LIMIT ?',
    );
    this.#countAgain = session.db.prepare(
      'UPDATE unrouted SET recoveries = recoveries + 1 WHERE channel = ? AND seq > ? AND seq <= ?',
    );
    // Ends with this opening, and is rolled back with the commit it was part of.
    session.db.exec('CREATE TEMP TABLE recovery_mark (channel INTEGER PRIMARY KEY, seq INTEGER NOT NULL)');
    this.#mark = session.db.prepare('SELECT seq FROM recovery_mark WHERE channel = ?');
    this.#setMark = session.db.prepare('INSERT OR REPLACE INTO recovery_mark VALUES (?, ?)');
  }

  unrouted(channel: string, after: number, limit: number, maxBytes: number): readonly StoredMessage[] {
    const messages: StoredMessage[] = [];
    let bytes = 0;
    for (const row of this.#unrouted.iterate(this.#session.id(channel), after, limit)) {
      const message = this.#message(row as unknown as Row);
      messages.push(message);
      bytes += message.raw.length;
      if (bytes >= maxBytes) break;
    }
    return messages;
  }

  countRecoveries(channelName: string, limit: number): readonly Recovered[] {
    const channel = this.#session.id(channelName);
    const rows = this.#before.all(channel, this.#session.firstSeq, limit) as unknown as Recovered[];
    const mark = (this.#mark.get(channel) as { seq: number } | undefined)?.seq ?? 0;
    const last = rows.at(-1)?.seq ?? 0;
    if (last > mark) {
      this.#countAgain.run(channel, mark, last);
      this.#setMark.run(channel, last);
    }
    return rows.map(({ seq, recoveries }) => ({ seq, recoveries: seq > mark ? recoveries + 1 : recoveries }));
  }

  #message(row: Row): StoredMessage {
    const fields = row.meta_fields === null ? undefined : this.#session.text(row.meta_fields);
    return {
      id: uuidText(row.id),
      seq: row.seq,
      raw: this.#raw.of(row.seq, row.attached !== null) ?? new Uint8Array(0),
      meta: row.meta === null ? {} : metaFromColumns(fields, row.meta),
      receivedAt: row.received_at,
      ...(row.key === null ? {} : { key: row.key }),
      ...(row.replay_of ? { replayOf: uuidText(row.replay_of) } : {}),
      ...(row.only_to === null ? {} : { only: JSON.parse(row.only_to) as string[] }),
      recoveries: row.recoveries,
    };
  }
}
