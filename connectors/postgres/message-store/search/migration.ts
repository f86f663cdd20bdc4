/**
 * The search index. Partitions of `search_term`, `search_path` and `search_text` are made by whoever indexes, one a slot, as those of
 * the messages are. What is indexed up to `search_position.seq` is committed with that; `search_open` holds messages that were
 * indexed before their first pass ended, and `search_slot` counts the indexed messages of a slot.
 */
export const searchMigration = `
  CREATE TABLE $.search_position (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), seq bigint NOT NULL DEFAULT 0, free_text boolean NOT NULL DEFAULT false,
    levels text NOT NULL DEFAULT '[]', hub text
  ) WITH (fillfactor = 20);
  INSERT INTO $.search_position DEFAULT VALUES;
  CREATE TABLE $.search_slot (slot bigint PRIMARY KEY, messages bigint NOT NULL) WITH (fillfactor = 20);
  CREATE TABLE $.search_open (seq bigint PRIMARY KEY, channel int NOT NULL, with_content boolean NOT NULL)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, vacuum_truncate = false);

  CREATE TABLE $.search_term (term text COLLATE "C" NOT NULL, seq bigint NOT NULL, channel int NOT NULL) PARTITION BY RANGE (seq);
  CREATE INDEX search_term_place ON $.search_term (term, seq);
  -- Numbers that stand for values at their paths, and for three characters in a row: what is found is a candidate.
  CREATE TABLE $.search_path (seq bigint NOT NULL, channel int NOT NULL, places int4[] NOT NULL) PARTITION BY RANGE (seq);
  CREATE INDEX search_path_places ON $.search_path USING gin (places);
  CREATE TABLE $.search_text (seq bigint NOT NULL, channel int NOT NULL, trigrams int2[] NOT NULL) PARTITION BY RANGE (seq);
  CREATE INDEX search_text_trigrams ON $.search_text USING gin (trigrams);

  -- Up to which seq nothing will be committed any more, once the transactions that are named have ended (waiting: those named before).
  -- Whoever takes a seq has changed its hub's row before, in the same transaction and in no part of it (begin_commit; a savepoint, or a
  -- function that catches errors, would give the row the id of the part, which no snapshot tells of): what is under way when the last
  -- seq is read is seen at the rows of the hubs, and a transaction of somebody else's database holds up nothing.
  CREATE FUNCTION $.search_bound(waiting xid8[], OUT ended boolean, OUT last bigint, OUT under_way xid8[]) LANGUAGE plpgsql AS $body$
  BEGIN
    ended := NOT EXISTS (SELECT FROM unnest(waiting) x WHERE NOT pg_visible_in_snapshot(x, pg_current_snapshot()));
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END INTO last FROM $.seq;
    -- A statement of its own, so that its snapshot is younger than that. xmax has 32 bits: those of the nearest transaction are meant.
    SELECT coalesce(array_agg(of.id), '{}') INTO under_way FROM (
      SELECT (n - mod(n - x + 6442450944, 4294967296) + 2147483648)::text::xid8 AS id FROM (
        SELECT xmax::text::bigint AS x, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS n FROM $.hub) hubs WHERE x > 0) of
      WHERE NOT pg_visible_in_snapshot(of.id, pg_current_snapshot());
  END $body$;

  -- Has everything indexed again, for whoever administers the database.
  CREATE FUNCTION $.search_again() RETURNS void LANGUAGE plpgsql AS $body$
  BEGIN
    PERFORM FROM $.search_position FOR UPDATE;
    TRUNCATE $.search_term, $.search_path, $.search_text, $.search_open;
    UPDATE $.search_slot SET messages = 0;
    UPDATE $.search_position SET seq = 0;
  END $body$;
`;
