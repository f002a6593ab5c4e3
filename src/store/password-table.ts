// The tables of passwords, authenticator apps and recovery codes.

import { timingSafeEqual } from 'node:crypto'
import type { Password, Totp, UserStore } from '../auth/people.ts'
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

type PasswordTable = Pick<
  UserStore,
  | 'setPassword'
  | 'passwordUsed'
  | 'addTotp'
  | 'spendTotpStep'
  | 'setRecoveryCodes'
  | 'spendRecoveryCode'
>

export function createPasswordTable(db: Database): PasswordTable {
  return {
    setPassword: (user, hash, at) =>
      db.write((sql) => {
        sql.run(
          `INSERT INTO passwords (user, hash, created_at) VALUES (?, ?, ?) ON CONFLICT (user)
           DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at, last_used_at = NULL`,
          user,
          sql.seal(sealed.passwordHash, [user], hash),
          at,
        )
      }, 'durable'),
    passwordUsed: (user, at) =>
      db.write((sql) => {
        sql.run('UPDATE passwords SET last_used_at = ? WHERE user = ?', at, user)
      }, 'lazy'),
    addTotp: (totp) => db.write((sql) => addTotp(sql, totp), 'durable'),
    spendTotpStep: (id, step, at) =>
      db.write((sql) => {
        // One statement: of two processes with the same code one finds the step spent.
        const text = `UPDATE totps SET last_step = ?, last_used_at = ?
          WHERE id = ? AND (last_step IS NULL OR last_step < ?)`
        return sql.run(text, step, at, id, step) === 1
      }, 'durable'),
    setRecoveryCodes: (user, hashes, at) =>
      db.write((sql) => {
        sql.run('DELETE FROM recovery_codes WHERE user = ?', user)
        for (const [number, hash] of hashes.entries()) {
          sql.run(
            'INSERT INTO recovery_codes (user, number, code, created_at) VALUES (?, ?, ?, ?)',
            user,
            number,
            sql.seal(sealed.recoveryCode, [user, String(number)], hash),
            at,
          )
        }
      }, 'durable'),
    spendRecoveryCode: (user, hash) => db.write((sql) => spend(sql, user, hash), 'durable'),
  }
}

/** @returns `null`: he has none. */
export function passwordOf(sql: Sql, user: UserId): Password | null {
  const row = sql.get('SELECT * FROM passwords WHERE user = ?', user)
  if (row === null) return null
  return {
    hash: sql.unseal(sealed.passwordHash, [user], bytesOf(row, 'hash')),
    createdAt: integerOf(row, 'created_at'),
    lastUsedAt: integerOrNull(row, 'last_used_at'),
  }
}

export function totpsOf(sql: Sql, user: UserId): readonly Totp[] {
  const text = 'SELECT * FROM totps WHERE user = ? ORDER BY created_at, id'
  return sql.all(text, user).map((row) => totpOf(sql, row))
}

function addTotp(sql: Sql, totp: Totp): void {
  const added = sql.run(
    `INSERT INTO totps (id, user, secret, label, last_step, created_at, last_used_at)
     VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    totp.id,
    totp.user,
    sql.seal(sealed.totpSecret, [totp.user, totp.id], totp.secret),
    totp.label,
    totp.lastStep,
    totp.createdAt,
    totp.lastUsedAt,
  )
  if (added === 0) {
    throw new GatehouseError('credential-exists', 'this authenticator is registered already')
  }
}

function totpOf(sql: Sql, row: Row): Totp {
  const id = textOf(row, 'id')
  const user = textOf(row, 'user') as UserId
  return {
    id,
    user,
    secret: sql.unseal(sealed.totpSecret, [user, id], bytesOf(row, 'secret')),
    label: textOf(row, 'label'),
    lastStep: integerOrNull(row, 'last_step'),
    createdAt: integerOf(row, 'created_at'),
    lastUsedAt: integerOrNull(row, 'last_used_at'),
  }
}

/** Codes are few and short, hence encrypted and not looked up: all are opened, whichever fits. */
function spend(sql: Sql, user: UserId, hash: string): boolean {
  const wanted = Buffer.from(hash)
  let spent: number | null = null
  for (const row of sql.all('SELECT number, code FROM recovery_codes WHERE user = ?', user)) {
    const number = integerOf(row, 'number')
    const place = [user, String(number)]
    const known = Buffer.from(sql.unseal(sealed.recoveryCode, place, bytesOf(row, 'code')))
    if (known.length === wanted.length && timingSafeEqual(known, wanted)) spent = number
  }
  if (spent === null) return false
  const text = 'DELETE FROM recovery_codes WHERE user = ? AND number = ?'
  return sql.run(text, user, spent) === 1
}
