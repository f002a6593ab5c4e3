// The table of sessions.

import type { SessionRecord, SessionStore, SignInMethod } from '../auth/session-store.ts'
import type { SessionRef, UserId } from '../model.ts'
import {
  type Database,
  flagOf,
  integerOf,
  listOf,
  misfit,
  type Row,
  textOf,
  textOrNull,
} from './database.ts'

export function createSessionTable(db: Database): SessionStore {
  return {
    all: () => db.read((sql) => sql.all('SELECT * FROM sessions').map(sessionOf)),
    add: (record) =>
      db.write((sql) => {
        sql.run(
          `INSERT INTO sessions (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
          ...valuesOf(record),
        )
      }, 'durable'),
    // Never an insert: a session that another process has revoked must not come back.
    rotate: (record) =>
      db.write(
        (sql) =>
          sql.run(
            `UPDATE sessions SET ${columns.map((name) => `${name} = ?`).join(', ')} WHERE ref = ?`,
            ...valuesOf(record),
            record.ref,
          ) === 1,
        'durable',
      ),
    remove: (refs) =>
      db.write((sql) => {
        let removed = 0
        for (const ref of refs) removed += sql.run('DELETE FROM sessions WHERE ref = ?', ref)
        return removed
      }, 'durable'),
    removeAll: () => db.write((sql) => sql.run('DELETE FROM sessions'), 'durable'),
    touch: (seen) =>
      db.write((sql) => {
        for (const { ref, lastSeenAt, lastAddress } of seen) {
          sql.run(
            'UPDATE sessions SET last_seen_at = ?, last_address = ? WHERE ref = ?',
            lastSeenAt,
            lastAddress,
            ref,
          )
        }
      }, 'lazy'),
  }
}

const columns = [
  'ref',
  'hash',
  'user',
  'account_hash',
  'account',
  'methods',
  'passkey',
  'second_factor',
  'remember',
  'created_at',
  'authenticated_at',
  'last_seen_at',
  'first_address',
  'last_address',
  'user_agent',
] as const

/** In the order of `columns`. */
function valuesOf(record: SessionRecord) {
  return [
    record.ref,
    record.hash,
    record.user,
    record.accountHash,
    record.account,
    JSON.stringify(record.methods),
    record.passkey ? 1 : 0,
    record.secondFactor ? 1 : 0,
    record.remember ? 1 : 0,
    record.createdAt,
    record.authenticatedAt,
    record.lastSeenAt,
    record.firstAddress,
    record.lastAddress,
    record.userAgent,
  ]
}

const methodNames: readonly SignInMethod[] = [
  'passkey',
  'security-key',
  'password',
  'totp',
  'provider',
  'recovery-code',
  'approved',
]

function sessionOf(row: Row): SessionRecord {
  return {
    hash: textOf(row, 'hash'),
    ref: textOf(row, 'ref') as SessionRef,
    user: textOf(row, 'user') as UserId,
    accountHash: textOf(row, 'account_hash'),
    account: textOrNull(row, 'account'),
    methods: listOf(row, 'methods').map(methodOf),
    passkey: flagOf(row, 'passkey'),
    secondFactor: flagOf(row, 'second_factor'),
    remember: flagOf(row, 'remember'),
    createdAt: integerOf(row, 'created_at'),
    authenticatedAt: integerOf(row, 'authenticated_at'),
    lastSeenAt: integerOf(row, 'last_seen_at'),
    firstAddress: textOf(row, 'first_address'),
    lastAddress: textOf(row, 'last_address'),
    userAgent: textOf(row, 'user_agent'),
  }
}

function methodOf(name: string): SignInMethod {
  const method = methodNames.find((each) => each === name)
  if (method === undefined) throw misfit('methods')
  return method
}
