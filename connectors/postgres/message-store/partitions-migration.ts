import { byKey } from './foresight-migration.ts';

/**
 * Looked for between the seqs that can be meant, and planned with them: of a partition a day a statement that names no bounds, or whose
 * plan is kept, opens all. Of 90 that took 50 ms a call, of 400 370 ms.
 */
export const near = `${byKey} SET plan_cache_mode = force_custom_plan`;

export const partitionsMigration = `
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
