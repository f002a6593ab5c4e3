// The table of users.

import type { User, UserChange, UserStore } from '../auth/people.ts'
import { GatehouseError } from '../errors.ts'
import type { UserId } from '../model.ts'
import {
  type Database,
  flagOf,
  integerOf,
  integerOrNull,
  listOf,
  type Row,
  type Sql,
  textOf,
  textOrNull,
} from './database.ts'

type UserTable = Pick<
  UserStore,
  'users' | 'user' | 'userByHandle' | 'addUser' | 'changeUser' | 'removeUser'
>

export function createUserTable(db: Database): UserTable {
  return {
    users: () => db.read((sql) => sql.all('SELECT * FROM users ORDER BY id').map(userOf)),
    user: (id) => db.read((sql) => find(sql, id)),
    userByHandle: (handle) =>
      db.read((sql) => {
        const row = sql.get('SELECT * FROM users WHERE handle = ?', handle)
        return row === null ? null : userOf(row)
      }),
    addUser: (user) =>
      db.write((sql) => {
        if (find(sql, user.id) !== null) {
          throw new GatehouseError('user-exists', `there is a user ${user.id} already`)
        }
        put(sql, user)
      }, 'durable'),
    changeUser: (id, change) =>
      db.write((sql) => {
        const user = find(sql, id)
        if (user === null) return null
        const changed = apply(user, change)
        put(sql, changed)
        return changed
      }, 'durable'),
    // Everything of his goes by ON DELETE CASCADE.
    removeUser: (id) =>
      db.write((sql) => sql.run('DELETE FROM users WHERE id = ?', id) > 0, 'durable'),
  }
}

function find(sql: Sql, id: UserId): User | null {
  const row = sql.get('SELECT * FROM users WHERE id = ?', id)
  return row === null ? null : userOf(row)
}

function put(sql: Sql, user: User): void {
  sql.run(
    `INSERT INTO users (id, display_name, email, groups, disabled, handle, created_at, last_sign_in_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, email = excluded.email,
       groups = excluded.groups, disabled = excluded.disabled, last_sign_in_at = excluded.last_sign_in_at`,
    user.id,
    user.displayName,
    user.email,
    JSON.stringify(user.groups),
    user.disabled ? 1 : 0,
    user.handle,
    user.createdAt,
    user.lastSignInAt,
  )
}

function apply(user: User, change: UserChange): User {
  return {
    ...user,
    displayName: change.displayName ?? user.displayName,
    email: change.email === undefined ? user.email : change.email,
    groups: change.groups ?? user.groups,
    disabled: change.disabled ?? user.disabled,
    lastSignInAt: change.lastSignInAt ?? user.lastSignInAt,
  }
}

function userOf(row: Row): User {
  return {
    id: textOf(row, 'id') as UserId,
    displayName: textOf(row, 'display_name'),
    email: textOrNull(row, 'email'),
    groups: listOf(row, 'groups'),
    disabled: flagOf(row, 'disabled'),
    handle: textOf(row, 'handle'),
    createdAt: integerOf(row, 'created_at'),
    lastSignInAt: integerOrNull(row, 'last_sign_in_at'),
  }
}
