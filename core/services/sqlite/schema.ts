/** Bumped with every change of the tables. */
export const schemaVersion = 1;

export const schema = `
  -- 'epoch' rises with each opening: whoever opened it before commits no more.
  CREATE TABLE service (
    name TEXT PRIMARY KEY,
    instance TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE document (
    service TEXT NOT NULL,
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (service, collection, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE cursor (
    service TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (service, topic, partition)
  ) STRICT, WITHOUT ROWID;

  -- By generation first: what is forgotten is one range, and no index of times is needed.
  CREATE TABLE inbox (
    service TEXT NOT NULL,
    generation INTEGER NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (service, generation, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE outbox (
    service TEXT NOT NULL,
    seq INTEGER NOT NULL,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    headers TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (service, seq)
  ) STRICT, WITHOUT ROWID;

  PRAGMA user_version = ${schemaVersion};
`;
