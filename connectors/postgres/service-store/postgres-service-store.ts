import { failureOf } from '../../../clients/postgres/failure.ts';
import { identifier } from '../../../clients/postgres/quote.ts';
import type { PostgresServer } from '../../../clients/postgres/server.ts';
import { PostgresSession } from '../../../clients/postgres/session.ts';
import { HubError } from '../../../core/errors.ts';
import type {
  ServiceCommit,
  ServiceImage,
  ServiceSession,
  ServiceStore,
} from '../../../core/services/service-store.ts';
import { migrations } from './migrations.ts';

export interface PostgresServicesOptions {
  readonly server: PostgresServer;
  /** Made where it is not there. */
  readonly schema: string;
}

const sessionOptions = { applicationName: 'weir services', connectTimeoutMs: 10_000, answerTimeoutMs: 30_000 };
/** Forgotten with each commit beyond twice what it remembers, so that the inbox shrinks while little comes. */
const forgottenRows = 100;

/**
 * Services in tables beside those of the message store. A commit is one statement: it takes the service’s row, which whoever opens the
 * service anew changes, so that of two hubs that think they run it only the later one writes.
 */
export async function openPostgresServiceStore({ server, schema }: PostgresServicesOptions): Promise<ServiceStore> {
  const quoted = identifier(schema);
  const sessions = new Set<PostgresSession>();
  const connect = async () => {
    const session = await PostgresSession.open(server, sessionOptions).catch(failed('connecting'));
    sessions.add(session);
    return session;
  };
  const first = await connect();
  try {
    await migrate(first, schema, quoted);
  } catch (thrown) {
    first.destroy();
    throw thrown;
  }
  let spare: PostgresSession | undefined = first;
  return {
    async open(service) {
      const session = spare?.usable ? spare : await connect();
      spare = undefined;
      const { epoch, image } = await imageOf(session, quoted, service).catch(failed(`opening ${service}`));
      return sessionOf(session, quoted, service, epoch, image, () => {
        sessions.delete(session);
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...sessions].map((session) => session.close()));
    },
  };
}

async function migrate(session: PostgresSession, schema: string, quoted: string): Promise<void> {
  try {
    await session.ask('BEGIN');
    await session.ask('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`weir services ${schema}`]);
    await session.ask(`CREATE SCHEMA IF NOT EXISTS ${quoted}`);
    await session.ask(`CREATE TABLE IF NOT EXISTS ${quoted}.service_version (version int PRIMARY KEY)`);
    const [[version] = []] = await session.ask(`SELECT coalesce(max(version), 0) FROM ${quoted}.service_version`);
    if (Number(version) > migrations.length) {
      const what = `its tables are of version ${version}, this Weir knows ${migrations.length}`;
      throw new HubError('store-failed', 'permanent', `opening the store of services: ${what}`);
    }
    for (const [index, migration] of migrations.entries()) {
      if (index < Number(version)) continue;
      await session.run([{ text: migration.replaceAll('$', quoted) }]);
      await session.ask(`INSERT INTO ${quoted}.service_version VALUES ($1)`, [index + 1]);
    }
    await session.ask('COMMIT');
  } catch (thrown) {
    throw failureError('making its tables', thrown);
  }
}

async function imageOf(
  session: PostgresSession,
  schema: string,
  service: string,
): Promise<{ readonly epoch: number; readonly image: ServiceImage }> {
  const [[instance, epoch, lastSeq] = []] = await session.ask(
    `INSERT INTO ${schema}.service AS known (name) VALUES ($1)
     ON CONFLICT (name) DO UPDATE SET epoch = known.epoch + 1 RETURNING instance::text, epoch, last_seq`,
    [service],
  );
  const documents = await session.ask(
    `SELECT collection, key, document FROM ${schema}.service_document WHERE service = $1`,
    [service],
  );
  const cursors = await session.ask(
    `SELECT topic, partition, next, at FROM ${schema}.service_cursor WHERE service = $1`,
    [service],
  );
  const outbox = await session.ask(
    `SELECT seq, topic, key, headers, value FROM ${schema}.service_outbox WHERE service = $1 ORDER BY seq`,
    [service],
  );
  return {
    epoch: Number(epoch),
    image: {
      ...{ instance: String(instance), lastSeq: Number(lastSeq) },
      documents: documents.map(([collection, key, text]) => ({
        collection: String(collection),
        key: String(key),
        text: String(text),
      })),
      cursors: cursors.map(([topic, partition, next, at]) => ({
        ...{ topic: String(topic), partition: Number(partition), next: Number(next), at: Number(at) },
      })),
      outbox: outbox.map(([seq, topic, key, headers, value]) => ({
        ...{ seq: Number(seq), topic: String(topic), key: String(key), headers: JSON.parse(String(headers)) },
        value: value as Uint8Array,
      })),
    },
  };
}

function sessionOf(
  session: PostgresSession,
  schema: string,
  service: string,
  epoch: number,
  image: ServiceImage,
  closed: () => void,
): ServiceSession {
  const statement = commitStatement(schema);
  return {
    image,
    async known(ids, generation) {
      if (ids.length === 0) return [];
      const rows = await session
        .ask(
          `SELECT id FROM unnest($2::text[]) AS id WHERE EXISTS (
             SELECT FROM ${schema}.service_inbox AS i WHERE i.service = $1 AND i.generation IN ($3::bigint, $3::bigint - 1) AND i.id = id.id)`,
          [service, ids, generation],
        )
        .catch(failed(`looking up what ${service} knows`));
      return rows.map(([id]) => String(id));
    },
    async commit(commit) {
      const rows = await session
        .ask(statement, valuesOf(service, epoch, commit))
        .catch(failed(`committing ${service}`));
      if (rows[0]?.[0] !== 1)
        throw new HubError('lease-lost', 'transient', `committing ${service}: another hub has opened it`);
    },
    async close() {
      closed();
      await session.close();
    },
  };
}

/**
 * All of a commit in one round trip, and so in one transaction. `own` has a row where the service is still this opening’s, and holds it to
 * the end; without it nothing else has rows.
 */
function commitStatement(schema: string): string {
  return `WITH own AS (
      UPDATE ${schema}.service SET last_seq = greatest(last_seq, $3::bigint) WHERE name = $1 AND epoch = $2 RETURNING 1
    ), put AS (
      INSERT INTO ${schema}.service_document (service, collection, key, document)
      SELECT $1, d.* FROM own, unnest($4::text[], $5::text[], $6::text[]) AS d (c, k, t) WHERE d.t IS NOT NULL
      ON CONFLICT (service, collection, key) DO UPDATE SET document = excluded.document
    ), removed AS (
      DELETE FROM ${schema}.service_document AS s USING own, unnest($4::text[], $5::text[], $6::text[]) AS d (c, k, t)
      WHERE d.t IS NULL AND s.service = $1 AND s.collection = d.c AND s.key = d.k
    ), moved AS (
      INSERT INTO ${schema}.service_cursor (service, topic, partition, next, at)
      SELECT $1, c.* FROM own, unnest($7::text[], $8::int[], $9::bigint[], $10::bigint[]) AS c
      ON CONFLICT (service, topic, partition) DO UPDATE SET next = excluded.next, at = excluded.at
    ), remembered AS (
      INSERT INTO ${schema}.service_inbox (service, generation, id)
      SELECT $1, $11::bigint, id FROM own, unnest($12::text[]) AS id ON CONFLICT DO NOTHING
    ), forgotten AS (
      DELETE FROM ${schema}.service_inbox USING own WHERE ctid = ANY (ARRAY(
        SELECT i.ctid FROM ${schema}.service_inbox AS i WHERE i.service = $1 AND i.generation < $11::bigint - 1 LIMIT $13))
    ), sent AS (
      INSERT INTO ${schema}.service_outbox (service, seq, topic, key, headers, value)
      SELECT $1, o.seq, o.topic, o.key, o.headers, decode(o.value, 'base64')
      FROM own, unnest($14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[]) AS o (seq, topic, key, headers, value)
    ), published AS (
      DELETE FROM ${schema}.service_outbox AS o USING own WHERE o.service = $1 AND o.seq <= $19::bigint
    )
    SELECT count(*)::int FROM own`;
}

function valuesOf(service: string, epoch: number, commit: ServiceCommit): readonly unknown[] {
  const { documents, cursors, ids, generation, outbox, publishedUpTo } = commit;
  return [
    ...[service, epoch, outbox.at(-1)?.seq ?? 0],
    ...[
      documents.map(({ collection }) => collection),
      documents.map(({ key }) => key),
      documents.map(({ text }) => text ?? null),
    ],
    ...[cursors.map(({ topic }) => topic), cursors.map(({ partition }) => partition)],
    ...[cursors.map(({ next }) => next), cursors.map(({ at }) => at)],
    ...[generation, ids, ids.length * 2 + forgottenRows],
    ...[outbox.map(({ seq }) => seq), outbox.map(({ topic }) => topic), outbox.map(({ key }) => key)],
    ...[
      outbox.map(({ headers }) => JSON.stringify(headers)),
      outbox.map(({ value }) => Buffer.from(value).toString('base64')),
    ],
    publishedUpTo,
  ];
}

const failed = (doing: string) => (thrown: unknown) => {
  throw failureError(doing, thrown);
};

function failureError(doing: string, thrown: unknown): HubError {
  if (thrown instanceof HubError) return thrown;
  const { what, kind } = failureOf(thrown);
  return new HubError('store-failed', kind, `store of services, ${doing}: ${what}`, { cause: thrown });
}
