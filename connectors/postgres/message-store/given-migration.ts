import { arriving, looking } from './arrived-migration.ts';
import { counting, countingDaily } from './counting-statements.ts';
import { fencedState, unforeseenState } from './errors.ts';
import { byKey } from './foresight-migration.ts';
import { near } from './partitions-migration.ts';

/** Planned once in a session: to plan it anew for what it is called with took a quarter of what a commit begins with. */
export const planned = `${byKey} SET plan_cache_mode = force_generic_plan`;

/** So often seqs are taken anew where others have taken some of those between. */
export const mostTries = 20;

/** Of `begin_commit`: fails unless all `leases` are in force, and keeps them so until the transaction ends. */
export const leasesInForce = `    IF cardinality(leases) > 0 THEN
      PERFORM FROM $.lease l JOIN unnest(leases, epochs) AS held (name, epoch) ON held.name = l.name AND held.epoch = l.epoch
        WHERE l.opening = of_epoch FOR SHARE OF l;
      GET DIAGNOSTICS found_rows = ROW_COUNT;
      IF found_rows <> cardinality(leases) THEN
        RAISE EXCEPTION 'a lease that is not in force' USING ERRCODE = '${unforeseenState}';
      END IF;
    END IF;
`;

/** Of `begin_commit`: deletes the rows of `arrived` whose last messages are settled, with a further condition; fails unless they are there. */
export const forgetting = (also = '') => `    IF cardinality(routed) > 0 THEN
      DELETE FROM $.arrived a USING (SELECT routed[2 * i - 1] AS channel, routed[2 * i] AS last FROM generate_series(1, cardinality(routed) / 2) i) AS r
        WHERE a.channel = r.channel AND a.last = r.last${also};
      GET DIAGNOSTICS found_rows = ROW_COUNT;
      IF found_rows <> cardinality(routed) / 2 THEN
        RAISE EXCEPTION 'messages that were routed' USING ERRCODE = '${unforeseenState}';
      END IF;
    END IF;
`;

/**
 * The function that a commit of which the hub knows everything begins with. `whose` says of which rows of `arrived` it may know that
 * their last messages are settled: of those that its opening wrote, or of all.
 */
export function beginCommit(create: 'CREATE' | 'CREATE OR REPLACE', whose: 'own' | 'all', slotSpan: number): string {
  const own = whose === 'own' ? ' AND a.epoch = of_epoch' : '';
  const settings = whose === 'own' ? byKey : planned;
  return `${create} FUNCTION $.begin_commit(of_hub int, of_epoch bigint, of_seqs int, of_first bigint, exactly boolean, leases text[], epochs bigint[],
    routed bigint[], own int[], above bigint[], arrivals bigint[],
    channels int[], destinations int[], amounts bigint[],
    days int[], day_channels int[], day_destinations int[], day_types text[], day_amounts bigint[],
    OUT pid int, OUT last bigint, OUT xid bigint, OUT oldest bigint, OUT given bigint, OUT foreigners int[], OUT firsts bigint[])
  LANGUAGE plpgsql ${settings} AS $body$
  DECLARE
    highest bigint;
    shift bigint := 0;
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
      FOR i IN 1..${mostTries} LOOP
        SELECT min(s), max(s) INTO given, highest FROM (SELECT nextval('$.seq') AS s FROM generate_series(1, of_seqs)) AS taken;
        EXIT WHEN highest - given < of_seqs;
      END LOOP;
      IF highest - given >= of_seqs OR exactly AND given <> of_first
        OR given / ${slotSpan} <> of_first / ${slotSpan} OR highest / ${slotSpan} <> of_first / ${slotSpan} THEN
        RAISE EXCEPTION 'other seqs' USING ERRCODE = '${unforeseenState}';
      END IF;
      shift := given - of_first;
      PERFORM set_config('weir.message_seqs', m::oid::text, true), set_config('weir.raw_seqs', r::oid::text, true),
        set_config('weir.shift', shift::text, true), setval(m, given, false), setval(r, given, false)
        FROM (SELECT ('$.message_seqs_' || of_hub)::regclass AS m, ('$.raw_seqs_' || of_hub)::regclass AS r) AS of;
    END IF;
${leasesInForce}${forgetting(own)}    -- A statement of its own, so that its snapshot is younger than the seqs.
    IF cardinality(own) > 0 THEN
      SELECT coalesce(array_agg(channel) FILTER (WHERE of_others), '{}'), array_agg(first_seq ORDER BY place) INTO foreigners, firsts
        FROM (${looking('own', 'above', 'of_epoch')}) AS found (channel, of_others, first_seq, place);
    END IF;
    ${arriving('shift')};
    ${counting('channels', 'destinations', 'amounts')};
    ${countingDaily('days', 'day_channels', 'day_destinations', 'day_types', 'day_amounts')};
  END $body$;
`;
}

/**
 * A commit is given its seqs while it is on its way: `begin_commit` takes some that follow each other, and rows of `message` and `raw`
 * that come without a seq get them in turn, from sequences of their hub's own. So hubs that store at the same time need not ask first.
 * What is read of a message that is not routed is looked for message by message: to the planner, which knows nothing of tables that
 * were empty a moment ago, it was all one to read the channel from its beginning.
 */
export const givenMigration = (slotSpan: number) => `
  ALTER TABLE $.message ALTER COLUMN seq SET DEFAULT nextval(current_setting('weir.message_seqs')::oid::regclass);
  ALTER TABLE $.raw ALTER COLUMN seq SET DEFAULT nextval(current_setting('weir.raw_seqs')::oid::regclass);

  -- Sequences that a hub's commits are given their seqs from: each begins where begin_commit sets it, and no other hub uses it.
  CREATE FUNCTION $.make_given(of_hub int) RETURNS void LANGUAGE plpgsql AS $body$
  BEGIN
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS $.message_seqs_%s CACHE 64', of_hub);
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS $.raw_seqs_%s CACHE 64', of_hub);
  END $body$;

  DROP FUNCTION $.begin_commit(int, bigint, int, bigint, text[], bigint[], bigint[], int[], bigint[], bigint[], int[], int[], bigint[],
    int[], int[], int[], text[], bigint[]);

  -- As before, but that of_first is only where the hub took its seqs to begin: they follow each other from given on, of the same slot.
  -- Where the hub has written them down somewhere (exactly), they have to be those. arrivals are told as if they began at of_first.
  ${beginCommit('CREATE', 'own', slotSpan)}
  -- As arrive, of a transaction whose begin_commit has given it its seqs.
  CREATE FUNCTION $.arrive_given(of_hub int, of_epoch bigint, arrivals bigint[]) RETURNS void LANGUAGE plpgsql AS $body$
  DECLARE
    shift bigint := current_setting('weir.shift')::bigint;
  BEGIN
    ${arriving('shift')};
  END $body$;

  -- As before; each message is looked for by its place.
  CREATE OR REPLACE FUNCTION $.unrouted_of(of_channel int, above bigint, known bigint[], not_of bigint, most int)
  RETURNS TABLE (o_seq bigint, o_size int, o_day int, o_epoch bigint) LANGUAGE plpgsql
  ${near} AS $body$
  DECLARE
    looked bigint := above;
    looked_from bigint;
    looked_to bigint;
    taken int;
    went int := 0;
  BEGIN
    WHILE went < most LOOP
      SELECT greatest(min(a.first), above + 1), max(a.last) INTO looked_from, looked_to
        FROM (SELECT first, last FROM $.arrived WHERE channel = of_channel AND last > looked ORDER BY last LIMIT 64) a;
      EXIT WHEN looked_to IS NULL;
      RETURN QUERY SELECT m.seq, m.size, a.day, a.epoch
        FROM (SELECT * FROM $.arrived WHERE channel = of_channel AND last > looked AND last <= looked_to AND epoch <> not_of ORDER BY last) a
        CROSS JOIN LATERAL (SELECT n.seq, n.size FROM $.message n
          WHERE n.channel = of_channel AND n.seq BETWEEN a.first AND a.last AND n.seq BETWEEN looked_from AND looked_to AND n.seq <> ALL (known)
            AND NOT EXISTS (SELECT FROM $.settlement s WHERE s.seq = n.seq AND s.seq BETWEEN looked_from AND looked_to LIMIT 1)
          ORDER BY n.seq LIMIT most - went) m
        ORDER BY m.seq LIMIT most - went;
      GET DIAGNOSTICS taken = ROW_COUNT;
      went := went + taken;
      looked := looked_to;
    END LOOP;
  END $body$;

  CREATE OR REPLACE FUNCTION $.unrouted_messages(of_channel int, above bigint, known bigint[], most int, most_bytes bigint)
  RETURNS TABLE (o_seq bigint, o_size int, o_day int, o_epoch bigint, o_recoveries int, o_id uuid, o_received_at bigint, o_meta_fields int,
    o_meta text, o_key text, o_replay_of uuid, o_only_to text, o_attached smallint, o_bytes bytea) LANGUAGE plpgsql
  ${near} AS $body$
  DECLARE
    lowest bigint;
    highest bigint;
  BEGIN
    SELECT greatest(first, above + 1) INTO lowest FROM $.arrived WHERE channel = of_channel AND last > above ORDER BY last LIMIT 1;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT last INTO highest FROM $.arrived WHERE channel = of_channel ORDER BY last DESC LIMIT 1;
    RETURN QUERY SELECT u.o_seq, u.o_size, u.o_day, u.o_epoch, coalesce(c.recoveries, 0), m.id, m.received_at, m.meta_fields, m.meta, m.key,
        m.replay_of, m.only_to, m.attached, r.bytes
      FROM (SELECT *, sum(f.o_size) OVER (ORDER BY f.o_seq) - f.o_size AS before
        FROM $.unrouted_of(of_channel, above, known, 0, most) AS f) AS u
      CROSS JOIN LATERAL (SELECT * FROM $.message n
        WHERE n.channel = of_channel AND n.seq = u.o_seq AND n.seq BETWEEN lowest AND highest LIMIT 1) m
      LEFT JOIN LATERAL (SELECT * FROM $.raw n WHERE n.seq = u.o_seq AND n.seq BETWEEN lowest AND highest LIMIT 1) r ON true
      LEFT JOIN LATERAL (SELECT * FROM $.recovery n WHERE n.channel = of_channel AND n.seq = u.o_seq LIMIT 1) c ON true
      WHERE u.before < most_bytes ORDER BY u.o_seq;
  END $body$;
`;
