// The schema, as numbered steps. A step that was released is never edited; a change is a new step at the end.

import type { Statements } from './database.ts'

/** Brings the schema from one number to the next; runs inside the transaction that also notes the number. */
export type Migration = (sql: Statements) => void

/** The step at index n leads from version n to version n + 1. */
export const migrations: readonly Migration[] = [
  (sql) => {
    for (const statement of first) sql.run(statement)
  },
]

// Times are wall clock milliseconds, lists JSON, flags 0 or 1. Columns of type BLOB are encrypted (sealed-columns.ts),
// except the public key. What has many random bits is kept as its hash; short recovery codes are encrypted, since their
// hashes could be guessed.
const first = [
  `CREATE TABLE vault (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE users (
    id TEXT PRIMARY KEY,
    display_name TEXT NOT NULL,
    email TEXT,
    groups TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    handle TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_sign_in_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    kind TEXT NOT NULL,
    public_key BLOB NOT NULL,
    counter INTEGER NOT NULL,
    transports TEXT NOT NULL,
    device_type TEXT NOT NULL,
    backed_up INTEGER NOT NULL,
    aaguid TEXT NOT NULL,
    relying_party TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX passkeys_user ON passkeys (user)',
  `CREATE TABLE passwords (
    user TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE totps (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    secret BLOB NOT NULL,
    label TEXT NOT NULL,
    last_step INTEGER,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX totps_user ON totps (user)',
  `CREATE TABLE accounts (
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    login TEXT NOT NULL,
    token BLOB,
    checked_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    PRIMARY KEY (provider, subject)
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX accounts_user ON accounts (user)',
  `CREATE TABLE recovery_codes (
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    number INTEGER NOT NULL,
    code BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user, number)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE links (
    hash TEXT PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX links_user ON links (user)',
  `CREATE TABLE devices (
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    hash TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (user, hash)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT`,
  'CREATE INDEX notices_user ON notices (user)',
  `CREATE TABLE sessions (
    ref TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    account_hash TEXT NOT NULL,
    account TEXT,
    methods TEXT NOT NULL,
    passkey INTEGER NOT NULL,
    second_factor INTEGER NOT NULL,
    remember INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    first_address TEXT NOT NULL,
    last_address TEXT NOT NULL,
    user_agent TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX sessions_user ON sessions (user)',
  `CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    label TEXT NOT NULL,
    hosts TEXT,
    methods TEXT,
    paths TEXT,
    wake TEXT,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    last_address TEXT
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX tokens_user ON tokens (user)',
  `CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
  ) STRICT, WITHOUT ROWID`,
  // Without references: what somebody did stays on record when he is removed.
  `CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    actor TEXT,
    user TEXT,
    client TEXT,
    request TEXT,
    details TEXT NOT NULL
  ) STRICT`,
  'CREATE INDEX audit_at ON audit (at)',
  'CREATE INDEX audit_user ON audit (user, at)',
  'CREATE INDEX audit_event ON audit (event, at)',
]
