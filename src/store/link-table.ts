// The tables of one-time links, devices seen before, and notices to people.

import type { Link, Notice, UserStore } from '../auth/people.ts'
import type { UserId } from '../model.ts'
import { type Database, integerOf, oneOf, type Row, textOf } from './database.ts'

type LinkTable = Pick<
  UserStore,
  | 'addLink'
  | 'link'
  | 'spendLink'
  | 'removeLinks'
  | 'rememberDevice'
  | 'addNotice'
  | 'notices'
  | 'dismissNotices'
>

/** Of one person; the oldest go. Whoever guesses at a password can make notices, and must not fill the disk. */
const maxNotices = 100
const maxDevices = 100

export function createLinkTable(db: Database): LinkTable {
  return {
    addLink: (link) =>
      db.write((sql) => {
        sql.run('DELETE FROM links WHERE expires_at <= ?', link.createdAt)
        sql.run(
          'INSERT INTO links (hash, user, created_at, expires_at) VALUES (?, ?, ?, ?)',
          link.hash,
          link.user,
          link.createdAt,
          link.expiresAt,
        )
      }, 'durable'),
    link: (hash, now) =>
      db.read((sql) => {
        const row = sql.get('SELECT * FROM links WHERE hash = ? AND expires_at > ?', hash, now)
        return row === null ? null : linkOf(row)
      }),
    spendLink: (hash, now) =>
      db.write((sql) => {
        const text = 'DELETE FROM links WHERE hash = ? AND expires_at > ? RETURNING *'
        const row = sql.get(text, hash, now)
        return row === null ? null : linkOf(row)
      }, 'durable'),
    removeLinks: (user) =>
      db.write((sql) => sql.run('DELETE FROM links WHERE user = ?', user), 'durable'),

    rememberDevice: (user, hash, at) =>
      db.write((sql) => {
        const seen = 'UPDATE devices SET last_at = ? WHERE user = ? AND hash = ?'
        if (sql.run(seen, at, user, hash) > 0) return false
        const add = 'INSERT INTO devices (user, hash, first_at, last_at) VALUES (?, ?, ?, ?)'
        sql.run(add, user, hash, at, at)
        sql.run(
          `DELETE FROM devices WHERE user = ?1 AND hash NOT IN
             (SELECT hash FROM devices WHERE user = ?1 ORDER BY last_at DESC, hash LIMIT ?2)`,
          user,
          maxDevices,
        )
        return true
      }, 'lazy'),
    addNotice: ({ user, at, kind, text }) =>
      db.write((sql) => {
        const add = 'INSERT INTO notices (user, at, kind, text) VALUES (?, ?, ?, ?)'
        sql.run(add, user, at, kind, text)
        sql.run(
          `DELETE FROM notices WHERE user = ?1 AND id NOT IN
             (SELECT id FROM notices WHERE user = ?1 ORDER BY id DESC LIMIT ?2)`,
          user,
          maxNotices,
        )
      }, 'lazy'),
    notices: (user) =>
      db.read((sql) =>
        sql.all('SELECT * FROM notices WHERE user = ? ORDER BY id', user).map(noticeOf),
      ),
    dismissNotices: (user, upTo) =>
      db.write((sql) => {
        sql.run('DELETE FROM notices WHERE user = ? AND id <= ?', user, upTo)
      }, 'lazy'),
  }
}

function linkOf(row: Row): Link {
  return {
    hash: textOf(row, 'hash'),
    user: textOf(row, 'user') as UserId,
    createdAt: integerOf(row, 'created_at'),
    expiresAt: integerOf(row, 'expires_at'),
  }
}

const noticeKinds: readonly Notice['kind'][] = [
  'new-device',
  'credential-added',
  'credential-removed',
  'recovery-code-used',
  'ban',
]

function noticeOf(row: Row): Notice {
  return {
    id: integerOf(row, 'id'),
    user: textOf(row, 'user') as UserId,
    at: integerOf(row, 'at'),
    kind: oneOf(row, 'kind', noticeKinds),
    text: textOf(row, 'text'),
  }
}
