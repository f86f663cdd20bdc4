/** Forward-only: a released migration is never changed, a change is the next one. `$` stands for the schema. */
export const migrations: readonly string[] = [
  `
  -- epoch rises with each opening: whoever opened it before commits no more.
  CREATE TABLE $.service (
    name text COLLATE "C" PRIMARY KEY, instance uuid NOT NULL DEFAULT gen_random_uuid(), epoch bigint NOT NULL DEFAULT 1,
    last_seq bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 20);
  CREATE TABLE $.service_document (
    service text COLLATE "C" NOT NULL, collection text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, document text NOT NULL,
    PRIMARY KEY (service, collection, key)
  ) WITH (fillfactor = 50);
  CREATE TABLE $.service_cursor (
    service text COLLATE "C" NOT NULL, topic text COLLATE "C" NOT NULL, partition int NOT NULL, next bigint NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (service, topic, partition)
  ) WITH (fillfactor = 20);
  CREATE TABLE $.service_inbox (
    service text COLLATE "C" NOT NULL, generation bigint NOT NULL, id text COLLATE "C" NOT NULL, PRIMARY KEY (service, generation, id)
  );
  CREATE TABLE $.service_outbox (
    service text COLLATE "C" NOT NULL, seq bigint NOT NULL, topic text NOT NULL, key text NOT NULL, headers text NOT NULL,
    value bytea NOT NULL, PRIMARY KEY (service, seq)
  );
  `,
];
