/** The tables of the log's file. A change of them gets a new number and a step from the number before. */

/** Written by this release; a file with a higher one is refused. `PRAGMA user_version`. */
export const SCHEMA_VERSION = 1;

/** Marks the file as ours: "DRaa" as a number. `PRAGMA application_id`. */
export const APPLICATION_ID = 0x44526161;

/** What a new file begins with. */
export const SCHEMA = `
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY,
  previous INTEGER NOT NULL,
  instance_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  type TEXT NOT NULL,
  schema INTEGER NOT NULL,
  at INTEGER NOT NULL,
  data TEXT NOT NULL,
  meta TEXT NOT NULL
) STRICT;

CREATE TABLE instances (
  instance_id TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  origin_sequence INTEGER NOT NULL,
  run_id TEXT,
  ended_run_id TEXT,
  runtime_info TEXT,
  completed_command TEXT,
  completed_attempt INTEGER,
  completed_sequence INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE commands (
  ordinal INTEGER PRIMARY KEY,
  command TEXT NOT NULL,
  site TEXT,
  enqueued_at INTEGER NOT NULL,
  accept_by INTEGER NOT NULL,
  deliveries INTEGER NOT NULL,
  accepted TEXT
) STRICT;

CREATE TABLE keys (
  key TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_expiry ON keys (expires_at);

CREATE TABLE workers (
  worker_id TEXT PRIMARY KEY,
  worker TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
  id INTEGER PRIMARY KEY,
  sequence INTEGER NOT NULL,
  schema INTEGER NOT NULL,
  chunks INTEGER NOT NULL,
  checksum TEXT NOT NULL
) STRICT;

CREATE TABLE snapshot_chunks (
  snapshot_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (snapshot_id, position)
) STRICT;
`;
