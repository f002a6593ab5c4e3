// The audit log: written in batches, kept while the store is not to be had, bounded in memory and on disk.

import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import type { AuditEntry } from '../../src/auth/audit.ts'
import type { RequestId } from '../../src/model.ts'
import { createAuditTable, maxWaitingEntries } from '../../src/store/audit-table.ts'
import type { Database, Sql } from '../../src/store/database.ts'
import { userId } from '../contract/records.ts'
import { testStore } from '../fixtures/store.ts'

const diego = userId('diego')

function entry(at: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    at,
    event: 'sign-in',
    actor: diego,
    user: diego,
    client: '192.0.2.1',
    request: 'r-1' as RequestId,
    details: { method: 'passkey', ok: true, tries: 2, label: null },
    ...more,
  }
}

t.test('an entry comes back as it was written, newest first', async (t) => {
  const files = testStore(t)
  const store = await files.open()
  const empty = { actor: null, user: null, client: null, request: null, details: {} }
  store.audit.write(entry(1))
  store.audit.write(entry(3, { event: 'ban', ...empty }))
  store.audit.write(entry(2, { actor: 'cli', user: userId('removed-long-ago') }))
  const all = await store.audit.list({})
  t.strictSame(all, [
    entry(3, { event: 'ban', ...empty }),
    entry(2, { actor: 'cli', user: userId('removed-long-ago') }),
    entry(1),
  ])
  t.strictSame(await (await files.open()).audit.list({}), all, 'for another process too')
})

t.test('a list can be narrowed', async (t) => {
  const store = await testStore(t).open()
  for (let at = 0; at < 20; at += 1) {
    const user = at % 2 === 0 ? diego : userId('ana')
    store.audit.write(entry(at, { event: at % 3 === 0 ? 'sign-out' : 'sign-in', user }))
  }
  const times = async (filter: Parameters<typeof store.audit.list>[0]) =>
    (await store.audit.list(filter)).map(({ at }) => at)
  t.strictSame(await times({ user: diego, since: 15 }), [18, 16])
  t.strictSame(await times({ event: 'sign-out', limit: 3 }), [18, 15, 12])
  t.strictSame(await times({ user: userId('ana'), event: 'sign-out' }), [15, 9, 3])
  t.strictSame(await times({ limit: 0 }), [19], 'at least one')
  t.equal((await times({ limit: 1e9 })).length, 20)
  t.strictSame(await times({ user: userId("'; DROP TABLE audit --") }), [])
})

t.test('closing writes what waits', async (t) => {
  const files = testStore(t)
  const store = await files.open()
  store.audit.write(entry(1))
  await store.close()
  t.strictSame(await (await files.open()).audit.list({}), [entry(1)])
})

t.test(
  'while the database is locked entries wait, are listed, and are written later',
  async (t) => {
    const files = testStore(t)
    const store = await files.open({ busyMs: 0 })
    store.audit.write(entry(1))
    await store.audit.flush()
    const other = new DatabaseSync(files.file)
    other.exec('BEGIN IMMEDIATE')
    store.audit.write(entry(2))
    store.audit.write(entry(3, { event: 'ban' }))
    await store.audit.flush()
    t.strictSame(
      (await store.audit.list({})).map(({ at }) => at),
      [3, 2, 1],
    )
    t.strictSame(
      (await store.audit.list({ event: 'ban' })).map(({ at }) => at),
      [3],
    )
    other.exec('ROLLBACK')
    other.close()
    await store.audit.flush()
    const written = await (await files.open()).audit.list({})
    t.strictSame(
      written.map(({ at }) => at),
      [3, 2, 1],
      'each once',
    )
  },
)

t.test('what cannot be written at the end is counted in the log', async (t) => {
  const files = testStore(t)
  const store = await files.open({ busyMs: 0 })
  const other = new DatabaseSync(files.file)
  other.exec('BEGIN IMMEDIATE')
  store.audit.write(entry(1))
  await store.close()
  t.strictSame(files.events, ['store-failed', 'audit-lost'])
  other.close()
})

/** A database that can be switched off; it counts what is inserted. */
function switchable() {
  let off = false
  const inserted: string[] = []
  const sql: Sql = {
    get: () => null,
    all: () => [],
    run: (text, ...values) => {
      if (text.startsWith('INSERT')) inserted.push(String(values[1]))
      return 1
    },
    seal: () => new Uint8Array(),
    unseal: () => '',
  }
  const attempt = async <T>(work: (sql: Sql) => T): Promise<T> => {
    if (off) throw new Error('off')
    return work(sql)
  }
  const db: Database = { read: attempt, write: attempt }
  return {
    db,
    inserted,
    turn: (on: boolean) => {
      off = !on
    },
  }
}

t.test('no more than so many entries wait, and the rest is counted', async (t) => {
  const { db, inserted, turn } = switchable()
  const logged: string[] = []
  const audit = createAuditTable(db, { log: { error: (event) => logged.push(event) } })
  turn(false)
  for (let at = 0; at < maxWaitingEntries + 25; at += 1) audit.write(entry(at))
  await audit.flush()
  t.equal(audit.waiting(), maxWaitingEntries + 25)
  t.strictSame(logged, ['audit-dropping'])
  turn(true)
  await audit.flush()
  t.equal(audit.waiting(), 0)
  t.equal(inserted.length, maxWaitingEntries + 1)
  t.equal(inserted.filter((event) => event === 'audit-dropped').length, 1, 'the gap is on record')
  audit.write(entry(1))
  await audit.flush()
  t.equal(inserted.length, maxWaitingEntries + 2)
})

t.test('two flushes at once write nothing twice', async (t) => {
  const { db, inserted } = switchable()
  const audit = createAuditTable(db, { log: { error() {} } })
  for (let at = 0; at < 1200; at += 1) audit.write(entry(at))
  await Promise.all([audit.flush(), audit.flush(), audit.list({})])
  t.equal(inserted.length, 1200)
})

t.test('on disk the oldest entries make room', async (t) => {
  const files = testStore(t)
  const store = await files.open()
  await store.close()
  const db = new DatabaseSync(files.file)
  db.exec(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100050)
     INSERT INTO audit (at, event, details) SELECT i, 'old', '{}' FROM n`,
  )
  db.close()
  const again = await files.open()
  again.audit.write(entry(200_000))
  await again.audit.flush()
  const count = new DatabaseSync(files.file, { readOnly: true })
  t.strictSame(
    { ...count.prepare('SELECT count(*) AS entries, min(at) AS oldest FROM audit').get() },
    { entries: 100_000, oldest: 52 },
  )
  count.close()
})
