// The table of linked accounts at identity providers.

import type { LinkedAccount, UserStore } from '../auth/people.ts'
import { GatehouseError } from '../errors.ts'
import type { UserId } from '../model.ts'
import {
  bytesOf,
  type Database,
  integerOf,
  integerOrNull,
  type Row,
  type Sql,
  textOf,
} from './database.ts'
import { sealed } from './sealed-columns.ts'

type AccountTable = Pick<UserStore, 'addAccount' | 'account' | 'accounts' | 'changeAccount'>

export function createAccountTable(db: Database): AccountTable {
  return {
    addAccount: (account) => db.write((sql) => add(sql, account), 'durable'),
    account: (provider, subject) => db.read((sql) => find(sql, provider, subject)),
    accounts: (provider) =>
      db.read((sql) =>
        sql
          .all('SELECT * FROM accounts WHERE provider = ? ORDER BY created_at, subject', provider)
          .map((row) => accountOf(sql, row)),
      ),
    changeAccount: (provider, subject, change) =>
      db.write((sql) => {
        const account = find(sql, provider, subject)
        if (account === null) return
        const token = change.token === undefined ? account.token : change.token
        sql.run(
          `UPDATE accounts SET login = ?, token = ?, checked_at = ?, last_used_at = ?
           WHERE provider = ? AND subject = ?`,
          change.login ?? account.login,
          sealToken(sql, { ...account, token }),
          change.checkedAt ?? account.checkedAt,
          change.lastUsedAt ?? account.lastUsedAt,
          provider,
          subject,
        )
      }, 'durable'),
  }
}

export function accountsOf(sql: Sql, user: UserId): readonly LinkedAccount[] {
  const text = 'SELECT * FROM accounts WHERE user = ? ORDER BY created_at, provider, subject'
  return sql.all(text, user).map((row) => accountOf(sql, row))
}

function find(sql: Sql, provider: string, subject: string): LinkedAccount | null {
  const text = 'SELECT * FROM accounts WHERE provider = ? AND subject = ?'
  const row = sql.get(text, provider, subject)
  return row === null ? null : accountOf(sql, row)
}

function add(sql: Sql, account: LinkedAccount): void {
  const added = sql.run(
    `INSERT INTO accounts (provider, subject, user, login, token, checked_at, created_at, last_used_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider, subject) DO NOTHING`,
    account.provider,
    account.subject,
    account.user,
    account.login,
    sealToken(sql, account),
    account.checkedAt,
    account.createdAt,
    account.lastUsedAt,
  )
  if (added === 0) {
    throw new GatehouseError('credential-exists', 'this account is linked to somebody already')
  }
}

function sealToken(sql: Sql, account: LinkedAccount): Uint8Array | null {
  if (account.token === null) return null
  return sql.seal(sealed.accountToken, placeIn(account), account.token)
}

function placeIn(account: Pick<LinkedAccount, 'provider' | 'subject' | 'user'>): readonly string[] {
  return [account.provider, account.subject, account.user]
}

function accountOf(sql: Sql, row: Row): LinkedAccount {
  const provider = textOf(row, 'provider')
  const subject = textOf(row, 'subject')
  const user = textOf(row, 'user') as UserId
  const place = placeIn({ provider, subject, user })
  return {
    provider,
    subject,
    user,
    login: textOf(row, 'login'),
    token:
      row.token === null ? null : sql.unseal(sealed.accountToken, place, bytesOf(row, 'token')),
    checkedAt: integerOf(row, 'checked_at'),
    createdAt: integerOf(row, 'created_at'),
    lastUsedAt: integerOrNull(row, 'last_used_at'),
  }
}
