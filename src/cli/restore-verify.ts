// Proves that the contents of a backup can be used: table readable, database whole and opened by its key. Touches nothing.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatehouseError } from '../errors.ts'
import { readTable } from '../routes-file/read.ts'
import { parseKeyFile } from '../store/key-file.ts'
import { databaseName, keyName, openStoreIn } from '../store/sqlite-store.ts'
import type { Content } from './backup-file.ts'
import { placeOf } from './backup-places.ts'

/**
 * @returns what is in it, one line per part.
 * @throws GatehouseError `backup-newer` for contents this version does not know; `backup-damaged`.
 */
export async function verifyContents(contents: readonly Content[]): Promise<readonly string[]> {
  for (const { name } of contents) {
    const nowhere = { dataDir: '', routesFile: '', environmentFile: '', certsDir: '' }
    if (placeOf(name, nowhere) !== null) continue
    throw new GatehouseError('backup-newer', `this version does not know what ${name} is`, {
      remedy: 'restore it with the version that made it',
    })
  }
  const named = (name: string) => contents.find((content) => content.name === name)?.data ?? null
  return [
    ...(await verifyDatabase(named(databaseName), named(keyName))),
    ...verifyTable(named('routes.yaml')),
  ]
}

const quiet = { error() {}, warn() {} }

/** Opens a throw-away copy, as the gateway would: version, every page, every reference, and the key. */
async function verifyDatabase(database: Buffer | null, key: Buffer | null): Promise<string[]> {
  if (database === null) return []
  if (key === null || parseKeyFile(key.toString('utf8')) === null) {
    throw new GatehouseError('backup-damaged', 'this backup holds a database and no key for it')
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-restore-'))
  try {
    writeFileSync(join(dataDir, databaseName), database, { mode: 0o600 })
    writeFileSync(join(dataDir, keyName), key, { mode: 0o600 })
    const store = await openStoreIn({ dataDir, secret: () => null, log: quiet, busyMs: 0 }).catch(
      (error) => {
        throw inWordsOfABackup(error)
      },
    )
    try {
      const [fault] = await store.check()
      if (fault !== undefined) {
        throw new GatehouseError(
          'backup-damaged',
          `the database in this backup is damaged: ${fault}`,
        )
      }
      const users = await store.users.users()
      for (const { id } of users) await store.users.credentials(id)
      return [`a database, ${users.length} ${users.length === 1 ? 'person' : 'people'}`]
    } finally {
      await store.close()
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Messages of the store name the throw-away copy, and its remedies are a backup. */
function inWordsOfABackup(error: unknown): unknown {
  if (!(error instanceof GatehouseError)) return error
  if (error.code === 'store-newer') {
    return new GatehouseError('backup-newer', 'the database was made by a newer version', {
      remedy: 'restore it with that version',
      cause: error,
    })
  }
  const message = 'the database in this backup cannot be opened'
  return new GatehouseError('backup-damaged', message, {
    remedy: 'take another copy of the backup, or an older one',
    cause: error,
  })
}

/** A table with faults is no reason to refuse: the person may be restoring it to mend it. */
function verifyTable(text: Buffer | null): string[] {
  if (text === null) return []
  const { definition, problems } = readTable(text.toString('utf8'))
  if (definition !== null) return [`a table, ${count(definition.routes.length, 'route')}`]
  const errors = problems.filter(({ severity }) => severity === 'error').length
  return [`a table with ${count(errors, 'error')}: the gateway will not start with it`]
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
