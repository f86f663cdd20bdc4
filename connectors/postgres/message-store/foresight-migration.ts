import { unforeseenState } from './errors.ts';

/** What every transaction of a hub begins with. One that says nothing for as long as a lease lasts, with its grace, holds up nobody more. */
const beginning = `    PERFORM set_config('idle_in_transaction_session_timeout', '6s', true);
    IF current_setting('synchronous_commit') = 'off' THEN PERFORM set_config('synchronous_commit', 'on', true); END IF;
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END INTO last FROM $.seq;
    UPDATE $.hub SET commits = commits + 1, seen = clock_timestamp() WHERE id = of_hub AND epoch = of_epoch AND held
      RETURNING commits INTO number;
    IF NOT FOUND THEN RAISE EXCEPTION 'fenced' USING ERRCODE = 'WR001'; END IF;
    pid := pg_backend_pid();
    xid := pg_current_xact_id()::text::bigint;
    oldest := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    IF of_seqs > 0 THEN seqs := ARRAY(SELECT nextval('$.seq') FROM generate_series(1, of_seqs)); END IF;
`;

/**
 * Rows are looked for by their keys, whatever statistics say. What has no key to be looked for by costs so much to the planner then
 * that it would be compiled each time, at 10 ms.
 */
export const byKey =
  'SET enable_bitmapscan = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off';

/** Of each channel above a seq: its number, whether others stored unrouted messages of it, the first unrouted one, its place. */
const looking = (channels: string, above: string, opening: string) => `
      SELECT ${channels}[i], coalesce(bool_or(u.epoch <> ${opening}), false) OR count(u.seq) = 2000, min(u.seq), i
      FROM generate_subscripts(${channels}, 1) i LEFT JOIN LATERAL (
        SELECT r.seq, r.epoch FROM $.unrouted r WHERE r.channel = ${channels}[i] AND r.seq > ${above}[i] ORDER BY r.seq LIMIT 2000) u ON true
      GROUP BY i`;

/**
 * `begin_commit` tells how far seqs are decided, and `foreign_above` looks only above that. Whoever takes a seq has a transaction id
 * before it does: once those up to a transaction that has read the last seq have ended, nothing up to that seq comes any more. The
 * planner knows nothing of a table that is empty most of the time, and would read and sort all of a channel.
 */
const horizon = `
  DROP FUNCTION $.begin_commit;
  CREATE FUNCTION $.begin_commit(of_hub int, of_epoch bigint, of_seqs int,
    OUT number bigint, OUT pid int, OUT seqs bigint[], OUT last bigint, OUT xid bigint, OUT oldest bigint)
  LANGUAGE plpgsql AS $body$
  BEGIN
${beginning}  END $body$;

  -- Of each channel, from a seq on: whether other openings stored messages that are not routed, and the first of any that is not. Of a
  -- long backlog the first are looked at, and the rest taken for theirs: it is read in order of seq anyway.
  CREATE FUNCTION $.foreign_above(of_opening bigint, channels int[], seqs bigint[])
  RETURNS TABLE (o_channel int, o_foreign boolean, o_first bigint, o_place int) LANGUAGE plpgsql
  ${byKey} AS $body$
  BEGIN
    RETURN QUERY ${looking('channels', 'seqs', 'of_opening')};
  END $body$;

  -- As before; each row is looked for by its key.
  CREATE OR REPLACE FUNCTION $.route(of_channel int, seqs bigint[]) RETURNS TABLE (o_seq bigint, o_size int, o_day int) LANGUAGE plpgsql
  ${byKey} AS $body$
  BEGIN
    RETURN QUERY DELETE FROM $.unrouted u USING unnest(seqs) AS s (seq) WHERE u.channel = of_channel AND u.seq = s.seq
      RETURNING u.seq, u.size, u.day;
  END $body$;
`;

/**
 * `begin_commit` with what the hub takes for granted: the seqs it gets, the leases that are in force, and the messages that are not
 * routed. It all holds, or the transaction fails. Answers with what the channels have of other openings, as `foreign_above` does.
 */
const foresight = `
  CREATE FUNCTION $.begin_commit(of_hub int, of_epoch bigint, of_seqs int, first bigint, leases text[], epochs bigint[],
    channels int[], routed bigint[], own int[], above bigint[],
    OUT pid int, OUT last bigint, OUT xid bigint, OUT oldest bigint, OUT foreigners int[], OUT firsts bigint[])
  LANGUAGE plpgsql ${byKey} AS $body$
  DECLARE
    number bigint;
    seqs bigint[];
    found_rows bigint;
  BEGIN
${beginning}    IF of_seqs > 0 AND (seqs[1] <> first OR seqs[of_seqs] <> first + of_seqs - 1) THEN
      RAISE EXCEPTION 'other seqs' USING ERRCODE = '${unforeseenState}';
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
      DELETE FROM $.unrouted u USING unnest(channels, routed) AS r (channel, seq) WHERE u.channel = r.channel AND u.seq = r.seq;
      GET DIAGNOSTICS found_rows = ROW_COUNT;
      IF found_rows <> cardinality(routed) THEN
        RAISE EXCEPTION 'a message that was routed' USING ERRCODE = '${unforeseenState}';
      END IF;
    END IF;
    -- A statement of its own, so that its snapshot is younger than the seqs.
    IF cardinality(own) > 0 THEN
      SELECT coalesce(array_agg(channel) FILTER (WHERE of_others), '{}'), array_agg(first_seq ORDER BY place) INTO foreigners, firsts
        FROM (${looking('own', 'above', 'of_epoch')}) AS found (channel, of_others, first_seq, place);
    END IF;
  END $body$;
`;

export const foresightMigration = horizon + foresight;
