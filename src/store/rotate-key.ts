// Changes the encryption key: everything is encrypted anew in one transaction. Safe to be killed at any point.

import { bytesOf, type Statements, textOf } from './database.ts'
import type { DatabaseFile } from './file-store.ts'
import { placeOf, type SealedColumn, sealed } from './sealed-columns.ts'
import type { Vault } from './vault.ts'

export interface Rotation {
  /** Ids of the keys; equal: the database uses the key of the secret already, and nothing was done. */
  readonly from: string
  readonly to: string
  /** How many values were encrypted anew. */
  readonly values: number
}

/**
 * The new key is on disk beside the old one before the first value is encrypted with it, and the old one goes when the
 * change is on disk. So at every moment the file holds the key that the database names. Both happen under the write
 * lock: two rotations at once follow each other. A gateway that runs learns the new key from the file.
 *
 * @throws GatehouseError `key-wrong`, `value-damaged` when a value cannot be opened; nothing has changed then.
 */
export async function rotateKey(db: DatabaseFile, vault: Vault): Promise<Rotation> {
  const rotation = await db.write((sql) => {
    const from = currentKey(sql)
    const to = vault.keys.next().id
    if (to === from) return { from, to, values: 0 }
    let values = 0
    for (const column of Object.values(sealed)) values += reseal(sql, vault, { column, to })
    sql.run('UPDATE vault SET key_id = ? WHERE id = 1', to)
    return { from, to, values }
  }, 'durable')
  await db.write((sql) => vault.keys.keepOnly(currentKey(sql)), 'durable')
  // The log may still hold what the old key opens. Another reader can prevent it; the next one to close does it then.
  await db.bare((sql) => sql.get('PRAGMA wal_checkpoint(TRUNCATE)'))
  return rotation
}

/** Id of the key that the database is encrypted with. */
export function currentKey(sql: Statements): string {
  const row = sql.get('SELECT key_id FROM vault WHERE id = 1')
  return row === null ? '' : textOf(row, 'key_id')
}

function reseal(
  sql: Statements,
  vault: Vault,
  { column, to }: { readonly column: SealedColumn; readonly to: string },
): number {
  const { table, column: name, row: keys } = column
  const which = keys.map((key) => `${key} = ?`).join(' AND ')
  const rows = sql.all(`SELECT * FROM ${table} WHERE ${name} IS NOT NULL`)
  for (const row of rows) {
    const place = placeOf(
      column,
      keys.map((key) => String(row[key])),
    )
    const value = vault.seal(to, place, vault.unseal(place, bytesOf(row, name)))
    const values = keys.map((key) => row[key] ?? null)
    sql.run(`UPDATE ${table} SET ${name} = ? WHERE ${which}`, value, ...values)
  }
  return rows.length
}
