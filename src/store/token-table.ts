// The table of personal tokens for programs.

import type { TokenRecord, TokenStore, TokenWake } from '../auth/token-store.ts'
import type { UserId } from '../model.ts'
import {
  type Database,
  integerOf,
  integerOrNull,
  jsonOf,
  listOf,
  listOrNull,
  misfit,
  type Row,
  textOf,
  textOrNull,
} from './database.ts'

export function createTokenTable(db: Database): TokenStore {
  return {
    all: () =>
      db.read((sql) => sql.all('SELECT * FROM tokens ORDER BY created_at, id').map(tokenOf)),
    add: (token) =>
      db.write((sql) => {
        sql.run(
          `INSERT INTO tokens (id, hash, user, label, hosts, methods, paths, wake, scopes, created_at,
             expires_at, last_used_at, last_address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          token.id,
          token.hash,
          token.user,
          token.label,
          json(token.hosts),
          json(token.methods),
          json(token.paths),
          json(token.wake),
          JSON.stringify(token.scopes),
          token.createdAt,
          token.expiresAt,
          token.lastUsedAt,
          token.lastAddress,
        )
      }, 'durable'),
    remove: (ids) =>
      db.write((sql) => {
        let removed = 0
        for (const id of ids) removed += sql.run('DELETE FROM tokens WHERE id = ?', id)
        return removed
      }, 'durable'),
    removeAll: () => db.write((sql) => sql.run('DELETE FROM tokens'), 'durable'),
    touch: (used) =>
      db.write((sql) => {
        for (const { id, lastUsedAt, lastAddress } of used) {
          sql.run(
            'UPDATE tokens SET last_used_at = ?, last_address = ? WHERE id = ?',
            lastUsedAt,
            lastAddress,
            id,
          )
        }
      }, 'lazy'),
  }
}

function json(value: readonly string[] | TokenWake | null): string | null {
  return value === null ? null : JSON.stringify(value)
}

function tokenOf(row: Row): TokenRecord {
  return {
    id: textOf(row, 'id'),
    hash: textOf(row, 'hash'),
    user: textOf(row, 'user') as UserId,
    label: textOf(row, 'label'),
    hosts: listOrNull(row, 'hosts'),
    methods: listOrNull(row, 'methods'),
    paths: listOrNull(row, 'paths'),
    wake: row.wake === null ? null : wakeOf(row),
    scopes: listOf(row, 'scopes'),
    createdAt: integerOf(row, 'created_at'),
    expiresAt: integerOrNull(row, 'expires_at'),
    lastUsedAt: integerOrNull(row, 'last_used_at'),
    lastAddress: textOrNull(row, 'last_address'),
  }
}

function wakeOf(row: Row): TokenWake {
  const wake = jsonOf(row, 'wake')
  const perDay = numberIn(wake, 'perDay')
  const hours = memberOf(wake, 'hours')
  if (hours === null) return { hours: null, perDay }
  return { hours: { from: numberIn(hours, 'from'), to: numberIn(hours, 'to') }, perDay }
}

function numberIn(holder: unknown, name: string): number {
  const value = memberOf(holder, name)
  if (typeof value !== 'number') throw misfit('wake')
  return value
}

function memberOf(holder: unknown, name: string): unknown {
  if (typeof holder !== 'object' || holder === null) throw misfit('wake')
  return Reflect.get(holder, name)
}
