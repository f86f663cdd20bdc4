import { arriving, looking } from './arrived-migration.ts';
import { counting, countingDaily } from './counting-statements.ts';
import { fencedState, otherSeqsState, unforeseenState } from './errors.ts';
import { forgetting, leasesInForce, mostTries, planned } from './given-migration.ts';

/**
 * A commit may be on its way behind another that is not answered. It says how many transactions of the hub there have to be before it,
 * so that it never comes about where that other one did not. And a hub has one connection that writes: what it sent over one that is
 * given up since, and that reaches the server late, is refused (a server process that stood still would else store a message that was
 * stored anew meanwhile). The functions of before stay for hubs of the version before, until they are restarted.
 */
export const behindMigration = (slotSpan: number) => `
  ALTER TABLE $.hub ADD COLUMN connection int NOT NULL DEFAULT 0;

  -- Begins a transaction of a hub, gives out seqs, and ends an opening whose epoch is not the hub's any more.
  CREATE FUNCTION $.begin_commit(of_hub int, of_epoch bigint, of_connection int, of_seqs int,
    OUT pid int, OUT seqs bigint[], OUT last bigint, OUT xid bigint, OUT oldest bigint)
  LANGUAGE plpgsql AS $body$
  BEGIN
    PERFORM set_config('idle_in_transaction_session_timeout', '6s', true);
    IF current_setting('synchronous_commit') = 'off' THEN PERFORM set_config('synchronous_commit', 'on', true); END IF;
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END INTO last FROM $.seq;
    UPDATE $.hub SET commits = commits + 1, seen = clock_timestamp()
      WHERE id = of_hub AND epoch = of_epoch AND held AND connection = of_connection;
    IF NOT FOUND THEN RAISE EXCEPTION 'fenced' USING ERRCODE = '${fencedState}'; END IF;
    pid := pg_backend_pid();
    xid := pg_current_xact_id()::text::bigint;
    oldest := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    IF of_seqs > 0 THEN seqs := ARRAY(SELECT nextval('$.seq') FROM generate_series(1, of_seqs)); END IF;
  END $body$;

  -- As before, with the connection, and behind so many transactions of the hub, if that is not NULL.
  CREATE FUNCTION $.begin_commit(of_hub int, of_epoch bigint, of_connection int, behind bigint, of_seqs int, of_first bigint, exactly boolean,
    leases text[], epochs bigint[], routed bigint[], own int[], above bigint[], arrivals bigint[],
    channels int[], destinations int[], amounts bigint[],
    days int[], day_channels int[], day_destinations int[], day_types text[], day_amounts bigint[],
    OUT pid int, OUT last bigint, OUT xid bigint, OUT oldest bigint, OUT given bigint, OUT foreigners int[], OUT firsts bigint[])
  LANGUAGE plpgsql ${planned} AS $body$
  DECLARE
    number bigint;
    highest bigint;
    shift bigint := 0;
    found_rows bigint;
  BEGIN
    -- Few statements: each expression is made ready anew in each transaction. The last seq is read before the transaction has an id.
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END, set_config('idle_in_transaction_session_timeout', '6s', true),
      CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END INTO last FROM $.seq;
    UPDATE $.hub SET commits = commits + 1, seen = clock_timestamp()
      WHERE id = of_hub AND epoch = of_epoch AND held AND connection = of_connection
      RETURNING commits - 1, pg_backend_pid(), pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      INTO number, pid, xid, oldest;
    IF NOT FOUND THEN RAISE EXCEPTION 'fenced' USING ERRCODE = '${fencedState}'; END IF;
    IF number <> behind THEN RAISE EXCEPTION 'behind another' USING ERRCODE = '${unforeseenState}'; END IF;
    IF of_seqs > 0 THEN
      FOR i IN 1..${mostTries} LOOP
        SELECT min(s), max(s) INTO given, highest FROM (SELECT nextval('$.seq') AS s FROM generate_series(1, of_seqs)) AS taken;
        EXIT WHEN highest - given < of_seqs;
      END LOOP;
      IF exactly AND (given <> of_first OR highest - given >= of_seqs) THEN RAISE EXCEPTION 'other seqs' USING ERRCODE = '${otherSeqsState}'; END IF;
      IF highest - given >= of_seqs OR given / ${slotSpan} <> of_first / ${slotSpan} OR highest / ${slotSpan} <> of_first / ${slotSpan} THEN
        RAISE EXCEPTION 'other seqs' USING ERRCODE = '${unforeseenState}';
      END IF;
      shift := given - of_first;
      -- Rows that come with their seqs cost a fifth less.
      IF NOT exactly THEN
        PERFORM set_config('weir.message_seqs', m::oid::text, true), set_config('weir.raw_seqs', r::oid::text, true),
          set_config('weir.shift', shift::text, true), setval(m, given, false), setval(r, given, false)
          FROM (SELECT ('$.message_seqs_' || of_hub)::regclass AS m, ('$.raw_seqs_' || of_hub)::regclass AS r) AS of;
      END IF;
    END IF;
${leasesInForce}${forgetting()}    -- A statement of its own, so that its snapshot is younger than the seqs.
    IF cardinality(own) = 1 THEN
      -- A third of the cost of what finds any number of channels.
      SELECT CASE WHEN coalesce(bool_or(a.epoch <> of_epoch), false) OR count(*) = 2000 THEN own ELSE '{}' END, ARRAY[min(a.first)]
        INTO foreigners, firsts
        FROM (SELECT r.first, r.epoch FROM $.arrived r WHERE r.channel = own[1] AND r.last > above[1] ORDER BY r.last LIMIT 2000) a;
    ELSIF cardinality(own) > 1 THEN
      SELECT coalesce(array_agg(channel) FILTER (WHERE of_others), '{}'), array_agg(first_seq ORDER BY place) INTO foreigners, firsts
        FROM (${looking('own', 'above', 'of_epoch')}) AS found (channel, of_others, first_seq, place);
    END IF;
    IF cardinality(arrivals) > 0 THEN
      ${arriving('shift')};
    END IF;
    IF cardinality(channels) > 0 THEN
      ${counting('channels', 'destinations', 'amounts')};
    END IF;
    IF cardinality(days) > 0 THEN
      ${countingDaily('days', 'day_channels', 'day_destinations', 'day_types', 'day_amounts')};
    END IF;
  END $body$;
`;
