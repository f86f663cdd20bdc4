/**
 * Forward-only: a released migration is never changed, a change is the next one. `$` stands for the schema.
 *
 * Columns by falling width: a row of `reading` takes 48 bytes with a double, as many as with a real in the order of its words.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE $.series (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, device text NOT NULL, point text NOT NULL, unit text NOT NULL,
    mdc int, loinc text[], profile text NOT NULL, location text, subject text, since timestamptz NOT NULL DEFAULT now(),
    UNIQUE (device, point, unit)
  );
  CREATE TABLE $.validity (q smallint PRIMARY KEY, name text NOT NULL, has_value boolean NOT NULL);
  INSERT INTO $.validity VALUES (0, 'Vld', true), (1, 'Qst', true), (2, 'Inv', false), (3, 'Oflw', false), (4, 'Uflw', false);

  CREATE TABLE $.reading (
    ts timestamptz NOT NULL, value double precision, series_id int NOT NULL, q smallint NOT NULL, PRIMARY KEY (series_id, ts)
  ) PARTITION BY RANGE (ts);
  CREATE INDEX reading_ts ON $.reading USING brin (ts);

  -- Names of states, truths of contacts, and whatever else is no number.
  CREATE TABLE $.state (
    ts timestamptz NOT NULL, series_id int NOT NULL, q smallint NOT NULL, value text, PRIMARY KEY (series_id, ts)
  ) PARTITION BY RANGE (ts);
  CREATE INDEX state_ts ON $.state USING brin (ts);

  CREATE TABLE $.reading_minute (
    minute timestamptz NOT NULL, min double precision NOT NULL, max double precision NOT NULL, sum double precision NOT NULL,
    series_id int NOT NULL, n int NOT NULL, PRIMARY KEY (series_id, minute)
  ) PARTITION BY RANGE (minute);
  CREATE INDEX reading_minute_minute ON $.reading_minute USING brin (minute);

  CREATE TABLE $.latest (
    ts timestamptz NOT NULL, value double precision, series_id int PRIMARY KEY, q smallint NOT NULL, state text
  ) WITH (fillfactor = 50);

  -- Minutes whose figures do not say all that was written yet.
  CREATE TABLE $.unrolled (minute timestamptz PRIMARY KEY, at timestamptz NOT NULL) WITH (fillfactor = 20);
  `,
];

/** Tables by day, the column that says which, and whether they hold figures of minutes. */
export const partitioned = [
  { table: 'reading', isRollup: false },
  { table: 'state', isRollup: false },
  { table: 'reading_minute', isRollup: true },
] as const;
