import type { HubError } from '../../errors.ts';
import type { DayOfChannel } from '../daily-tally.ts';
import type { Appended, MessageStatus } from '../message-store.ts';
import { uuidText } from '../uuid.ts';
import type { Room } from './room.ts';
import type { Session } from './session.ts';
import type { SlabReader } from './slab.ts';
import { Status } from './status.ts';

/** Bits of a message in the slab: which of the rarer fields it has. */
export const has = { dedupe: 1, key: 2, replayOf: 4, only: 8, fault: 16, attachments: 32 } as const;

type Statement = ReturnType<Session['db']['prepare']>;

/** Appends messages as they come out of a slab (rule 5, commit 1). */
export class Append {
  readonly #session: Session;
  readonly #room: Room;
  readonly #status: Status;
  readonly #message: Statement;
  readonly #raw: Statement;
  readonly #unrouted: Statement;
  readonly #attachment: Statement;
  readonly #fault: Statement;
  readonly #dedupe: Statement;
  readonly #same: Statement;
  readonly #sameKey: Statement;

  constructor(session: Session, room: Room) {
    const { db } = session;
    this.#session = session;
    this.#room = room;
    this.#status = new Status(session);
    this.#message = db.prepare('INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#raw = db.prepare('INSERT INTO raw VALUES (?, ?)');
    this.#unrouted = db.prepare('INSERT INTO unrouted (channel, seq, size, recoveries, day) VALUES (?, ?, ?, 0, ?)');
    this.#attachment = db.prepare('INSERT INTO attachment VALUES (?, ?, ?)');
    this.#fault = db.prepare('INSERT INTO settlement (seq, keep, error) VALUES (?, 0, ?)');
    this.#dedupe = db.prepare('INSERT INTO dedupe VALUES (?, ?, ?, ?)');
    this.#same = db.prepare(
      `SELECT d.seq, m.id FROM dedupe d JOIN message m ON m.channel = d.channel AND m.seq = d.seq
       WHERE d.channel = ? AND d.key = ? AND d.hash = ?`,
    );
    this.#sameKey = db.prepare('SELECT 1 FROM dedupe WHERE channel = ? AND key = ? LIMIT 1');
  }

  /** The seq of the first where none was a duplicate, else one answer per message. Refuses before anything is written. */
  run(slab: SlabReader): number | readonly Appended[] | HubError {
    const { counters, daily } = this.#session;
    const channel = slab.u32();
    const count = slab.u32();
    const refusal = this.#room.refusal(slab.number());
    if (refusal) return refusal;
    const first = this.#session.nextSeq;
    let answers: Appended[] | undefined;
    let at = Number.NaN;
    let ofDay: DayOfChannel | undefined;
    let unrouted = 0;
    let bytes = 0;
    for (let index = 0; index < count; index++) {
      const id = slab.uuid();
      const receivedAt = slab.number();
      const bits = slab.u32();
      const metaFields = slab.u32();
      const meta = slab.text();
      const size = slab.u32();
      const raw = slab.bytes() ?? empty;
      const key = bits & has.key ? slab.text() : null;
      const replayOf = bits & has.replayOf ? slab.uuid() : null;
      const only = bits & has.only ? slab.text() : null;
      const fault = bits & has.fault ? slab.text() : null;
      const attachments = bits & has.attachments ? readAttachments(slab) : undefined;
      const seq = this.#session.nextSeq;
      if (bits & has.dedupe) {
        const duplicateOf = this.#duplicate(channel, slab.text() ?? '', slab.text() ?? '', seq);
        if (duplicateOf) {
          daily.of(channel, daily.day(receivedAt)).messages.duplicates++;
          answers ??= Array.from({ length: index }, (_, before) => ({ seq: first + before }));
          answers.push({ duplicateOf });
          continue;
        }
      }
      this.#session.nextSeq++;
      if (receivedAt !== at) ofDay = daily.of(channel, daily.day((at = receivedAt)));
      ofDay!.messages.add(fault === null ? 'queued' : 'errored');
      answers?.push({ seq });
      const attached = attachments ? 1 : null;
      const fields = metaFields || null;
      this.#message.run(channel, seq, id, receivedAt, size, fields, meta, key, replayOf, only, attached);
      this.#raw.run(seq, raw);
      for (const { start, bytes: part } of attachments ?? none) this.#attachment.run(seq, start, part);
      if (fault === null) {
        this.#unrouted.run(channel, seq, size, ofDay!.day);
        unrouted++;
        bytes += size;
      } else {
        this.#fault.run(seq, fault);
        counters.add(channel, 0, 'errored', 1);
        counters.add(channel, 0, 'open_errors', 1);
      }
    }
    counters.add(channel, 0, 'received', this.#session.nextSeq - first);
    counters.add(channel, 0, 'unrouted', unrouted);
    counters.add(channel, 0, 'backlog', bytes);
    return answers ?? first;
  }

  /** The earlier message that this one repeats; otherwise remembers this one (rule 14). */
  #duplicate(channel: number, key: string, hash: string, seq: number): DuplicateOf | undefined {
    const same = this.#same.get(channel, key, hash) as { seq: number; id: Uint8Array } | undefined;
    if (same) {
      this.#session.counters.add(channel, 0, 'duplicates', 1);
      return { id: uuidText(same.id), seq: same.seq, status: this.#status.of(same.seq) };
    }
    if (this.#sameKey.get(channel, key)) this.#session.counters.add(channel, 0, 'reused_keys', 1);
    this.#dedupe.run(channel, key, hash, seq);
    return undefined;
  }
}

interface DuplicateOf {
  readonly id: string;
  readonly seq: number;
  readonly status: MessageStatus;
}

const empty = new Uint8Array(0);
const none: readonly { readonly start: number; readonly bytes: Uint8Array }[] = [];

function readAttachments(slab: SlabReader): { start: number; bytes: Uint8Array }[] {
  const count = slab.u32();
  return Array.from({ length: count }, () => ({ start: slab.u32(), bytes: slab.bytes() ?? empty }));
}
