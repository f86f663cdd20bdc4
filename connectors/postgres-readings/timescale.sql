-- Readings as hypertables of TimescaleDB instead of partitions of PostgreSQL's own: the same columns, so that the channel is the same.
-- TimescaleDB refuses a table that is partitioned already. Run it once, before or after the first migration, while no hub writes:
-- what was written before moves over. Weir then makes no partitions and drops none; the policies below do.
-- Replace `readings` where the destination says another schema, and the times where it says other days.
BEGIN;
CREATE EXTENSION IF NOT EXISTS timescaledb;

ALTER TABLE readings.reading RENAME TO reading_before;
CREATE TABLE readings.reading (
  ts timestamptz NOT NULL, value double precision, series_id int NOT NULL, q smallint NOT NULL
);
SELECT create_hypertable('readings.reading', 'ts', chunk_time_interval => interval '1 day', create_default_indexes => false);
ALTER TABLE readings.reading ADD PRIMARY KEY (series_id, ts);
INSERT INTO readings.reading (ts, value, series_id, q) SELECT ts, value, series_id, q FROM readings.reading_before;
DROP TABLE readings.reading_before;
SELECT add_retention_policy('readings.reading', interval '90 days');

ALTER TABLE readings.state RENAME TO state_before;
CREATE TABLE readings.state (
  ts timestamptz NOT NULL, series_id int NOT NULL, q smallint NOT NULL, value text
);
SELECT create_hypertable('readings.state', 'ts', chunk_time_interval => interval '1 day', create_default_indexes => false);
ALTER TABLE readings.state ADD PRIMARY KEY (series_id, ts);
INSERT INTO readings.state (ts, series_id, q, value) SELECT ts, series_id, q, value FROM readings.state_before;
DROP TABLE readings.state_before;
SELECT add_retention_policy('readings.state', interval '90 days');

ALTER TABLE readings.reading_minute RENAME TO reading_minute_before;
CREATE TABLE readings.reading_minute (
  minute timestamptz NOT NULL, min double precision NOT NULL, max double precision NOT NULL, sum double precision NOT NULL,
  series_id int NOT NULL, n int NOT NULL
);
SELECT create_hypertable('readings.reading_minute', 'minute', chunk_time_interval => interval '7 days', create_default_indexes => false);
ALTER TABLE readings.reading_minute ADD PRIMARY KEY (series_id, minute);
INSERT INTO readings.reading_minute (minute, min, max, sum, series_id, n)
  SELECT minute, min, max, sum, series_id, n FROM readings.reading_minute_before;
DROP TABLE readings.reading_minute_before;
SELECT add_retention_policy('readings.reading_minute', interval '1825 days');
COMMIT;
