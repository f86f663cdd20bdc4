import { byKey } from './foresight-migration.ts';

/**
 * Looked for between the seqs that can be meant, and planned with them: of a partition a day a statement that names no bounds, or whose
 * plan is kept, opens all. Of 90 that took 50 ms a call, of 400 370 ms.
 */
export const near = `${byKey} SET plan_cache_mode = force_custom_plan`;

export const partitionsMigration = `
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
      RETURN QUERY SELECT m.seq, m.size, a.day, a.epoch FROM $.arrived a
        JOIN $.message m ON m.channel = a.channel AND m.seq BETWEEN a.first AND a.last
        WHERE a.channel = of_channel AND a.last > looked AND a.last <= looked_to AND a.epoch <> not_of
          AND m.channel = of_channel AND m.seq BETWEEN looked_from AND looked_to AND m.seq <> ALL (known)
          AND NOT EXISTS (SELECT FROM $.settlement s WHERE s.seq = m.seq AND s.seq BETWEEN looked_from AND looked_to)
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
      JOIN $.message m ON m.channel = of_channel AND m.seq = u.o_seq AND m.seq BETWEEN lowest AND highest
      LEFT JOIN $.raw r ON r.seq = u.o_seq AND r.seq BETWEEN lowest AND highest
      LEFT JOIN $.recovery c ON c.channel = of_channel AND c.seq = u.o_seq
      WHERE u.before < most_bytes ORDER BY u.o_seq;
  END $body$;

  CREATE OR REPLACE FUNCTION $.sweep(of_channel int, seqs bigint[]) RETURNS void LANGUAGE plpgsql
  ${near} AS $body$
  DECLARE
    rows bigint[];
    lowest bigint;
    highest bigint;
  BEGIN
    DELETE FROM $.recovery r WHERE r.channel = of_channel AND r.seq = ANY (seqs);
    SELECT array_agg(DISTINCT a.last), min(a.first), max(a.last) INTO rows, lowest, highest
      FROM unnest(seqs) AS s (seq) CROSS JOIN LATERAL (
        SELECT n.first, n.last FROM $.arrived n WHERE n.channel = of_channel AND n.last >= s.seq ORDER BY n.last LIMIT 1) a
      WHERE a.first <= s.seq;
    IF rows IS NULL THEN RETURN; END IF;
    DELETE FROM $.arrived d USING unnest(rows) AS of (last)
      WHERE d.channel = of_channel AND d.last = of.last AND NOT EXISTS (
        SELECT FROM $.message m WHERE m.channel = of_channel AND m.seq BETWEEN d.first AND d.last AND m.seq BETWEEN lowest AND highest
          AND NOT EXISTS (SELECT FROM $.settlement s WHERE s.seq = m.seq AND s.seq BETWEEN lowest AND highest));
  END $body$;
`;
