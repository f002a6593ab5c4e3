// `gatehouse backup` and `restore`: one file, taken while the gateway runs, put back on a new machine, where it just works.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { backup } from '../../src/cli/backup.ts'
import { packBackup, unpackBackup } from '../../src/cli/backup-file.ts'
import { restore } from '../../src/cli/restore.ts'
import type { Config } from '../../src/config.ts'
import { openStoreIn, type Store } from '../../src/store/sqlite-store.ts'
import { aTotp, aUser, userId } from '../contract/records.ts'
import { configIn, createOutput } from '../fixtures/config.ts'

const diego = userId('diego')
const passphrase = 'correct horse battery staple'
const at = Date.UTC(2026, 10, 21, 6, 30, 5)
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

const table = `version: 1
domain: example.com
routes:
  - { service: Login, host: auth, to: login, access: public }
`

interface Machine {
  readonly directory: string
  readonly config: Config
  open(): Promise<Store>
  backup(more?: Partial<Parameters<typeof backup>[0]>): Promise<{ code: number; text: string }>
  restore(
    file: string,
    more?: Partial<Parameters<typeof restore>[0]>,
  ): Promise<{ code: number; text: string }>
}

const bases = new WeakMap<Test, string>()

/** A socket's path must be short, so not where tap keeps its fixtures. */
function baseOf(t: Test): string {
  const base = bases.get(t) ?? mkdtempSync(join(tmpdir(), 'gatehouse-'))
  if (!bases.has(t)) t.teardown(() => rmSync(base, { recursive: true, force: true }))
  bases.set(t, base)
  return base
}

function machine(t: Test, name: string, secrets: Readonly<Record<string, string>> = {}): Machine {
  const directory = join(baseOf(t), name)
  mkdirSync(directory, { recursive: true })
  const base = configIn(directory, table)
  const config = {
    ...base,
    secret: (secret: string) => secrets[secret] ?? null,
    secretNames: Object.keys(secrets),
  }
  const nobody = () => Promise.resolve(null)
  const shared = { config, cwd: directory, askPassphrase: nobody, now: () => at }
  const asCaller = <T>(run: () => T) => run()
  return {
    directory,
    config,
    open: () =>
      openStoreIn({
        dataDir: config.dataDir,
        secret: config.secret,
        log: { warn() {}, error() {} },
        busyMs: 1000,
      }),
    async backup(more = {}) {
      const { write, text } = createOutput()
      const options = { ...shared, asCaller, version: '0.2.0', output: null, encrypt: false, write }
      const code = await backup({ ...options, ...more })
      return { code, text: text() }
    },
    async restore(file, more = {}) {
      const { write, text } = createOutput()
      const choices = { dryRun: false, replace: null, only: null, isRoot: false }
      const code = await restore({ ...shared, asCaller, ...choices, file, write, ...more })
      return { code, text: text() }
    },
  }
}

/** A machine with everything a backup holds. The store stays open, as a gateway's. */
async function oldMachine(t: Test, secrets: Readonly<Record<string, string>> = {}) {
  const old = machine(t, 'old', secrets)
  const { certsDir } = old.config
  mkdirSync(join(certsDir, 'live'), { recursive: true })
  writeFileSync(join(certsDir, 'a.pem'), 'certificate a')
  writeFileSync(join(certsDir, '.hidden'), 'no')
  writeFileSync(join(old.directory, 'real-key.pem'), 'key b', { mode: 0o600 })
  symlinkSync(join(old.directory, 'real-key.pem'), join(certsDir, 'live', 'b.key'))
  writeFileSync(join(old.directory, 'gatehouse.env'), 'GATEHOUSE_SECRET_PHOTOS=abc\n', {
    mode: 0o600,
  })
  const store = await old.open()
  t.teardown(() => store.close())
  await store.users.addUser(aUser('diego'))
  await store.users.addTotp(aTotp('diego', 't'))
  return { old, store, file: join(old.directory, 'gatehouse-20261121T063005Z.backup') }
}

function emptied(machine: Machine): Machine {
  rmSync(machine.directory, { recursive: true })
  mkdirSync(machine.directory)
  return machine
}

async function insistOnDiego(t: Test, machine: Machine): Promise<void> {
  const store = await machine.open()
  t.equal((await store.users.credentials(diego)).totps[0]?.secret, aTotp('diego', 't').secret)
  await store.close()
}

t.test('what a running gateway has is restored on a new machine and just works', async (t) => {
  const { old, store, file } = await oldMachine(t)
  const made = await old.backup()
  t.equal(made.code, 0)
  t.equal(mode(file), '600')
  t.match(made.text, 'not encrypted')
  t.match(made.text, 'certs/live/b.key')
  await store.users.changeUser(diego, { displayName: 'after the backup' })

  const fresh = emptied(machine(t, 'new'))
  const { code, text } = await fresh.restore(file)
  t.equal(code, 0)
  t.match(text, 'Backup of 2026-11-21T06:30:05.000Z, made by 0.2.0')
  t.match(text, 'a database, 1 person')
  t.match(text, 'a table, 1 route\n')
  const { directory, config } = fresh
  t.equal(readFileSync(join(directory, 'routes.yaml'), 'utf8'), table)
  t.equal(readFileSync(join(directory, 'gatehouse.env'), 'utf8'), 'GATEHOUSE_SECRET_PHOTOS=abc\n')
  t.equal(readFileSync(join(config.certsDir, 'live/b.key'), 'utf8'), 'key b')
  t.strictSame(readdirSync(config.certsDir).sort(), ['a.pem', 'live'])
  t.equal(mode(join(directory, 'gatehouse.env')), '600')
  t.equal(mode(join(config.certsDir, 'live/b.key')), '600')
  t.equal(mode(join(config.dataDir, 'gatehouse.key')), '600')
  t.equal(mode(join(config.dataDir, 'gatehouse.db')), '600')
  t.equal(mode(config.dataDir), '700')
  await insistOnDiego(t, fresh)
  const again = await fresh.open()
  t.equal((await again.users.user(diego))?.displayName, 'diego the first')
  await again.close()
})

t.test('an encrypted backup shows nothing, and opens with its passphrase alone', async (t) => {
  const { old, file } = await oldMachine(t, { BACKUP_PASSPHRASE: passphrase })
  const { text } = await old.backup({ encrypt: true })
  t.notMatch(text, 'not encrypted')
  const bytes = readFileSync(file)
  for (const word of ['SQLite', 'routes.yaml', 'certs', 'gatehouse-key', 'PHOTOS', 'example.com']) {
    t.notOk(bytes.includes(word), word)
  }
  const none = emptied(machine(t, 'none'))
  await t.rejects(none.restore(file), { code: 'passphrase-missing' })
  const wrong = emptied(machine(t, 'wrong', { BACKUP_PASSPHRASE: 'something else entirely' }))
  await t.rejects(wrong.restore(file), { code: 'passphrase-wrong' })
  t.strictSame(readdirSync(wrong.directory), [], 'nothing was touched')
  const asked = emptied(machine(t, 'asked'))
  t.equal((await asked.restore(file, { askPassphrase: async () => passphrase })).code, 0)
  await insistOnDiego(t, asked)
})

t.test('a new passphrase is asked for twice, and must be long enough', async (t) => {
  const { old, file } = await oldMachine(t)
  const asking = (...answers: readonly string[]) => {
    const rest = [...answers]
    return { encrypt: true, askPassphrase: async () => rest.shift() ?? null }
  }
  await t.rejects(old.backup(asking('short')), { code: 'passphrase-short' })
  await t.rejects(old.backup(asking(passphrase, `${passphrase}.`)), { code: 'passphrase-differs' })
  await t.rejects(old.backup(asking()), { code: 'passphrase-missing' })
  t.notOk(existsSync(file))
  t.equal((await old.backup(asking(passphrase, passphrase))).code, 0)
})

t.test('a backup never writes over a file', async (t) => {
  const { old, file } = await oldMachine(t)
  writeFileSync(file, 'something of mine')
  await t.rejects(old.backup(), { code: 'backup-exists' })
  t.equal(readFileSync(file, 'utf8'), 'something of mine')
  await t.rejects(old.backup({ output: 'no/such/directory/x' }), { code: 'backup-failed' })
  t.equal((await old.backup({ output: 'other' })).code, 0)
  const left = readdirSync(old.directory).filter((name) => name.endsWith('.new'))
  t.strictSame(left, [])
})

t.test('what would be missing on a new machine is said', async (t) => {
  const { old } = await oldMachine(t, { PHOTOS: 'abc', SMTP_PASSWORD: 'from elsewhere' })
  const { text } = await old.backup()
  t.match(text, /Not in it.*the secrets SMTP_PASSWORD\n/)
  t.notMatch(text, 'from elsewhere')
})

t.test('before there is a database the rest is saved', async (t) => {
  const bare = machine(t, 'bare')
  const { text, code } = await bare.backup({ output: 'x' })
  t.equal(code, 0)
  t.match(text, 'There is no database')
  t.notOk(existsSync(join(bare.config.dataDir, 'gatehouse.db')), 'and none is made')
})

t.test('with a key from outside, the backup holds it', async (t) => {
  const { old, file } = await oldMachine(t, {
    ENCRYPTION_KEY: Buffer.alloc(32, 9).toString('base64'),
  })
  t.equal((await old.backup()).code, 0)
  const fresh = emptied(machine(t, 'new'))
  t.equal((await fresh.restore(file)).code, 0)
  await insistOnDiego(t, fresh)
})

t.test('a database whose key is gone is not saved as if it could be restored', async (t) => {
  const { old, file } = await oldMachine(t)
  rmSync(join(old.config.dataDir, 'gatehouse.key'))
  await t.rejects(old.backup(), { code: 'key-wrong' })
  t.notOk(existsSync(file))
})

t.test('a dry run verifies everything and touches nothing, also beside a gateway', async (t) => {
  const { old, file } = await oldMachine(t)
  await old.backup()
  const fresh = emptied(machine(t, 'new'))
  const { code, text } = await fresh.restore(file, { dryRun: true })
  t.equal(code, 0)
  t.match(text, 'Nothing was done')
  t.match(text, 'gatehouse.db: new (database')
  t.strictSame(readdirSync(fresh.directory), [])
  t.equal((await old.restore(file, { dryRun: true })).code, 0)
})

t.test('files that are there stay, unless their part is named', async (t) => {
  const { old, store, file } = await oldMachine(t)
  await old.backup()
  await store.close()
  writeFileSync(join(old.directory, 'routes.yaml'), '# edited\n')
  const refused = await old.restore(file)
  t.equal(refused.code, 1)
  t.match(refused.text, '--replace ')
  t.match(refused.text, /! .*routes\.yaml/)
  t.match(refused.text, / {2}.*a\.pem: as it is/)
  t.equal(readFileSync(join(old.directory, 'routes.yaml'), 'utf8'), '# edited\n')

  t.equal((await old.restore(file, { replace: 'routes', only: 'routes' })).code, 0)
  t.equal(readFileSync(join(old.directory, 'routes.yaml'), 'utf8'), table)
  t.equal(mode(join(old.directory, 'routes.yaml')), '644')
  const aside = join(old.directory, 'routes.yaml.before-restore-20261121T063005Z')
  t.equal(readFileSync(aside, 'utf8'), '# edited\n', 'the edit is beside it')
  await t.rejects(old.restore(file, { replace: 'everything' }), { code: 'part-unknown' })
})

t.test('a database is replaced with its log, and the old one can be opened still', async (t) => {
  const { old, store, file } = await oldMachine(t)
  await old.backup()
  await store.users.addUser(aUser('ana'))
  await store.close()
  // What a killed gateway leaves: a log that belongs to the old database alone.
  const { dataDir } = old.config
  const wal = join(dataDir, 'gatehouse.db-wal')
  writeFileSync(wal, Buffer.alloc(5000, 1), { mode: 0o600 })
  const { code, text } = await old.restore(file, { replace: 'database', only: 'database' })
  t.equal(code, 0, text)
  const again = await old.open()
  t.strictSame(
    (await again.users.users()).map(({ id }) => id),
    ['diego'],
  )
  t.strictSame(await again.check(), [])
  await again.close()
  const names = readdirSync(dataDir).filter((name) => name.includes('before-restore'))
  t.ok(names.includes('gatehouse.db.before-restore-20261121T063005Z'), names.join())
})

for (const [what, damage] of [
  ['damaged', (file: string) => writeFileSync(file, 'rubbish '.repeat(2000))],
  ['gone', (file: string) => rmSync(file)],
] as const) {
  t.test(`the log of a database that is ${what} does not get into the restored one`, async (t) => {
    const { old, store, file } = await oldMachine(t)
    await old.backup()
    const database = join(old.config.dataDir, 'gatehouse.db')
    await store.users.addUser(aUser('ana'))
    await store.users.removeUser(diego)
    // As a killed gateway leaves it.
    const log = readFileSync(`${database}-wal`)
    await store.close()
    damage(database)
    writeFileSync(`${database}-wal`, log, { mode: 0o600 })
    const { code, text } = await old.restore(file, { replace: 'database' })
    t.equal(code, 0, text)
    t.equal((await old.open().then((again) => again.check())).length, 0)
    await insistOnDiego(t, old)
  })
}

t.test('a damaged database can be replaced by a backup', async (t) => {
  const { old, store, file } = await oldMachine(t)
  await old.backup()
  await store.close()
  const database = join(old.config.dataDir, 'gatehouse.db')
  writeFileSync(database, 'rubbish '.repeat(2000))
  await t.rejects(old.open(), { code: 'store-corrupt' })
  t.equal((await old.restore(file, { replace: 'database' })).code, 0)
  await insistOnDiego(t, old)
})

t.test('nothing is restored under a gateway that runs', async (t) => {
  const { old, file } = await oldMachine(t)
  await old.backup()
  const { dataDir } = old.config
  const control = createServer((socket) => {
    socket.on('error', () => {})
    socket.end('{"ok":true}\n')
  })
  await new Promise<void>((resolve) => control.listen(join(dataDir, 'control.sock'), resolve))
  t.teardown(() => control.close())
  const { code, text } = await old.restore(file, { replace: 'database' })
  t.equal(code, 1)
  t.match(text, /A gateway runs on .*: stop it first/)
})

t.test('nor under any other process that has the database open', async (t) => {
  const { old, store, file } = await oldMachine(t)
  await old.backup()
  await store.users.addUser(aUser('ana'))
  await t.rejects(old.restore(file, { replace: 'database' }), { code: 'store-in-use' })
  t.equal((await store.users.users()).length, 2)
  t.equal((await store.users.changeUser(diego, { displayName: 'D' }))?.displayName, 'D')
})

t.test('a file that is no whole backup is refused, wherever it was cut or changed', async (t) => {
  const { old, file } = await oldMachine(t)
  await old.backup()
  const good = readFileSync(file)
  const fresh = emptied(machine(t, 'new'))
  const bad = join(fresh.directory, '..', 'bad')
  for (const cut of [0, 5, 19, 40, 100, good.length - 33, good.length - 1]) {
    writeFileSync(bad, good.subarray(0, cut))
    await t.rejects(
      fresh.restore(bad),
      { code: /^(not-a-backup|backup-damaged)$/ },
      `cut at ${cut}`,
    )
  }
  for (let offset = 0; offset < good.length; offset += 397) {
    const changed = Buffer.from(good)
    changed.writeUInt8((changed[offset] ?? 0) ^ 4, offset)
    writeFileSync(bad, changed)
    await t.rejects(fresh.restore(bad), { code: /^(not-a-backup|backup-newer|backup-damaged)$/ })
  }
  await t.rejects(fresh.restore('absent'), { code: 'backup-unreadable' })
  await t.rejects(fresh.restore('.'), { code: 'not-a-backup' })
  t.strictSame(readdirSync(fresh.directory), [])
})

t.test('a backup that cannot be used is refused before anything is touched', async (t) => {
  const { old, file } = await oldMachine(t)
  await old.backup()
  const whole = unpackBackup(readFileSync(file), null)
  const fresh = emptied(machine(t, 'new'))
  const bad = join(fresh.directory, '..', 'bad')
  const replaced = (name: string, data: Buffer | null) => ({
    ...whole,
    contents: whole.contents.flatMap((content) =>
      content.name !== name ? [content] : data === null ? [] : [{ name, data }],
    ),
  })
  const database = whole.contents.find(({ name }) => name === 'gatehouse.db')?.data ?? Buffer.of()
  const scratched = Buffer.from(database)
  scratched.fill(0x5a, 8192, 16_384)
  const newer = Buffer.from(database)
  newer.writeUInt32BE(999, 60)
  const otherKey = `gatehouse-key-1 ${Buffer.alloc(32, 1).toString('base64url')}\n`
  for (const [what, backup, code] of [
    ['no key', replaced('gatehouse.key', null), 'backup-damaged'],
    ['another key', replaced('gatehouse.key', Buffer.from(otherKey)), 'backup-damaged'],
    ['a scratched database', replaced('gatehouse.db', scratched), 'backup-damaged'],
    ['no database in it', replaced('gatehouse.db', Buffer.from('x')), 'backup-damaged'],
    ['a newer schema', replaced('gatehouse.db', newer), 'backup-newer'],
    [
      'something unknown',
      { ...whole, contents: [{ name: 'new-thing', data: Buffer.of(1) }] },
      'backup-newer',
    ],
  ] as const) {
    writeFileSync(bad, packBackup(backup, null))
    await t.rejects(fresh.restore(bad), { code }, what)
  }
  t.strictSame(readdirSync(fresh.directory), [])
})

t.test('no name in a backup leads out of its place', async (t) => {
  const fresh = emptied(machine(t, 'new'))
  const bad = join(fresh.directory, '..', 'bad')
  for (const name of [
    '../evil',
    'certs/../../evil',
    '/etc/evil',
    'certs/./x',
    'certs//x',
    'certs/.x',
    'certs\\..\\x',
    'certs/a\nb',
    'certs/',
    '',
  ]) {
    writeFileSync(
      bad,
      packBackup({ createdAt: at, madeBy: 'x', contents: [{ name, data: Buffer.of(1) }] }, null),
    )
    await t.rejects(fresh.restore(bad), { code: /^backup-/ }, JSON.stringify(name))
  }
  const twice = { name: 'routes.yaml', data: Buffer.of(1) }
  writeFileSync(bad, packBackup({ createdAt: at, madeBy: 'x', contents: [twice, twice] }, null))
  await t.rejects(fresh.restore(bad), { code: 'backup-damaged' })
  t.strictSame(readdirSync(fresh.directory), [])
})

t.test('a head cannot ask for the memory of the machine', async (t) => {
  const packed = packBackup({ createdAt: at, madeBy: 'x', contents: [] }, passphrase)
  const text = packed.toString('latin1').replace('"memoryKib":65536', '"memoryKib":99999999')
  const { createHash } = await import('node:crypto')
  const body = Buffer.from(text, 'latin1').subarray(0, -32)
  const forged = Buffer.concat([body, createHash('sha256').update(body).digest()])
  t.throws(() => unpackBackup(forged, passphrase), { code: 'backup-damaged', message: /too much/ })
})

t.test('what stops a restore midway is said, and it can be run again', async (t) => {
  const { old, file } = await oldMachine(t)
  await old.backup()
  const fresh = emptied(machine(t, 'new'))
  let calls = 0
  const failing = <T>(run: () => T): T => {
    calls += 1
    // Read, look, routes.yaml; then the disk is full.
    if (calls === 4) throw new Error('ENOSPC')
    return run()
  }
  await t.rejects(fresh.restore(file, { asCaller: failing }), {
    code: 'restore-failed',
    remedy: /run it again/,
  })
  t.ok(existsSync(join(fresh.directory, 'routes.yaml')))
  t.notOk(existsSync(join(fresh.directory, 'gatehouse.env')))
  t.equal((await fresh.restore(file)).code, 0, 'what is in place already is as it is')
  await insistOnDiego(t, fresh)
})

t.test('what cannot be looked at stops a restore before anything is done', async (t) => {
  const { old, file } = await oldMachine(t)
  await old.backup()
  const fresh = emptied(machine(t, 'new'))
  // A file where a directory must be.
  writeFileSync(fresh.config.certsDir, '')
  await t.rejects(fresh.restore(file), { code: 'restore-failed', remedy: /nothing was done/ })
  t.strictSame(readdirSync(fresh.directory), ['certs'])
})
