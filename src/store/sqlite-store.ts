// The store in one SQLite file: users, sessions, tokens, audit and settings. Puts the tables together; holds the rules of opening.

import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Audit } from '../auth/audit.ts'
import type { UserStore } from '../auth/people.ts'
import type { SessionStore } from '../auth/session-store.ts'
import type { SettingStore } from '../auth/setting-store.ts'
import type { TokenStore } from '../auth/token-store.ts'
import { GatehouseError } from '../errors.ts'
import type { EventLog } from '../log.ts'
import { createAccountTable } from './account-table.ts'
import { createAuditTable } from './audit-table.ts'
import { createCredentialTable } from './credential-table.ts'
import { bytesOf, type Database, type Sql, type Statements, textOf } from './database.ts'
import { type DatabaseFile, openDatabaseFile } from './file-store.ts'
import { createKeyRing } from './key-file.ts'
import { createLinkTable } from './link-table.ts'
import { migrate } from './migrate.ts'
import { type Migration, migrations } from './migrations.ts'
import { createPasskeyTable } from './passkey-table.ts'
import { createPasswordTable } from './password-table.ts'
import { ensurePrivateFile } from './private-file.ts'
import { currentKey, type Rotation, rotateKey } from './rotate-key.ts'
import { placeOf, sealed } from './sealed-columns.ts'
import { createSessionTable } from './session-table.ts'
import { createSettingTable } from './setting-table.ts'
import { isDamage } from './sqlite-errors.ts'
import { createTokenTable } from './token-table.ts'
import { createUserTable } from './user-table.ts'
import { createVault, type Vault } from './vault.ts'

/** Everything that is kept. Methods reject with GatehouseError `store-unavailable` when the file is not to be had. */
export interface Store {
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly tokens: TokenStore
  /** Its owner calls `flush` now and then; `close` does it once more. */
  readonly audit: Audit
  readonly settings: SettingStore
  /** Another number than before: somebody else has changed the file. Never throws. */
  changes(): number
  /** The last attempt to read or to write came to nothing. Never throws. */
  failing(): boolean
  /** Looks at every page and every reference. @returns what is wrong, one sentence each; empty: nothing. */
  check(): Promise<readonly string[]>
  /** Writes a consistent copy, also while others write. @throws GatehouseError `store-unavailable`. */
  backupTo(path: string): Promise<void>
  /** Encrypts everything with another key, see rotate-key.ts. */
  rotateKey(): Promise<Rotation>
  /** Flushes the audit log, then lets go of the file. Everything later rejects. */
  close(): Promise<void>
}

export interface StoreOptions {
  /** Path of the database. */
  readonly file: string
  readonly vault: Vault
  readonly log: Pick<EventLog, 'error' | 'warn'>
  /** How long an operation waits for another process, milliseconds: 250 for the gateway, 5000 for commands. */
  readonly busyMs: number
  /** Default: the program's own. */
  readonly migrations?: readonly Migration[]
}

/** Names of the database and the key in the data directory. */
export const databaseName = 'gatehouse.db'
export const keyName = 'gatehouse.key'

/** The store of a data directory, with its key file or the secret `ENCRYPTION_KEY`. Throws as `openStore`. */
export function openStoreIn(options: {
  readonly dataDir: string
  readonly secret: (name: string) => string | null
  readonly log: Pick<EventLog, 'error' | 'warn'>
  readonly busyMs: number
}): Promise<Store> {
  const { dataDir, secret, log, busyMs } = options
  const vault = createVault(createKeyRing({ file: join(dataDir, keyName), secret }))
  return openStore({ file: join(dataDir, databaseName), vault, log, busyMs })
}

/**
 * Opens the database, or makes it (0600), and brings it up to date; before that it is copied to `<file>.before-<n>`.
 *
 * @throws GatehouseError `store-corrupt`: no database, another program's, or damaged; `store-newer`: written by a newer
 *   version; `key-wrong`: encrypted with a key that is not here; `key-exposed`, `key-invalid`, `key-unreadable`;
 *   `store-unavailable`: locked, full, or not ours to open.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { file, vault, log, busyMs } = options
  return orCorrupt(file, async () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    insistOnContent(file, vault.keys.file)
    const db = await openDatabaseFile({ file, busyMs, log })
    try {
      await insistOnHealth(db, file)
      await migrate(db, file, options.migrations ?? migrations)
      await bindKey(db, vault)
      return storeOf(db, options)
    } catch (error) {
      db.close()
      throw error
    }
  })
}

async function orCorrupt<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isDamage(error)) throw error
    throw new GatehouseError('store-corrupt', `the database ${file} is damaged or no database`, {
      remedy: `put back a backup by "gatehouse restore"; without one, move it away with its -wal and -shm: then everybody enrols anew`,
      cause: error,
    })
  }
}

function storeOf(file: DatabaseFile, { vault, log }: StoreOptions): Store {
  const db = sealing(file, vault)
  const audit = createAuditTable(db, { log })
  return {
    users: {
      ...createUserTable(db),
      ...createCredentialTable(db),
      ...createPasskeyTable(db),
      ...createPasswordTable(db),
      ...createAccountTable(db),
      ...createLinkTable(db),
    },
    sessions: createSessionTable(db),
    tokens: createTokenTable(db),
    audit,
    settings: createSettingTable(db),
    changes: file.changes,
    failing: file.failing,
    check: () => file.bare(faults),
    backupTo: (path) => file.bare((sql) => copyInto(sql, path)),
    rotateKey: () => rotateKey(file, vault),
    async close() {
      await audit.flush()
      const lost = audit.waiting()
      if (lost > 0) log.error('audit-lost', { entries: lost })
      file.close()
    },
  }
}

/**
 * Copies the database of a data directory for a backup. Makes none, and changes none: a gateway of another version
 * may be using it.
 *
 * @returns id of its key; `null`: there is no database, or nothing in it.
 * @throws GatehouseError `store-corrupt`, `store-unavailable`.
 */
export async function copyDatabase(options: {
  readonly file: string
  readonly to: string
  readonly log: StoreOptions['log']
  readonly busyMs: number
}): Promise<string | null> {
  const { file, to } = options
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return null
  return orCorrupt(file, async () => {
    const db = await openDatabaseFile(options)
    try {
      await insistOnHealth(db, file)
      await db.bare((sql) => copyInto(sql, to))
    } finally {
      db.close()
    }
    // Asked of the copy: the key may have been changed a moment later.
    const copy = await openDatabaseFile({ ...options, file: to })
    try {
      return await copy.read((tables) =>
        tables.get("SELECT 1 FROM sqlite_schema WHERE name = 'vault'") === null
          ? null
          : currentKey(tables),
      )
    } finally {
      copy.close()
    }
  })
}

function copyInto(sql: Statements, path: string): void {
  // VACUUM INTO takes an empty file, and keeps its mode.
  ensurePrivateFile(path)
  sql.run('VACUUM INTO ?', path)
}

/** Transactions that can seal; a value that cannot be opened is an unusable store to whoever asked for it. */
function sealing(file: DatabaseFile, vault: Vault): Database {
  const withSeals = (sql: Statements): Sql => ({
    ...sql,
    // The key is looked up in the transaction: another process may have changed it a moment ago.
    seal: (column, row, text) =>
      orUnavailable(() => vault.seal(currentKey(sql), placeOf(column, row), text)),
    unseal: (column, row, bytes) => orUnavailable(() => vault.unseal(placeOf(column, row), bytes)),
  })
  return {
    read: (work) => file.read((sql) => work(withSeals(sql))),
    write: (work, durability) => file.write((sql) => work(withSeals(sql)), durability),
  }
}

function orUnavailable<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    const remedy = error.remedy === null ? {} : { remedy: error.remedy }
    throw new GatehouseError('store-unavailable', error.message, { ...remedy, cause: error })
  }
}

/** Notes the key in a new database; proves in an old one that it is the right one. */
async function bindKey(db: DatabaseFile, vault: Vault): Promise<void> {
  const place = placeOf(sealed.keyCheck, ['1'])
  const bound = await db.read((sql) => sql.get('SELECT key_id, sealed FROM vault WHERE id = 1'))
  if (bound !== null) {
    vault.unseal(place, bytesOf(bound, 'sealed'))
    return
  }
  await db.write((sql) => {
    if (sql.get('SELECT 1 FROM vault') !== null) return
    const { id } = vault.keys.primary()
    const text = 'INSERT INTO vault (id, key_id, sealed) VALUES (1, ?, ?)'
    sql.run(text, id, vault.seal(id, place, 'gatehouse'))
  }, 'durable')
}

/**
 * The key is made after the tables: an empty file beside it has lost them, and must not become a new beginning. To
 * SQLite a file of one byte is empty too.
 */
function insistOnContent(file: string, keyFile: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size
  if (size === undefined || size > 1 || !existsSync(keyFile) || existsSync(`${file}-wal`)) return
  throw new GatehouseError('store-corrupt', `the database ${file} is empty, and was not before`, {
    remedy:
      'put back a backup by "gatehouse restore", or remove the file: then everybody enrols anew',
  })
}

async function insistOnHealth(db: DatabaseFile, file: string): Promise<void> {
  const [fault] = await db.bare((sql) => faultsOf(sql, 'PRAGMA quick_check(1)'))
  if (fault === undefined) return
  throw new GatehouseError('store-corrupt', `the database ${file} is damaged: ${fault}`, {
    remedy:
      'put back a backup by "gatehouse restore"; keep a copy of the damaged file and its -wal',
  })
}

function faults(sql: Statements): readonly string[] {
  const references = sql
    .all('PRAGMA foreign_key_check')
    .map((row) => `a row of ${textOf(row, 'table')} belongs to nobody`)
  return [...faultsOf(sql, 'PRAGMA integrity_check(100)'), ...references]
}

function faultsOf(sql: Statements, pragma: string): readonly string[] {
  const lines = sql.all(pragma).flatMap((row) => Object.values(row).map(String))
  return lines.filter((line) => line !== 'ok')
}
