// Opening the database: new, old, newer, damaged, locked, somebody else's, or taken away while it is open.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { createKeyRing } from '../../src/store/key-file.ts'
import { type Migration, migrations } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/sqlite-store.ts'
import { createVault } from '../../src/store/vault.ts'
import { aPasskey, aTotp, aUser, userId } from '../contract/records.ts'
import { type TestStore, testStore } from '../fixtures/store.ts'

const diego = userId('diego')
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

async function withPeople(t: Test, people = 1): Promise<TestStore> {
  const files = testStore(t)
  const store = await files.open()
  for (let i = 0; i < people; i += 1) {
    const id = i === 0 ? 'diego' : `person${i}`
    await store.users.addUser(aUser(id))
    await store.users.addPasskey(aPasskey(id, `key-of-${id}`, { label: 'l'.repeat(300) }))
    await store.users.addTotp(aTotp(id, `totp-of-${id}`))
  }
  await store.close()
  return files
}

const openWith = (files: TestStore, steps: readonly Migration[], busyMs = 0) =>
  openStore({
    file: files.file,
    vault: createVault(createKeyRing({ file: files.keyFile, secret: () => null })),
    log: { warn() {}, error() {} },
    busyMs,
    migrations: steps,
  })

const addColumn: Migration = (sql) => {
  sql.run("ALTER TABLE users ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'")
}

t.test('a first start makes directory, database and key, for their owner alone', async (t) => {
  const base = t.testdir({})
  const files = testStore(t, join(base, 'deep', 'data'))
  const store = await files.open()
  await store.users.addUser(aUser('diego'))
  t.equal(mode(files.dataDir), '700')
  for (const name of readdirSync(files.dataDir))
    t.equal(mode(join(files.dataDir, name)), '600', name)
  t.strictSame(
    readdirSync(files.dataDir).sort(),
    ['gatehouse.db', 'gatehouse.db-shm', 'gatehouse.db-wal', 'gatehouse.key'],
    'with the log that readers and writers need',
  )
  await store.close()
  t.strictSame(readdirSync(files.dataDir).sort(), ['gatehouse.db', 'gatehouse.key'])
  t.strictSame((await (await files.open()).users.users()).length, 1, 'and is there afterwards')
})

t.test('a database that others could read is closed to them', async (t) => {
  const files = await withPeople(t)
  chmodSync(files.file, 0o644)
  await files.open()
  t.equal(mode(files.file), '600')
})

t.test('two processes that start at once make one database', async (t) => {
  const files = testStore(t)
  const [one, other] = await Promise.all([files.open(), files.open()])
  await one.settings.set('a', 'by one')
  t.equal(await other.settings.get('a'), 'by one')
})

t.test('an older schema is brought up to date, and kept beside it as it was', async (t) => {
  const files = await withPeople(t)
  const store = await openWith(files, [...migrations, addColumn])
  t.equal((await store.users.users()).length, 1)
  await store.close()
  const copy = `${files.file}.before-${migrations.length}`
  t.equal(mode(copy), '600')
  const before = new DatabaseSync(copy, { readOnly: true })
  t.equal(before.prepare('PRAGMA user_version').get()?.user_version, migrations.length)
  t.equal(before.prepare('SELECT count(*) AS users FROM users').get()?.users, 1)
  t.throws(() => before.prepare('SELECT colour FROM users'))
  before.close()
  const after = new DatabaseSync(files.file, { readOnly: true })
  t.equal(after.prepare('SELECT colour FROM users').get()?.colour, 'grey')
  after.close()
})

t.test('a step that fails leaves the schema as it was, and the copy', async (t) => {
  const files = await withPeople(t)
  const broken: Migration = () => {
    throw new Error('a mistake in a migration')
  }
  await t.rejects(openWith(files, [...migrations, addColumn, broken]), /a mistake/)
  const store = await files.open()
  t.equal((await store.users.users()).length, 1)
  t.strictSame(await store.check(), [])
})

t.test('the schema does not change under an older gateway that runs', async (t) => {
  const files = await withPeople(t)
  const running = await files.open()
  await running.users.users()
  await t.rejects(openWith(files, [...migrations, addColumn]), {
    code: 'store-in-use',
    remedy: /restart the gateway/,
  })
  t.equal((await running.users.changeUser(diego, { displayName: 'D' }))?.displayName, 'D')
  await running.close()
  const updated = await openWith(files, [...migrations, addColumn])
  const second = await openWith(files, [...migrations, addColumn])
  t.equal((await second.users.users()).length, 1, 'and the lock of the change is gone')
  await Promise.all([updated.close(), second.close()])
})

t.test('a newer schema is refused, and nothing is touched', async (t) => {
  const files = await withPeople(t)
  await (await openWith(files, [...migrations, addColumn])).close()
  const bytes = readFileSync(files.file)
  await t.rejects(files.open(), { code: 'store-newer', remedy: /run the newer version/ })
  t.ok(readFileSync(files.file).equals(bytes))
})

t.test('the database of another program is refused', async (t) => {
  const files = testStore(t)
  mkdirSync(files.dataDir, { recursive: true })
  const other = new DatabaseSync(files.file)
  other.exec('CREATE TABLE notes (text TEXT)')
  other.close()
  const bytes = readFileSync(files.file)
  await t.rejects(files.open(), { code: 'store-corrupt', message: /another program/ })
  t.ok(readFileSync(files.file).equals(bytes), 'untouched')
  t.notOk(existsSync(files.keyFile), 'and no key is made for it')
})

for (const [what, damage] of [
  ['text', (file: string) => writeFileSync(file, 'this was a database once\n'.repeat(400))],
  ['a damaged header', (file: string) => patch(file, 0, Buffer.alloc(16, 0x41))],
  ['its first page alone', (file: string) => truncateSync(file, 4096)],
  ['half of its pages', (file: string) => truncateSync(file, statSync(file).size / 2)],
  ['half a page', (file: string) => truncateSync(file, 2000)],
  ['nothing any more', (file: string) => truncateSync(file, 0)],
  ['zeros in the middle', (file: string) => patch(file, 3 * 4096, Buffer.alloc(5 * 4096))],
  ['pages in another order', (file: string) => swapPages(file, 2, 9)],
] as const) {
  t.test(`a file that is ${what} is refused with a remedy`, async (t) => {
    const files = await withPeople(t, 30)
    damage(files.file)
    const bytes = readFileSync(files.file)
    await t.rejects(files.open(), { code: 'store-corrupt', remedy: /gatehouse restore/ })
    t.ok(readFileSync(files.file).equals(bytes), 'it is left as it is for whoever can repair it')
    t.equal(mode(files.keyFile), '600')
  })
}

function patch(file: string, at: number, bytes: Buffer): void {
  const all = readFileSync(file)
  bytes.copy(all, at)
  writeFileSync(file, all)
}

function swapPages(file: string, a: number, b: number): void {
  const all = readFileSync(file)
  const page = (n: number) => all.subarray(n * 4096, (n + 1) * 4096)
  const first = Buffer.from(page(a))
  page(b).copy(all, a * 4096)
  first.copy(all, b * 4096)
  writeFileSync(file, all)
}

t.test(
  'wherever bits flip, the store refuses or answers; it never crashes or invents',
  async (t) => {
    const files = await withPeople(t, 30)
    const good = readFileSync(files.file)
    let refused = 0
    let answered = 0
    for (let at = 100; at < good.length; at += 2111) {
      const bad = Buffer.from(good)
      bad.writeUInt8((bad[at] ?? 0) ^ 0xff, at)
      writeFileSync(files.file, bad)
      try {
        const store = await files.open({ busyMs: 0 })
        for (const user of await store.users.users()) {
          const { totps } = await store.users.credentials(user.id)
          for (const { secret } of totps) t.equal(secret, aTotp('x', 'y').secret)
        }
        answered += 1
        await store.close()
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
        t.match(code, /^(store-corrupt|store-unavailable|store-newer|key-wrong|value-damaged)$/)
        refused += 1
      }
    }
    t.ok(refused > 0 && answered > 0, `${refused} refused, ${answered} answered`)
  },
)

t.test('a lock of another process is waited for, without standing still', async (t) => {
  const files = await withPeople(t)
  const store = await files.open({ busyMs: 5000 })
  const other = new DatabaseSync(files.file)
  other.exec('BEGIN IMMEDIATE')
  let done = false
  const first = store.users.changeUser(diego, { displayName: 'first' })
  const second = store.users.changeUser(diego, { displayName: 'second' })
  void second.then(() => {
    done = true
  })
  t.equal((await store.users.users()).length, 1, 'reading goes on meanwhile')
  await new Promise(setImmediate)
  t.notOk(done)
  other.exec('COMMIT')
  other.close()
  await first
  t.equal((await second)?.displayName, 'second')
  t.equal(
    (await store.users.user(diego))?.displayName,
    'second',
    'in the order they were asked for',
  )
  t.strictSame(files.events, [])
})

t.test('a lock that stays is an unavailable store, said once, until it goes', async (t) => {
  const files = await withPeople(t)
  const store = await files.open({ busyMs: 10 })
  const other = new DatabaseSync(files.file)
  other.exec('BEGIN IMMEDIATE')
  for (let i = 0; i < 3; i += 1) {
    await t.rejects(store.users.changeUser(diego, { displayName: 'x' }), {
      code: 'store-unavailable',
      message: /locked by another process/,
    })
  }
  t.equal((await store.users.users()).length, 1)
  t.strictSame(files.events, ['store-failed'])
  await t.rejects(
    files.open({ busyMs: 10 }).then((late) => late.settings.set('a', 'b')),
    {
      code: 'store-unavailable',
    },
  )
  other.exec('ROLLBACK')
  other.close()
  t.equal((await store.users.changeUser(diego, { displayName: 'x' }))?.displayName, 'x')
  t.strictSame(files.events, ['store-failed', 'store-failed', 'store-recovered'])
})

t.test('a database that is taken away or exchanged takes no more changes', async (t) => {
  const files = await withPeople(t)
  const store = await files.open()
  await store.users.users()
  const changes = store.changes()
  renameSync(files.file, `${files.file}.away`)
  await t.rejects(store.users.changeUser(diego, { displayName: 'lost' }), {
    code: 'store-unavailable',
    message: /removed or replaced/,
    remedy: /restart/,
  })
  await t.rejects(store.users.users(), { code: 'store-unavailable' })
  copyFileSync(`${files.file}.away`, files.file)
  await t.rejects(store.users.users(), { code: 'store-unavailable' }, 'another file is another one')
  t.equal(store.changes(), changes, 'asking for changes never throws')
  t.strictSame(files.events, ['store-failed', 'store-failed'], 'once for reading, once for writing')
})

t.test('changes of others are noticed, own ones are not', async (t) => {
  const files = await withPeople(t)
  const store = await files.open()
  const before = store.changes()
  await store.users.changeUser(diego, { displayName: 'own' })
  t.equal(store.changes(), before)
  const other = await files.open()
  await other.users.users()
  t.equal(store.changes(), before, 'nor is a look')
  await other.users.changeUser(diego, { displayName: 'others' })
  t.not(store.changes(), before)
})

t.test('a closed store rejects and logs nothing', async (t) => {
  const files = await withPeople(t)
  const store = await files.open()
  await store.close()
  await store.close()
  await t.rejects(store.users.users(), { code: 'store-unavailable' })
  await t.rejects(store.users.changeUser(diego, {}), { code: 'store-unavailable' })
  t.strictSame(files.events, [])
})

t.test('a change that fails halfway leaves nothing', async (t) => {
  const files = await withPeople(t)
  const store = await files.open()
  await store.users.setRecoveryCodes(diego, ['a', 'b'], 1)
  // What no caller in TypeScript would do: the second code cannot be stored.
  const codes: readonly unknown[] = ['c', Symbol('no text')]
  await t.rejects(store.users.setRecoveryCodes(diego, codes as readonly string[], 2))
  t.equal(await store.users.spendRecoveryCode(diego, 'a', 3), true, 'the old ones still count')
})
