// All credentials of a person together: what there is, its names, and the removal that never takes the last one.

import type { CredentialKey, Credentials, UserStore } from '../auth/people.ts'
import type { UserId } from '../model.ts'
import { accountsOf } from './account-table.ts'
import { type Database, integerOf, type Sql } from './database.ts'
import { passkeysOf } from './passkey-table.ts'
import { passwordOf, totpsOf } from './password-table.ts'

type CredentialTable = Pick<
  UserStore,
  'credentials' | 'rename' | 'removeCredential' | 'removeCredentials'
>

export function createCredentialTable(db: Database): CredentialTable {
  return {
    credentials: (user) => db.read((sql) => credentialsOf(sql, user)),
    rename: (user, key, label) => db.write((sql) => rename(sql, user, { key, label }), 'durable'),
    removeCredential: (user, key) =>
      db.write((sql) => {
        if (!exists(sql, user, key)) return 'absent'
        if (!canSignInWithout(sql, user, key)) return 'last'
        remove(sql, user, key)
        return 'removed'
      }, 'durable'),
    removeCredentials: (user) =>
      db.write((sql) => {
        for (const table of ['passkeys', 'passwords', 'totps', 'accounts', 'recovery_codes']) {
          sql.run(`DELETE FROM ${table} WHERE user = ?`, user)
        }
      }, 'durable'),
  }
}

function credentialsOf(sql: Sql, user: UserId): Credentials {
  const codes = sql.get('SELECT count(*) AS codes FROM recovery_codes WHERE user = ?', user)
  return {
    passkeys: passkeysOf(sql, user),
    password: passwordOf(sql, user),
    totps: totpsOf(sql, user),
    accounts: accountsOf(sql, user),
    recoveryCodes: codes === null ? 0 : integerOf(codes, 'codes'),
  }
}

function rename(
  sql: Sql,
  user: UserId,
  { key, label }: { readonly key: CredentialKey; readonly label: string },
): boolean {
  switch (key.kind) {
    case 'passkey':
      return (
        sql.run('UPDATE passkeys SET label = ? WHERE id = ? AND user = ?', label, key.id, user) > 0
      )
    case 'totp':
      return (
        sql.run('UPDATE totps SET label = ? WHERE id = ? AND user = ?', label, key.id, user) > 0
      )
    // There is one password, and an account goes by its login.
    case 'password':
    case 'account':
      return false
    default:
      key satisfies never
      return false
  }
}

function exists(sql: Sql, user: UserId, key: CredentialKey): boolean {
  const { table, where, values } = rowsOf(key)
  return sql.get(`SELECT 1 AS found FROM ${table} WHERE user = ?${where}`, user, ...values) !== null
}

function remove(sql: Sql, user: UserId, key: CredentialKey): void {
  const { table, where, values } = rowsOf(key)
  sql.run(`DELETE FROM ${table} WHERE user = ?${where}`, user, ...values)
}

function rowsOf(key: CredentialKey): {
  readonly table: string
  readonly where: string
  readonly values: readonly string[]
} {
  switch (key.kind) {
    case 'passkey':
      return { table: 'passkeys', where: ' AND id = ?', values: [key.id] }
    case 'password':
      return { table: 'passwords', where: '', values: [] }
    case 'totp':
      return { table: 'totps', where: ' AND id = ?', values: [key.id] }
    case 'account': {
      const values = [key.provider, key.subject]
      return { table: 'accounts', where: ' AND provider = ? AND subject = ?', values }
    }
  }
}

/** Looks at the rest as it is in this transaction: two removals at once cannot each take the other's last one. */
function canSignInWithout(sql: Sql, user: UserId, key: CredentialKey): boolean {
  const all = credentialsOf(sql, user)
  const passkeys = all.passkeys.filter(({ id }) => key.kind !== 'passkey' || id !== key.id)
  const totps = all.totps.filter(({ id }) => key.kind !== 'totp' || id !== key.id)
  const accounts = all.accounts.filter(
    ({ provider, subject }) =>
      key.kind !== 'account' || provider !== key.provider || subject !== key.subject,
  )
  const password = key.kind === 'password' ? null : all.password
  const securityKey = passkeys.some(({ kind }) => kind === 'security-key')
  return (
    passkeys.some(({ kind }) => kind === 'passkey') ||
    accounts.length > 0 ||
    (password !== null && (totps.length > 0 || securityKey))
  )
}
