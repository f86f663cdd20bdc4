import { beginCommit, planned } from './given-migration.ts';

/** A plan that is kept opens every partition: of 400 that takes a millisecond, and to make it anew 300 ms. */
const mostKept = 100;

/**
 * What other hubs stored is read without what the hub stored itself, each message is looked for once, and with it comes what it arrived
 * with: the hub that has read all of that deletes its row of `arrived` as it does with its own, with the commit that settles the last.
 */
export const pageMigration = (slotSpan: number) => `
  DROP FUNCTION $.unrouted_messages;

  -- The first messages of a channel that are not routed, in order of seq, until there are so many bytes: above one, without those that are
  -- known, and without those of an opening. Rows of arrived never overlap, so that their order is that of the messages.
  CREATE FUNCTION $.unrouted_page(of_channel int, above bigint, known bigint[], not_of bigint, most int, most_bytes bigint)
  RETURNS TABLE (o_seq bigint, o_first bigint, o_last bigint, o_size int, o_day int, o_epoch bigint, o_recoveries int, o_id uuid,
    o_received_at bigint, o_meta_fields int, o_meta text, o_key text, o_replay_of uuid, o_only_to text, o_attached smallint, o_bytes bytea)
  LANGUAGE plpgsql ${planned} AS $body$
  DECLARE
    lowest bigint;
    highest bigint;
  BEGIN
    -- With few partitions it costs less to open them all than to plan, which takes a millisecond.
    IF EXISTS (SELECT FROM $.slot OFFSET ${mostKept}) THEN PERFORM set_config('plan_cache_mode', 'force_custom_plan', true); END IF;
    SELECT greatest(r.first, above + 1) INTO lowest FROM $.arrived r
      WHERE r.channel = of_channel AND r.last > above AND r.epoch <> not_of ORDER BY r.last LIMIT 1;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT r.last INTO highest FROM $.arrived r WHERE r.channel = of_channel ORDER BY r.last DESC LIMIT 1;
    RETURN QUERY SELECT u.seq, u.first, u.last, u.size, u.day, u.epoch, coalesce(c.recoveries, 0), u.id, u.received_at, u.meta_fields, u.meta,
        u.key, u.replay_of, u.only_to, u.attached, r.bytes
      FROM (SELECT p.*, sum(p.size) OVER (ORDER BY p.seq) - p.size AS before
        FROM (SELECT m.*, a.first, a.last, a.day, a.epoch
          FROM (SELECT * FROM $.arrived r WHERE r.channel = of_channel AND r.last > above AND r.epoch <> not_of ORDER BY r.last) a
          CROSS JOIN LATERAL (SELECT * FROM $.message n
            WHERE n.channel = of_channel AND n.seq BETWEEN a.first AND a.last AND n.seq BETWEEN lowest AND highest AND n.seq <> ALL (known)
              AND NOT EXISTS (SELECT FROM $.settlement s WHERE s.seq = n.seq AND s.seq BETWEEN lowest AND highest LIMIT 1)
            ORDER BY n.seq LIMIT most) m
          ORDER BY a.last, m.seq LIMIT most) p) u
      LEFT JOIN LATERAL (SELECT n.bytes FROM $.raw n WHERE n.seq = u.seq AND n.seq BETWEEN lowest AND highest LIMIT 1) r ON true
      LEFT JOIN LATERAL (SELECT n.recoveries FROM $.recovery n WHERE n.channel = of_channel AND n.seq = u.seq LIMIT 1) c ON true
      WHERE u.before < most_bytes ORDER BY u.seq;
  END $body$;

  -- As before; the hub may know of all that arrived together that the last of it is settled, whoever stored it.
  ${beginCommit('CREATE OR REPLACE', 'all', slotSpan)}`;
