// One SQLite file: opened with care, spoken to in transactions, its errors told apart. Knows no table.

import { chmodSync, statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { GatehouseError } from '../errors.ts'
import type { EventLog } from '../log.ts'
import type { Durability, Statements } from './database.ts'
import { ensurePrivateFile } from './private-file.ts'
import { cannotOpen, isBusy, isDamage, sqliteError } from './sqlite-errors.ts'

export interface DatabaseFile {
  /** As `Database.read`; work gets plain statements. */
  read<T>(work: (sql: Statements) => T): Promise<T>
  write<T>(work: (sql: Statements) => T, durability: Durability): Promise<T>
  /** Outside any transaction, as `PRAGMA`, `VACUUM` and `ATTACH` want it. */
  bare<T>(work: (sql: Statements) => T): Promise<T>
  /**
   * Rises when another connection has changed the file (PRAGMA data_version); compare it with the value before.
   * Never throws.
   */
  changes(): number
  /** The last attempt to read or to write came to nothing. */
  failing(): boolean
  close(): void
}

export interface FileOptions {
  readonly file: string
  /** How long an operation waits for a lock that another process holds, milliseconds. */
  readonly busyMs: number
  /** Hears once when the file cannot be used, and once when it can be again. */
  readonly log: Pick<EventLog, 'error' | 'warn'>
}

/**
 * Opens the file, or makes an empty one that only its owner may read.
 *
 * @throws GatehouseError `store-unavailable`: locked, cannot be opened, or damaged.
 */
export async function openDatabaseFile(options: FileOptions): Promise<DatabaseFile> {
  const { file, busyMs, log } = options
  const db = open(file)
  const inode = statSync(file).ino
  const statements = new Map<string, StatementSync>()
  let synchronous: Durability | null = null
  let lastWrite: Promise<void> | null = null
  /** Apart, because a full disk can be read and must not seem to recover with every look at it. */
  const failing = { read: false, write: false }
  let version = 0

  const prepared = (text: string): StatementSync => {
    const known = statements.get(text)
    if (known !== undefined) return known
    const statement = db.prepare(text)
    statements.set(text, statement)
    return statement
  }
  const sql: Statements = {
    get: (text, ...values) => prepared(text).get(...values) ?? null,
    all: (text, ...values) => prepared(text).all(...values),
    run: (text, ...values) => Number(prepared(text).run(...values).changes),
  }

  function transaction<T>(begin: string, work: () => T): T {
    db.exec(begin)
    try {
      const result = work()
      db.exec('COMMIT')
      return result
    } catch (error) {
      // A full disk ends the transaction by itself.
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

  /** A removed or exchanged file would go on taking writes that nobody ever reads. */
  function insistOnFile(): void {
    if (!db.isOpen) throw closed(file)
    if (statSync(file, { throwIfNoEntry: false })?.ino === inode) return
    throw new GatehouseError('store-unavailable', `the database ${file} was removed or replaced`, {
      remedy: 'restart the gateway',
    })
  }

  /**
   * Tries again while another process holds the lock. Waiting inside SQLite (busy_timeout) would stop the event loop
   * and every request with it.
   */
  async function patiently<T>(kind: Kind, attempt: () => T, deadline: number): Promise<T> {
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
      try {
        insistOnFile()
        const result = attempt()
        if (failing[kind]) log.warn('store-recovered', { file, kind })
        failing[kind] = false
        return result
      } catch (error) {
        const left = deadline - performance.now()
        if (!isBusy(error) || left <= 0) throw translate(kind, error)
        await delay(Math.min(pauseMs, left))
      }
    }
  }

  function translate(kind: Kind, error: unknown): unknown {
    const translated = error instanceof GatehouseError ? error : sqliteError(file, error)
    if (translated instanceof GatehouseError && translated.code === 'store-unavailable') {
      // Nobody has to act on what comes after our own closing.
      if (!db.isOpen) return translated
      if (!failing[kind]) {
        const { message, cause } = translated
        const detail = cause instanceof Error ? cause.message : null
        log.error('store-failed', { file, kind, problem: message, detail })
      }
      failing[kind] = true
    }
    return translated
  }

  function write<T>(work: (statements: Statements) => T, durability: Durability): Promise<T> {
    const deadline = performance.now() + busyMs
    const run = () =>
      patiently(
        'write',
        () => {
          if (synchronous !== durability) {
            // Changes nothing about a crash of ours: what was committed is the kernel's. It is about power cuts.
            db.exec(`PRAGMA synchronous = ${durability === 'durable' ? 'FULL' : 'NORMAL'}`)
            synchronous = durability
          }
          return transaction('BEGIN IMMEDIATE', () => work(sql))
        },
        deadline,
      )
    const result = lastWrite === null ? run() : lastWrite.then(run)
    const turn = result.then(nothing, nothing)
    lastWrite = turn
    void turn.then(() => {
      if (lastWrite === turn) lastWrite = null
    })
    return result
  }

  const read: DatabaseFile['read'] = (work) =>
    patiently('read', () => transaction('BEGIN', () => work(sql)), performance.now() + busyMs)
  const bare: DatabaseFile['bare'] = (work) =>
    patiently('read', () => work(sql), performance.now() + busyMs)

  try {
    await bare(({ get }) => {
      // What is removed is overwritten with zeros: a deleted secret is gone from the file too.
      get('PRAGMA secure_delete = ON')
      get('PRAGMA trusted_schema = OFF')
      get('PRAGMA cell_size_check = ON')
      get('PRAGMA journal_size_limit = 4194304')
    })
  } catch (error) {
    db.close()
    throw error
  }

  return {
    read,
    write,
    bare,
    failing: () => failing.read || failing.write,
    changes() {
      try {
        insistOnFile()
        const row = sql.get('PRAGMA data_version')
        if (typeof row?.data_version === 'number') version = row.data_version
      } catch (error) {
        translate('read', error)
      }
      return version
    },
    close() {
      if (db.isOpen) db.close()
    },
  }
}

/**
 * Keeps everybody else away from a database, to exchange it. Its log is folded in: the file is all there is then.
 *
 * @returns `in-use`: another process has it open; `damaged`: its locks mean nothing any more.
 */
export function lockDatabaseFile(file: string): { release(): void } | 'in-use' | 'damaged' {
  const db = open(file)
  try {
    db.prepare('PRAGMA locking_mode = EXCLUSIVE').get()
    db.prepare('PRAGMA journal_mode = DELETE').get()
    db.exec('BEGIN EXCLUSIVE; COMMIT')
    return { release: () => db.close() }
  } catch (error) {
    db.close()
    if (isBusy(error)) return 'in-use'
    if (isDamage(error)) return 'damaged'
    throw sqliteError(file, error)
  }
}

/** The longest pause between two tries, milliseconds: a commit of another process takes about one. */
const maxPauseMs = 5
const nothing = () => {}

type Kind = 'read' | 'write'

function closed(file: string): GatehouseError {
  return new GatehouseError('store-unavailable', `the database ${file} is closed`)
}

function open(file: string): DatabaseSync {
  try {
    ensurePrivateFile(file)
    // Names, addresses and hashes: nobody else's business, also when it was copied here carelessly.
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
    return new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: true })
  } catch (cause) {
    throw cannotOpen(file, cause)
  }
}
