// The table of passkeys and security keys.

import type { Passkey, UserStore } from '../auth/people.ts'
import { GatehouseError } from '../errors.ts'
import type { UserId } from '../model.ts'
import {
  bytesOf,
  type Database,
  flagOf,
  integerOf,
  integerOrNull,
  listOf,
  oneOf,
  type Row,
  type Sql,
  textOf,
} from './database.ts'

type PasskeyTable = Pick<UserStore, 'addPasskey' | 'passkey' | 'relyingParties' | 'passkeyUsed'>

export function createPasskeyTable(db: Database): PasskeyTable {
  return {
    addPasskey: (passkey) => db.write((sql) => add(sql, passkey), 'durable'),
    passkey: (id) =>
      db.read((sql) => {
        const row = sql.get('SELECT * FROM passkeys WHERE id = ?', id)
        return row === null ? null : passkeyOf(row)
      }),
    relyingParties: () =>
      db.read((sql) =>
        sql
          .all('SELECT DISTINCT relying_party FROM passkeys ORDER BY relying_party')
          .map((row) => textOf(row, 'relying_party')),
      ),
    passkeyUsed: (id, { counter, backedUp, at }) =>
      db.write((sql) => {
        sql.run(
          'UPDATE passkeys SET counter = ?, backed_up = ?, last_used_at = ? WHERE id = ?',
          counter,
          backedUp ? 1 : 0,
          at,
          id,
        )
      }, 'lazy'),
  }
}

export function passkeysOf(sql: Sql, user: UserId): readonly Passkey[] {
  const text = 'SELECT * FROM passkeys WHERE user = ? ORDER BY created_at, id'
  return sql.all(text, user).map(passkeyOf)
}

function add(sql: Sql, passkey: Passkey): void {
  const added = sql.run(
    `INSERT INTO passkeys (id, user, kind, public_key, counter, transports, device_type, backed_up,
       aaguid, relying_party, label, created_at, last_used_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    passkey.id,
    passkey.user,
    passkey.kind,
    passkey.publicKey,
    passkey.counter,
    JSON.stringify(passkey.transports),
    passkey.deviceType,
    passkey.backedUp ? 1 : 0,
    passkey.aaguid,
    passkey.relyingParty,
    passkey.label,
    passkey.createdAt,
    passkey.lastUsedAt,
  )
  if (added === 0) {
    throw new GatehouseError('credential-exists', 'this passkey is registered already')
  }
}

function passkeyOf(row: Row): Passkey {
  return {
    id: textOf(row, 'id'),
    user: textOf(row, 'user') as UserId,
    kind: oneOf(row, 'kind', ['passkey', 'security-key']),
    publicKey: bytesOf(row, 'public_key'),
    counter: integerOf(row, 'counter'),
    transports: listOf(row, 'transports'),
    deviceType: oneOf(row, 'device_type', ['singleDevice', 'multiDevice']),
    backedUp: flagOf(row, 'backed_up'),
    aaguid: textOf(row, 'aaguid'),
    relyingParty: textOf(row, 'relying_party'),
    label: textOf(row, 'label'),
    createdAt: integerOf(row, 'created_at'),
    lastUsedAt: integerOrNull(row, 'last_used_at'),
  }
}
