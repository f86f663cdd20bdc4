import { counting, countingDaily } from './counting-statements.ts';
import { fencedState, unforeseenState } from './errors.ts';
import { byKey } from './foresight-migration.ts';

/** Of each channel above a seq: its number, whether others stored unrouted messages of it, the first unrouted one or a lower seq, its place. */
export const looking = (channels: string, above: string, opening: string) => `
      SELECT ${channels}[i], coalesce(bool_or(a.epoch <> ${opening}), false) OR count(a.first) = 2000, min(a.first), i
      FROM generate_subscripts(${channels}, 1) i LEFT JOIN LATERAL (
        SELECT r.first, r.epoch FROM $.arrived r WHERE r.channel = ${channels}[i] AND r.last > ${above}[i] ORDER BY r.last LIMIT 2000) a ON true
      GROUP BY i`;

/** Writes rows of `arrived`, their seqs moved on by `shift`. */
export const arriving = (shift?: string) => {
  const seq = (at: string) => (shift === undefined ? at : `${at} + ${shift}`);
  return `INSERT INTO $.arrived (channel, first, last, day, hub, epoch)
      SELECT arrivals[i - 3], ${seq('arrivals[i - 2]')}, ${seq('arrivals[i - 1]')}, arrivals[i], of_hub, of_epoch
      FROM generate_series(4, cardinality(arrivals), 4) i`;
};

/**
 * A row for what a commit stored of a channel, instead of one for each message: `first` to `last` are its seqs, and those of them that
 * have a message of the channel and no settlement are not routed yet. Who settles the last of them deletes the row. What is written
 * and deleted again with every message would else be two fifths of what the database does for it.
 */
export const arrivedMigration = `
  CREATE TABLE $.arrived (
    channel int NOT NULL, first bigint NOT NULL, last bigint NOT NULL, day int NOT NULL, hub int NOT NULL, epoch bigint NOT NULL,
    PRIMARY KEY (channel, last)
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, vacuum_truncate = false);
  -- counted is the last opening that counted a message's recovery.
  CREATE TABLE $.recovery (
    channel int NOT NULL, seq bigint NOT NULL, counted bigint NOT NULL, recoveries int NOT NULL, PRIMARY KEY (channel, seq)
  );
  INSERT INTO $.arrived SELECT channel, seq, seq, day, hub, epoch FROM $.unrouted;
  INSERT INTO $.recovery SELECT channel, seq, counted, recoveries FROM $.unrouted WHERE recoveries > 0;
  DROP FUNCTION $.begin_commit(int, bigint, int, bigint, text[], bigint[], int[], bigint[], int[], bigint[]);
  DROP FUNCTION $.route;
  DROP FUNCTION $.foreign_in;
  DROP FUNCTION $.foreign_above;
  DROP TABLE $.unrouted;

  CREATE VIEW $.unrouted AS SELECT m.channel, m.seq, m.size, a.day, a.hub, a.epoch FROM $.arrived a
    JOIN $.message m ON m.channel = a.channel AND m.seq BETWEEN a.first AND a.last
    WHERE NOT EXISTS (SELECT FROM $.settlement s WHERE s.seq = m.seq);

  -- The first messages of a channel that are not routed, in order of seq: above one, without those that are known, and where not_of is
  -- given without those of that opening. Rows of arrived never overlap, so that they are gone through in their order.
  CREATE FUNCTION $.unrouted_of(of_channel int, above bigint, known bigint[], not_of bigint, most int)
  RETURNS TABLE (o_seq bigint, o_size int, o_day int, o_epoch bigint) LANGUAGE plpgsql
  ${byKey} AS $body$
  DECLARE
    looked bigint := above;
    looked_to bigint;
    taken int;
    went int := 0;
  BEGIN
    WHILE went < most LOOP
      SELECT max(a.last) INTO looked_to
        FROM (SELECT last FROM $.arrived WHERE channel = of_channel AND last > looked ORDER BY last LIMIT 64) a;
      EXIT WHEN looked_to IS NULL;
      RETURN QUERY SELECT m.seq, m.size, a.day, a.epoch FROM $.arrived a
        JOIN $.message m ON m.channel = a.channel AND m.seq BETWEEN a.first AND a.last
        WHERE a.channel = of_channel AND a.last > looked AND a.last <= looked_to AND a.epoch <> not_of
          AND m.channel = of_channel AND m.seq > above AND m.seq <= looked_to AND m.seq <> ALL (known)
          AND NOT EXISTS (SELECT FROM $.settlement s WHERE s.seq = m.seq)
        ORDER BY m.seq LIMIT most - went;
      GET DIAGNOSTICS taken = ROW_COUNT;
      went := went + taken;
      looked := looked_to;
    END LOOP;
  END $body$;

  -- The same with all that is read of them, until there are so many bytes.
  CREATE FUNCTION $.unrouted_messages(of_channel int, above bigint, known bigint[], most int, most_bytes bigint)
  RETURNS TABLE (o_seq bigint, o_size int, o_day int, o_epoch bigint, o_recoveries int, o_id uuid, o_received_at bigint, o_meta_fields int,
    o_meta text, o_key text, o_replay_of uuid, o_only_to text, o_attached smallint, o_bytes bytea) LANGUAGE plpgsql
  ${byKey} AS $body$
  BEGIN
    RETURN QUERY SELECT u.o_seq, u.o_size, u.o_day, u.o_epoch, coalesce(c.recoveries, 0), m.id, m.received_at, m.meta_fields, m.meta, m.key,
        m.replay_of, m.only_to, m.attached, r.bytes
      FROM (SELECT *, sum(f.o_size) OVER (ORDER BY f.o_seq) - f.o_size AS before
        FROM $.unrouted_of(of_channel, above, known, 0, most) AS f) AS u
      JOIN $.message m ON m.channel = of_channel AND m.seq = u.o_seq LEFT JOIN $.raw r ON r.seq = u.o_seq
      LEFT JOIN $.recovery c ON c.channel = of_channel AND c.seq = u.o_seq
      WHERE u.before < most_bytes ORDER BY u.o_seq;
  END $body$;

  -- Forgets what arrived together with these messages where all of it is settled.
  CREATE FUNCTION $.sweep(of_channel int, seqs bigint[]) RETURNS void LANGUAGE plpgsql
  ${byKey} AS $body$
  BEGIN
    DELETE FROM $.recovery r WHERE r.channel = of_channel AND r.seq = ANY (seqs);
    DELETE FROM $.arrived d USING (SELECT DISTINCT a.last FROM unnest(seqs) AS s (seq) CROSS JOIN LATERAL (
        SELECT n.first, n.last FROM $.arrived n WHERE n.channel = of_channel AND n.last >= s.seq ORDER BY n.last LIMIT 1) a
      WHERE a.first <= s.seq) AS of
      WHERE d.channel = of_channel AND d.last = of.last AND NOT EXISTS (
        SELECT FROM $.message m WHERE m.channel = of_channel AND m.seq BETWEEN d.first AND d.last
          AND NOT EXISTS (SELECT FROM $.settlement s WHERE s.seq = m.seq));
  END $body$;

  -- Of each channel, from a seq on: whether other openings stored messages that are not routed, and the first of any that is not, or a
  -- lower one. Of a long backlog the first are looked at, and the rest taken for theirs: it is read in order of seq anyway.
  CREATE FUNCTION $.foreign_above(of_opening bigint, channels int[], seqs bigint[])
  RETURNS TABLE (o_channel int, o_foreign boolean, o_first bigint, o_place int) LANGUAGE plpgsql
  ${byKey} AS $body$
  BEGIN
    RETURN QUERY ${looking('channels', 'seqs', 'of_opening')};
  END $body$;

  -- A commit of which the hub knows everything: the seqs it gets, the leases that are in force, and what is settled with it. It all
  -- holds, or the transaction fails. arrived has channel, first, last and day of each row; amounts as add_counts and add_daily.
  CREATE FUNCTION $.begin_commit(of_hub int, of_epoch bigint, of_seqs int, first bigint, leases text[], epochs bigint[],
    routed bigint[], own int[], above bigint[], arrivals bigint[],
    channels int[], destinations int[], amounts bigint[],
    days int[], day_channels int[], day_destinations int[], day_types text[], day_amounts bigint[],
    OUT pid int, OUT last bigint, OUT xid bigint, OUT oldest bigint, OUT foreigners int[], OUT firsts bigint[])
  LANGUAGE plpgsql ${byKey} AS $body$
  DECLARE
    lowest bigint;
    highest bigint;
    found_rows bigint;
  BEGIN
    -- Few statements: each expression is made ready anew in each transaction. The last seq is read before the transaction has an id.
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END, set_config('idle_in_transaction_session_timeout', '6s', true),
      CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END INTO last FROM $.seq;
    UPDATE $.hub SET commits = commits + 1, seen = clock_timestamp() WHERE id = of_hub AND epoch = of_epoch AND held
      RETURNING pg_backend_pid(), pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      INTO pid, xid, oldest;
    IF NOT FOUND THEN RAISE EXCEPTION 'fenced' USING ERRCODE = '${fencedState}'; END IF;
    IF of_seqs > 0 THEN
      SELECT min(s), max(s) INTO lowest, highest FROM (SELECT nextval('$.seq') AS s FROM generate_series(1, of_seqs)) AS given;
      IF lowest <> first OR highest <> first + of_seqs - 1 THEN
        RAISE EXCEPTION 'other seqs' USING ERRCODE = '${unforeseenState}';
      END IF;
    END IF;
    IF cardinality(leases) > 0 THEN
      PERFORM FROM $.lease l JOIN unnest(leases, epochs) AS held (name, epoch) ON held.name = l.name AND held.epoch = l.epoch
        WHERE l.opening = of_epoch FOR SHARE OF l;
      GET DIAGNOSTICS found_rows = ROW_COUNT;
      IF found_rows <> cardinality(leases) THEN
        RAISE EXCEPTION 'a lease that is not in force' USING ERRCODE = '${unforeseenState}';
      END IF;
    END IF;
    IF cardinality(routed) > 0 THEN
      DELETE FROM $.arrived a USING (SELECT routed[2 * i - 1] AS channel, routed[2 * i] AS last FROM generate_series(1, cardinality(routed) / 2) i) AS r
        WHERE a.channel = r.channel AND a.last = r.last AND a.epoch = of_epoch;
      GET DIAGNOSTICS found_rows = ROW_COUNT;
      IF found_rows <> cardinality(routed) / 2 THEN
        RAISE EXCEPTION 'messages that were routed' USING ERRCODE = '${unforeseenState}';
      END IF;
    END IF;
    -- A statement of its own, so that its snapshot is younger than the seqs.
    IF cardinality(own) > 0 THEN
      SELECT coalesce(array_agg(channel) FILTER (WHERE of_others), '{}'), array_agg(first_seq ORDER BY place) INTO foreigners, firsts
        FROM (${looking('own', 'above', 'of_epoch')}) AS found (channel, of_others, first_seq, place);
    END IF;
    ${arriving()};
    ${counting('channels', 'destinations', 'amounts')};
    ${countingDaily('days', 'day_channels', 'day_destinations', 'day_types', 'day_amounts')};
  END $body$;

  CREATE FUNCTION $.arrive(of_hub int, of_epoch bigint, arrivals bigint[]) RETURNS void LANGUAGE plpgsql AS $body$
  BEGIN
    ${arriving()};
  END $body$;
`;
