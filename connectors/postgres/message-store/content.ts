import type { PostgresSession } from '../../../clients/postgres/session.ts';
import type { MessageContent } from '../../../core/store/message-store.ts';
import { unpackContents } from '../../../core/store/packed-contents.ts';
import { isUuid } from '../../../core/store/uuid.ts';
import { rawBytes } from './inbox.ts';
import type { Names } from './names.ts';
import { messageColumns, shapeOf, summaries } from './summaries.ts';

/** A message with what was received, sent and answered, as far as it is kept. */
export async function content(
  session: PostgresSession,
  quoted: string,
  names: Names,
  id: string,
): Promise<MessageContent | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await session.ask(
    `SELECT ${messageColumns} FROM ${quoted}.message m LEFT JOIN ${quoted}.settlement s ON s.seq = m.seq WHERE m.id = $1`,
    [id],
  );
  if (!row) return undefined;
  const seq = Number(row[1]);
  const [summary] = await summaries(session, quoted, names, [row]);
  const raws = await rawBytes({ ask: (text, values) => session.ask(text, values) }, quoted, [
    { seq, attached: row[8] === 1 },
  ]);
  const raw = raws.get(seq);
  const [packed] = await session.ask(`SELECT packed FROM ${quoted}.contents WHERE seq = $1`, [seq]);
  const later = await session.ask(`SELECT destination, n, bytes, reply FROM ${quoted}.part_content WHERE seq = $1`, [
    seq,
  ]);
  const shape = shapeOf(row);
  const places = shape === undefined ? [] : names.shape(shape);
  const first = packed ? unpackContents(packed[0] as Uint8Array) : [];
  return {
    ...summary!,
    ...(raw ? { raw } : {}),
    contents: [
      ...first.map(({ place, ...rest }) => ({
        ...{ destination: names.text(places[place]?.destination ?? 0), n: places[place]?.n ?? 0 },
        ...rest,
      })),
      ...later.map(([destination, n, bytes, reply]) => ({
        ...{ destination: names.text(Number(destination)), n: Number(n) },
        ...(bytes === null ? {} : { bytes: bytes as Uint8Array }),
        ...(reply === null ? {} : { reply: reply as Uint8Array }),
      })),
    ],
  };
}
