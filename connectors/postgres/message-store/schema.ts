import type { PostgresSession } from '../../../clients/postgres/session.ts';
import { HubError } from '../../../core/errors.ts';
import { counterFields } from '../../../core/store/counter-tally.ts';
import { dailyFields } from '../../../core/store/daily-tally.ts';
import { arrivedMigration } from './arrived-migration.ts';
import { behindMigration } from './behind-migration.ts';
import { counting, countingDaily } from './counting-statements.ts';
import { foresightMigration } from './foresight-migration.ts';
import { givenMigration } from './given-migration.ts';
import { pageMigration } from './page-migration.ts';
import { partitionsMigration } from './partitions-migration.ts';
import { searchMigration } from './search/migration.ts';

/** Tables that are partitioned by seq: a partition holds what was received in one period, and goes as a whole. */
export const partitioned = ['message', 'raw', 'attachment', 'settlement', 'contents'] as const;

/** A slot of seqs; a new period begins a new slot, so that seqs of one period are those of one partition. */
export const slotSpan = 100_000_000;

export function slotOf(seq: number): number {
  return Math.floor(seq / slotSpan);
}

/**
 * Forward-only: a released migration is never changed, a change is the next one. `$` stands for the schema.
 *
 * What belongs to a message is found by its seq, of one sequence of the whole store. What arrived and how its first pass ended is
 * written once (`message`, `raw`, `attachment`, `settlement`, `contents`, partitioned); what changes is apart and small (`arrived`,
 * `part`, `part_content`, `part_key`, counters). Counters have rows for each hub, so that hubs never wait for each other's.
 * Statuses of `part`: 0 ready, 1 waiting, 2 blocked, 3 sent, 4 error, 5 error that was resolved.
 */
const migrations: readonly string[] = [
  `
  CREATE SEQUENCE $.seq AS bigint;
  CREATE SEQUENCE $.epoch AS bigint;
  CREATE TABLE $.store (one boolean PRIMARY KEY DEFAULT true CHECK (one), id uuid NOT NULL DEFAULT gen_random_uuid());
  INSERT INTO $.store DEFAULT VALUES;
  -- Who has the store open. commits counts the hub's transactions: what it was tells whether one got through whose answer was lost.
  CREATE TABLE $.hub (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, epoch bigint NOT NULL DEFAULT 0,
    commits bigint NOT NULL DEFAULT 0, held boolean NOT NULL DEFAULT false, seen timestamptz NOT NULL DEFAULT now(),
    host text, pid int
  ) WITH (fillfactor = 20);
  CREATE TABLE $.name (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text COLLATE "C" NOT NULL UNIQUE);
  CREATE TABLE $.slot (slot bigint PRIMARY KEY, begun_at bigint, ended_at bigint);
  CREATE TABLE $.slot_channel (
    slot bigint NOT NULL, channel int NOT NULL, messages bigint NOT NULL, newest bigint NOT NULL, PRIMARY KEY (slot, channel)
  );

  CREATE TABLE $.message (
    seq bigint NOT NULL, channel int NOT NULL, id uuid NOT NULL, received_at bigint NOT NULL, size int NOT NULL, hub int NOT NULL,
    meta_fields int, meta text, key text, replay_of uuid, only_to text, attached smallint, PRIMARY KEY (channel, seq)
  ) PARTITION BY RANGE (seq);
  CREATE INDEX message_id ON $.message (id);
  CREATE INDEX message_replay ON $.message (replay_of) WHERE replay_of IS NOT NULL;
  CREATE TABLE $.raw (seq bigint PRIMARY KEY, bytes bytea NOT NULL) PARTITION BY RANGE (seq);
  CREATE TABLE $.attachment (seq bigint NOT NULL, start int NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (seq, start))
    PARTITION BY RANGE (seq);
  CREATE TABLE $.settlement (
    seq bigint PRIMARY KEY, channel int NOT NULL, version int, shape int, shape_text text, keep smallint NOT NULL, at bigint,
    type text, times text, meta_fields int, meta text, error text, resolved text
  ) PARTITION BY RANGE (seq);
  CREATE INDEX settlement_open ON $.settlement (channel, seq) WHERE error IS NOT NULL AND resolved IS NULL;
  CREATE TABLE $.contents (seq bigint PRIMARY KEY, packed bytea NOT NULL) PARTITION BY RANGE (seq);

  -- Messages whose first pass has not ended. epoch is the opening that stored it, counted the last that counted its recovery.
  CREATE TABLE $.unrouted (
    channel int NOT NULL, seq bigint NOT NULL, size int NOT NULL, day int NOT NULL, hub int NOT NULL, epoch bigint NOT NULL,
    counted bigint NOT NULL DEFAULT 0, recoveries int NOT NULL DEFAULT 0, PRIMARY KEY (channel, seq)
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, vacuum_truncate = false);

  -- COPY has no ON CONFLICT, and a partitioned table no key without its partition's: rows go in by INSERT, into one table.
  CREATE TABLE $.dedupe (
    channel int NOT NULL, key text COLLATE "C" NOT NULL, hash text COLLATE "C" NOT NULL, seq bigint NOT NULL, id uuid NOT NULL,
    PRIMARY KEY (channel, key, hash)
  );
  CREATE INDEX dedupe_of ON $.dedupe (seq);

  CREATE TABLE $.part (
    seq bigint NOT NULL, destination int NOT NULL, n int NOT NULL, channel int NOT NULL, status smallint NOT NULL,
    attempts int NOT NULL, size int, queued_at bigint, retry_at bigint, sent_at bigint, keys text, error text, resolved text,
    day int NOT NULL, PRIMARY KEY (seq, destination, n)
  ) WITH (autovacuum_vacuum_scale_factor = 0.02, vacuum_truncate = false);
  CREATE INDEX part_queue ON $.part (channel, destination, status, seq, n) WHERE status < 3;
  CREATE INDEX part_due ON $.part (channel, destination, retry_at, seq, n) WHERE status = 1;
  CREATE INDEX part_open ON $.part (channel, destination, seq, n) WHERE status = 4;
  CREATE TABLE $.part_content (
    seq bigint NOT NULL, destination int NOT NULL, n int NOT NULL, bytes bytea, reply bytea, PRIMARY KEY (seq, destination, n)
  );
  -- A row for every key of every queued part.
  CREATE TABLE $.part_key (
    channel int NOT NULL, destination int NOT NULL, key text COLLATE "C" NOT NULL, seq bigint NOT NULL, n int NOT NULL,
    PRIMARY KEY (channel, destination, key, seq, n)
  ) WITH (autovacuum_vacuum_scale_factor = 0.02, vacuum_truncate = false);

  -- destination 0 is the channel itself.
  CREATE TABLE $.counter (
    hub int NOT NULL, channel int NOT NULL, destination int NOT NULL,
    ${counterFields.map((field) => `${field} bigint NOT NULL`).join(', ')}, PRIMARY KEY (hub, channel, destination)
  ) WITH (fillfactor = 50);
  -- Destination 0 without a type is the channel, with a type its messages of that type.
  CREATE TABLE $.daily (
    hub int NOT NULL, day int NOT NULL, channel int NOT NULL, destination int NOT NULL, type text COLLATE "C" NOT NULL,
    ${dailyFields.map((field) => `${field} bigint NOT NULL`).join(', ')},
    PRIMARY KEY (day, channel, destination, type, hub)
  ) WITH (fillfactor = 50);

  CREATE TABLE $.audit (
    n bigint PRIMARY KEY, at bigint NOT NULL, actor text NOT NULL, action text NOT NULL, subject text NOT NULL,
    reason text NOT NULL, ticket text, hash text NOT NULL
  );
  -- The end of the chain: whoever writes an entry holds this row.
  CREATE TABLE $.audit_end (one boolean PRIMARY KEY DEFAULT true CHECK (one), n bigint NOT NULL, hash text NOT NULL);
  INSERT INTO $.audit_end (n, hash) VALUES (0, repeat('0', 64));
  CREATE TABLE $.state (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);

  -- Content up to seq is pruned, but for the messages of prune_later, which were not settled or had open errors.
  CREATE TABLE $.prune_mark (
    channel int PRIMARY KEY, seq bigint NOT NULL, content_before bigint NOT NULL, messages_before bigint NOT NULL
  );
  CREATE TABLE $.prune_later (channel int NOT NULL, seq bigint NOT NULL, PRIMARY KEY (channel, seq));

  -- What every commit does is in functions: their plans are kept by the server, where each statement would be planned anew.
  -- Begins a transaction of a hub, gives out seqs, and ends an opening whose epoch is not the hub's any more.
  CREATE FUNCTION $.begin_commit(of_hub int, of_epoch bigint, of_seqs int, OUT number bigint, OUT pid int, OUT seqs bigint[])
  LANGUAGE plpgsql AS $body$
  BEGIN
    PERFORM set_config('idle_in_transaction_session_timeout', '15s', true);
    IF current_setting('synchronous_commit') = 'off' THEN PERFORM set_config('synchronous_commit', 'on', true); END IF;
    UPDATE $.hub SET commits = commits + 1, seen = clock_timestamp() WHERE id = of_hub AND epoch = of_epoch AND held
      RETURNING commits INTO number;
    IF NOT FOUND THEN RAISE EXCEPTION 'fenced' USING ERRCODE = 'WR001'; END IF;
    pid := pg_backend_pid();
    IF of_seqs > 0 THEN seqs := ARRAY(SELECT nextval('$.seq') FROM generate_series(1, of_seqs)); END IF;
  END $body$;

  -- Takes messages out of those that are not routed.
  CREATE FUNCTION $.route(of_channel int, seqs bigint[]) RETURNS TABLE (o_seq bigint, o_size int, o_day int) LANGUAGE plpgsql AS $body$
  BEGIN
    RETURN QUERY DELETE FROM $.unrouted u WHERE u.channel = of_channel AND u.seq = ANY(seqs) RETURNING u.seq, u.size, u.day;
  END $body$;

  -- The lowest seq of a channel between two at which a message was received at a time or later: by halving, as times rise with seq.
  CREATE FUNCTION $.seq_at(of_channel int, low bigint, high bigint, at bigint) RETURNS bigint STABLE LANGUAGE plpgsql AS $body$
  DECLARE middle bigint; reached record;
  BEGIN
    SELECT least(high, last_value + 1) INTO high FROM $.seq;
    WHILE low < high LOOP
      middle := (low + high) / 2;
      SELECT seq, received_at INTO reached FROM $.message WHERE channel = of_channel AND seq >= middle ORDER BY seq LIMIT 1;
      IF FOUND AND reached.received_at < at THEN low := reached.seq + 1; ELSE high := middle; END IF;
    END LOOP;
    RETURN low;
  END $body$;

  -- Adds to counters; amounts holds those of a row after those of the one before.
  CREATE FUNCTION $.add_counts(of_hub int, channels int[], destinations int[], amounts bigint[]) RETURNS void LANGUAGE plpgsql AS $body$
  BEGIN
    ${counting('channels', 'destinations', 'amounts')};
  END $body$;
  CREATE FUNCTION $.add_daily(of_hub int, days int[], channels int[], destinations int[], types text[], amounts bigint[])
  RETURNS void LANGUAGE plpgsql AS $body$
  BEGIN
    ${countingDaily('days', 'channels', 'destinations', 'types', 'amounts')};
  END $body$;
  `,
  // Several hubs on one store. What commits look at (lease) is apart from what renewals write (lease_end), so that neither waits for the
  // other: a commit locks its lease FOR SHARE, a renewal FOR KEY SHARE, and whoever takes it over FOR UPDATE.
  `
  CREATE TABLE $.lease (name text COLLATE "C" PRIMARY KEY, hub text, opening bigint NOT NULL, epoch bigint NOT NULL);
  CREATE TABLE $.lease_end (name text COLLATE "C" PRIMARY KEY, ends timestamptz NOT NULL) WITH (fillfactor = 50);
  CREATE TABLE $.alive (hub text PRIMARY KEY, opening bigint NOT NULL, ends timestamptz NOT NULL) WITH (fillfactor = 50);
  CREATE TABLE $.notice (n bigint PRIMARY KEY, opening bigint NOT NULL, subject text NOT NULL);
  -- The last notice: whoever tells one holds this row, so that they become visible in order.
  CREATE TABLE $.notice_end (one boolean PRIMARY KEY DEFAULT true CHECK (one), n bigint NOT NULL);
  INSERT INTO $.notice_end (n) VALUES (0);

  CREATE FUNCTION $.renew_leases(of_hub text, of_opening bigint, names text[], epochs bigint[], ttl_ms float8) RETURNS void
  LANGUAGE plpgsql AS $body$
  BEGIN
    INSERT INTO $.alive AS a VALUES (of_hub, of_opening, clock_timestamp() + ttl_ms * interval '1 ms')
      ON CONFLICT (hub) DO UPDATE SET opening = excluded.opening, ends = excluded.ends WHERE a.opening <= excluded.opening;
    UPDATE $.lease_end e SET ends = clock_timestamp() + ttl_ms * interval '1 ms' WHERE e.name IN (
      SELECT l.name FROM $.lease l JOIN unnest(names, epochs) AS held (name, epoch) ON held.name = l.name AND held.epoch = l.epoch
      WHERE l.opening = of_opening FOR KEY SHARE OF l);
  END $body$;

  CREATE FUNCTION $.take_lease(of_name text, of_hub text, of_opening bigint, ttl_ms float8, grace_ms float8)
  RETURNS TABLE (o_epoch bigint, o_clean boolean) LANGUAGE plpgsql AS $body$
  DECLARE
    before $.lease;
  BEGIN
    INSERT INTO $.lease VALUES (of_name, NULL, 0, 0) ON CONFLICT DO NOTHING;
    SELECT * INTO before FROM $.lease WHERE name = of_name FOR UPDATE;
    IF before.hub IS NOT NULL AND EXISTS (SELECT FROM $.lease_end
      WHERE name = of_name AND ends + grace_ms * interval '1 ms' > clock_timestamp()) THEN RETURN; END IF;
    UPDATE $.lease SET hub = of_hub, opening = of_opening, epoch = nextval('$.epoch') WHERE name = of_name RETURNING epoch INTO o_epoch;
    INSERT INTO $.lease_end VALUES (of_name, clock_timestamp() + ttl_ms * interval '1 ms')
      ON CONFLICT (name) DO UPDATE SET ends = excluded.ends;
    o_clean := before.hub IS NULL;
    RETURN NEXT;
  END $body$;

  -- Those of the leases that are in force, and stay so until the transaction ends.
  CREATE FUNCTION $.in_force(of_opening bigint, names text[], epochs bigint[]) RETURNS TABLE (o_name text, o_epoch bigint)
  LANGUAGE plpgsql AS $body$
  BEGIN
    RETURN QUERY SELECT l.name, l.epoch FROM $.lease l JOIN unnest(names, epochs) AS held (name, epoch)
      ON held.name = l.name AND held.epoch = l.epoch WHERE l.opening = of_opening FOR SHARE OF l;
  END $body$;

  -- Channels with unrouted messages that other openings stored. Of a long backlog the first are looked at, and the rest taken for theirs:
  -- it is read in order of seq anyway.
  CREATE FUNCTION $.foreign_in(of_opening bigint, channels int[]) RETURNS SETOF int LANGUAGE plpgsql AS $body$
  BEGIN
    RETURN QUERY SELECT c FROM unnest(channels) c WHERE (SELECT coalesce(bool_or(u.epoch <> of_opening), false) OR count(*) = 2000
      FROM (SELECT epoch FROM $.unrouted WHERE channel = c ORDER BY seq LIMIT 2000) u);
  END $body$;

  CREATE FUNCTION $.tell(of_opening bigint, subjects text[]) RETURNS void LANGUAGE plpgsql AS $body$
  DECLARE
    last bigint;
  BEGIN
    UPDATE $.notice_end SET n = n + cardinality(subjects) RETURNING n INTO last;
    INSERT INTO $.notice SELECT last - cardinality(subjects) + i, of_opening, subjects[i] FROM generate_subscripts(subjects, 1) i;
    DELETE FROM $.notice WHERE n <= last - 10000;
  END $body$;
  `,
  foresightMigration,
  searchMigration,
  arrivedMigration,
  partitionsMigration,
  givenMigration(slotSpan),
  pageMigration(slotSpan),
  behindMigration(slotSpan),
];

/** Of `weir message store`; with the schema's name it makes the key of the lock under which migrations run. */
const lockClass = 0x77_65_69_72;

/**
 * Brings the schema to a version, the last one if not given, each migration in a transaction of its own under an advisory lock: two
 * hubs that start at once run it once. Throws `store-failed` where the schema is of a later version.
 */
export async function migrate(
  session: PostgresSession,
  schema: string,
  quoted: string,
  to: number = migrations.length,
): Promise<void> {
  const lock = `SELECT pg_advisory_xact_lock(${lockClass}, hashtext('${schema.replaceAll("'", "''")}'))`;
  const prepare = [
    `CREATE SCHEMA IF NOT EXISTS ${quoted}`,
    `CREATE TABLE IF NOT EXISTS ${quoted}.schema_version (version int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`,
  ];
  const found = await session.ask('SELECT to_regclass($1)', [`${quoted}.schema_version`]);
  if (found[0]?.[0] === null) await transaction(session, [lock, ...prepare]);
  for (;;) {
    const rows = await session.ask(`SELECT coalesce(max(version), 0) FROM ${quoted}.schema_version`);
    const version = Number(rows[0]?.[0] ?? 0);
    if (version > migrations.length) {
      const newer = `its schema is version ${version}, this Weir knows ${migrations.length}`;
      throw new HubError('store-failed', 'permanent', `opening the message store: ${newer}`);
    }
    if (version >= to) return;
    const next = version + 1;
    const mine = `INSERT INTO ${quoted}.schema_version (version) VALUES (${next})`;
    const sql = migrations[version]!.replaceAll('$body$', '\0').replaceAll('$', quoted).replaceAll('\0', '$body$');
    try {
      await transaction(session, [lock, mine, sql]);
    } catch (thrown) {
      // Another hub has run it while this one waited for the lock.
      if ((thrown as { code?: string }).code !== '23505') throw thrown;
    }
  }
}

async function transaction(session: PostgresSession, statements: readonly string[]): Promise<void> {
  try {
    await session.run(['BEGIN', ...statements, 'COMMIT'].map((text) => ({ text })));
  } catch (thrown) {
    if (session.usable) await session.run([{ text: 'ROLLBACK' }]);
    throw thrown;
  }
}

/** Statements that make the partition of a slot, where it is not there. Attaching holds up nobody who reads or writes. */
export function partitionStatements(quoted: string, slot: number, lz4: boolean): readonly string[] {
  const from = slot * slotSpan;
  return partitioned.flatMap((table) => {
    const name = `${quoted}.${table}_${slot}`;
    const bytes = table === 'contents' ? 'packed' : 'bytes';
    const compressed = lz4 && (table === 'raw' || table === 'attachment' || table === 'contents');
    return [
      `CREATE TABLE ${name} (LIKE ${quoted}.${table} INCLUDING ALL)`,
      ...(compressed ? [`ALTER TABLE ${name} ALTER COLUMN ${bytes} SET COMPRESSION lz4`] : []),
      `ALTER TABLE ${quoted}.${table} ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${from + slotSpan})`,
    ];
  });
}
