// Brings a database's schema up to date: numbered steps in one transaction, after a copy of the file.

import { renameSync, rmSync } from 'node:fs'
import { GatehouseError } from '../errors.ts'
import { integerOf, type Statements } from './database.ts'
import type { DatabaseFile } from './file-store.ts'
import type { Migration } from './migrations.ts'
import { ensurePrivateFile } from './private-file.ts'
import { isBusy } from './sqlite-errors.ts'

/** `GATE`: says in the header that the file is ours (PRAGMA application_id). */
const applicationId = 0x47415445

/**
 * All steps or none. The copy `<file>.before-<version>` is made when there is something to lose.
 *
 * @throws GatehouseError `store-in-use`: another process has the file open while the schema must change. `store-newer`, `store-corrupt` for another program's database; nothing was changed then.
 */
export async function migrate(
  db: DatabaseFile,
  file: string,
  migrations: readonly Migration[],
): Promise<void> {
  const before = await db.bare((sql) => versionOf(sql, file, migrations.length))
  // Only now that it is ours. WAL: a reader never waits for the writer, nor he for it.
  await db.bare((sql) => sql.get('PRAGMA journal_mode = WAL'))
  if (before === migrations.length) return
  if (before === 0) return run(db, file, migrations)
  await copyBefore(db, file, before)
  // An older gateway that still runs would go on with statements of its own schema. In this mode a transaction
  // succeeds only if nobody else has the file open.
  await db.bare((sql) => sql.get('PRAGMA locking_mode = EXCLUSIVE'))
  try {
    await run(db, file, migrations)
  } catch (cause) {
    if (!(cause instanceof GatehouseError) || !isBusy(cause.cause)) throw cause
    throw new GatehouseError('store-in-use', `${file} is in use by an older version of Gatehouse`, {
      remedy: 'restart the gateway, then do this again',
      cause,
    })
  } finally {
    await db.bare((sql) => {
      sql.get('PRAGMA locking_mode = NORMAL')
      // The lock goes with the next look at the file.
      pragma(sql, 'user_version')
    })
  }
}

function run(db: DatabaseFile, file: string, migrations: readonly Migration[]): Promise<void> {
  return db.write((sql) => {
    // Two processes may have started at once; the other one was first then.
    const version = versionOf(sql, file, migrations.length)
    for (const step of migrations.slice(version)) step(sql)
    sql.get(`PRAGMA application_id = ${applicationId}`)
    sql.get(`PRAGMA user_version = ${migrations.length}`)
  }, 'durable')
}

/** @returns 0: a new file. */
function versionOf(sql: Statements, file: string, known: number): number {
  const version = pragma(sql, 'user_version')
  const owner = pragma(sql, 'application_id')
  const isNew = version === 0 && owner === 0 && sql.get('SELECT 1 FROM sqlite_schema') === null
  if (!isNew && owner !== applicationId) {
    throw new GatehouseError('store-corrupt', `${file} is a database of another program`, {
      remedy: 'name another data directory, or move the file away',
    })
  }
  if (version <= known) return version
  const message = `${file} has schema ${version}; this version of Gatehouse knows ${known}`
  throw new GatehouseError('store-newer', message, {
    remedy: `run the newer version again, or put back ${file}.before-${known} from before the update`,
  })
}

function pragma(sql: Statements, name: string): number {
  const row = sql.get(`PRAGMA ${name}`)
  return row === null ? 0 : integerOf(row, name)
}

async function copyBefore(db: DatabaseFile, file: string, version: number): Promise<void> {
  const copy = `${file}.before-${version}`
  const next = `${copy}.new`
  await db.bare((sql) => {
    rmSync(next, { force: true })
    ensurePrivateFile(next)
    sql.run('VACUUM INTO ?', next)
    // Another process was faster, and has made the copy itself; this one might be of the new schema.
    if (pragma(sql, 'user_version') === version) renameSync(next, copy)
    else rmSync(next, { force: true })
  })
}
