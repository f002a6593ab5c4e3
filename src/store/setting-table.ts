// The table of the gateway's own settings: one encrypted value per key.

import type { SettingStore } from '../auth/setting-store.ts'
import { bytesOf, type Database } from './database.ts'
import { sealed } from './sealed-columns.ts'

export function createSettingTable(db: Database): SettingStore {
  return {
    get: (key) =>
      db.read((sql) => {
        const row = sql.get('SELECT value FROM settings WHERE key = ?', key)
        return row === null ? null : sql.unseal(sealed.setting, [key], bytesOf(row, 'value'))
      }),
    set: (key, value) =>
      db.write((sql) => {
        sql.run(
          `INSERT INTO settings (key, value) VALUES (?, ?)
           ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
          key,
          sql.seal(sealed.setting, [key], value),
        )
      }, 'durable'),
  }
}
