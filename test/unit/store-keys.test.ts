// The key that secrets at rest are encrypted with: where it comes from, who may read it, what happens without it.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { createKeyRing, parseKeyFile } from '../../src/store/key-file.ts'
import { sealed } from '../../src/store/sealed-columns.ts'
import { createVault } from '../../src/store/vault.ts'
import { anAccount, aPasskey, aTotp, aUser, userId } from '../contract/records.ts'
import { testStore } from '../fixtures/store.ts'

const diego = userId('diego')
const given = Buffer.alloc(32, 7).toString('base64')
const another = Buffer.alloc(32, 8).toString('hex')
const secrets = (values: Readonly<Record<string, string>>) => (name: string) => values[name] ?? null

function ringIn(t: Test, secret: (name: string) => string | null = () => null) {
  return createKeyRing({ file: join(t.testdir({}), 'gatehouse.key'), secret })
}

t.test('a value opens in its own place and nowhere else', async (t) => {
  const keys = ringIn(t)
  const vault = createVault(keys)
  const { id } = keys.primary()
  const value = vault.seal(id, 'here', 'ünïcode 🚪')
  t.equal(vault.unseal('here', value), 'ünïcode 🚪')
  t.throws(() => vault.unseal('there', value), { code: 'value-damaged' })
  t.equal(vault.unseal('', vault.seal(id, '', '')), '')
  t.not(Buffer.compare(value, vault.seal(id, 'here', 'ünïcode 🚪')), 0, 'never twice the same')
})

t.test('no bit of a value can be changed, and none cut off', async (t) => {
  const keys = ringIn(t)
  const vault = createVault(keys)
  const value = vault.seal(keys.primary().id, 'here', 'secret')
  for (let at = 0; at < value.length; at += 1) {
    const changed = Uint8Array.from(value)
    changed[at] = (changed[at] ?? 0) ^ 1
    t.throws(() => vault.unseal('here', changed), { code: /^(value-damaged|key-wrong)$/ })
    t.throws(() => vault.unseal('here', value.subarray(0, at)), {
      code: /^(value-damaged|key-wrong)$/,
    })
  }
})

t.test('the key file is made once, for its owner alone', async (t) => {
  const keys = ringIn(t)
  const { id, bytes } = keys.primary()
  t.equal(bytes.length, 32)
  t.equal(statSync(keys.file).mode & 0o777, 0o600)
  t.equal(keys.primary().id, id)
  const again = createKeyRing({ file: keys.file, secret: () => null })
  t.equal(again.primary().id, id)
  t.equal(again.source(id), 'file')
  t.equal(again.find('0'.repeat(16)), null)
})

t.test('a key file that others may read is refused, with what to do', async (t) => {
  const keys = ringIn(t)
  keys.primary()
  for (const mode of [0o640, 0o604, 0o620, 0o666]) {
    chmodSync(keys.file, mode)
    const again = createKeyRing({ file: keys.file, secret: () => null })
    t.throws(() => again.primary(), { code: 'key-exposed', remedy: /chmod 600/ })
  }
})

t.test('what is no key file is refused and never overwritten', async (t) => {
  const keys = ringIn(t)
  for (const text of ['', 'hello\n', '# only a comment\n', 'gatehouse-key-1 tooshort\n']) {
    writeFileSync(keys.file, text, { mode: 0o600 })
    t.throws(() => keys.primary(), { code: 'key-invalid' }, JSON.stringify(text))
    t.equal(readFileSync(keys.file, 'utf8'), text)
  }
  rmSync(keys.file)
  mkdirSync(keys.file)
  t.throws(() => keys.primary(), { code: /^key-/ })
})

t.test('a secret from outside is the key, and makes no file', async (t) => {
  for (const text of [given, given.replace('=', ''), Buffer.alloc(32, 7).toString('hex')]) {
    const keys = ringIn(t, secrets({ ENCRYPTION_KEY: text }))
    t.strictSame(keys.primary().bytes, Buffer.alloc(32, 7))
    t.equal(keys.source(keys.primary().id), 'secret')
    t.notOk(existsSync(keys.file))
  }
  for (const text of ['correct horse battery staple', 'abc', `${another}00`]) {
    t.throws(() => ringIn(t, secrets({ ENCRYPTION_KEY: text })), {
      code: 'key-invalid',
      remedy: /openssl rand/,
    })
  }
})

t.test('a database without its key is refused, and no new key is made for it', async (t) => {
  const files = testStore(t)
  const store = await files.open()
  await store.users.addUser(aUser('diego'))
  await store.users.addTotp(aTotp('diego', 't'))
  await store.close()
  const key = readFileSync(files.keyFile)
  rmSync(files.keyFile)
  await t.rejects(files.open(), { code: 'key-wrong', remedy: /every backup holds it/ })
  t.notOk(existsSync(files.keyFile))
  createKeyRing({ file: files.keyFile, secret: () => null }).primary()
  await t.rejects(files.open(), { code: 'key-wrong' }, 'nor with another one')
  await t.rejects(files.open({ secret: secrets({ ENCRYPTION_KEY: given }) }), { code: 'key-wrong' })
  writeFileSync(files.keyFile, key, { mode: 0o600 })
  const again = await files.open()
  t.equal((await again.users.credentials(diego)).totps[0]?.secret, aTotp('diego', 't').secret)
})

t.test(
  'no secret is in the files in clear, neither before nor after a change of keys',
  async (t) => {
    const files = testStore(t)
    const store = await files.open()
    await store.users.addUser(aUser('diego'))
    const totp = aTotp('diego', 't')
    const account = anAccount('diego', '1')
    await store.users.addTotp(totp)
    await store.users.addAccount(account)
    await store.users.setPassword(diego, '$argon2id$v=19$m=19456$hash-of-the-password', 1)
    await store.users.setRecoveryCodes(diego, ['hash-of-a-recovery-code'], 1)
    await store.settings.set('assertion', '{"d":"the private part of a key"}')
    const clear = [
      totp.secret,
      account.token ?? '',
      'hash-of-the-password',
      'hash-of-a-recovery-code',
      'the private part',
    ]
    const found = () => {
      const bytes = ['', '-wal'].map((suffix) =>
        existsSync(files.file + suffix) ? readFileSync(files.file + suffix) : Buffer.alloc(0),
      )
      return clear.filter((text) => bytes.some((each) => each.includes(text)))
    }
    t.strictSame(found(), [])
    t.ok(
      readFileSync(`${files.file}-wal`).includes('diego the first'),
      'the search finds what is there',
    )
    await store.rotateKey()
    t.strictSame(found(), [])
    await store.close()
    t.strictSame(found(), [])
  },
)

t.test('after a change of keys nothing in the files opens with the old one', async (t) => {
  const files = testStore(t)
  const store = await files.open()
  await store.users.addUser(aUser('diego'))
  await store.users.addTotp(aTotp('diego', 't'))
  await store.settings.set('a', 'b')
  const [old] = parseKeyFile(readFileSync(files.keyFile, 'utf8')) ?? []
  const running = await files.open()
  await running.users.users()
  const { from, to } = await store.rotateKey()
  t.equal(from, old?.id)
  const [current, ...rest] = parseKeyFile(readFileSync(files.keyFile, 'utf8')) ?? []
  t.strictSame([current?.id, rest], [to, []])
  // Also while a gateway has it open, database and log are what a thief would find.
  const bytes = Buffer.concat(['', '-wal'].map((suffix) => readFileSync(files.file + suffix)))
  const names = (id: string) => bytes.includes(Buffer.from(id, 'hex'))
  t.strictSame([names(from), names(to)], [false, true], 'values name their key')
})

t.test('what was removed is not in the file any more', async (t) => {
  const files = testStore(t)
  const store = await files.open()
  for (const name of ['diego', 'ana']) await store.users.addUser(aUser(name))
  await store.close()
  const found = () => {
    const bytes = readFileSync(files.file)
    return ['diego the first', 'ana the first'].map((text) => bytes.includes(text))
  }
  t.strictSame(found(), [true, true])
  const again = await files.open()
  await again.users.removeUser(diego)
  await again.close()
  t.strictSame(found(), [false, true])
})

t.test('a change of keys knows every encrypted column', async (t) => {
  const files = testStore(t)
  await (await files.open()).close()
  const db = new DatabaseSync(files.file, { readOnly: true })
  const blobs = db
    .prepare(
      `SELECT t.name || '.' || c.name AS place FROM sqlite_schema t, pragma_table_info(t.name) c
       WHERE t.type = 'table' AND c.type = 'BLOB' ORDER BY place`,
    )
    .all()
    .map(({ place }) => String(place))
  db.close()
  const known = Object.values(sealed).map(({ table, column }) => `${table}.${column}`)
  t.strictSame(blobs, [...known, 'passkeys.public_key'].sort())
})

t.test('with a key from outside, the change goes from the previous to the new one', async (t) => {
  const files = testStore(t)
  const before = await files.open({ secret: secrets({ ENCRYPTION_KEY: given }) })
  await before.settings.set('a', 'b')
  const same = await before.rotateKey()
  t.equal(same.from, same.to)
  t.equal(same.values, 0, 'there is nothing to change to')
  await before.close()

  await t.rejects(files.open({ secret: secrets({ ENCRYPTION_KEY: another }) }), {
    code: 'key-wrong',
  })
  const both = secrets({ ENCRYPTION_KEY: another, ENCRYPTION_KEY_PREVIOUS: given })
  const running = await files.open({ secret: both })
  const store = await files.open({ secret: both })
  t.equal((await store.rotateKey()).values, 2)
  t.equal(await running.settings.get('a'), 'b')
  await running.settings.set('c', 'd')
  await Promise.all([running.close(), store.close()])
  const after = await files.open({ secret: secrets({ ENCRYPTION_KEY: another }) })
  t.equal(await after.settings.get('a'), 'b')
  t.equal(await after.settings.get('c'), 'd')
  t.notOk(existsSync(files.keyFile))
})

t.test('from the key file to a key from outside, and back', async (t) => {
  const files = testStore(t)
  const store = await files.open()
  await store.settings.set('a', 'b')
  await store.close()
  const outside = await files.open({ secret: secrets({ ENCRYPTION_KEY: given }) })
  t.equal((await outside.rotateKey()).values, 2)
  await outside.close()
  rmSync(files.keyFile)
  const back = await files.open({ secret: secrets({ ENCRYPTION_KEY_PREVIOUS: given }) })
  t.equal((await back.rotateKey()).values, 2)
  await back.close()
  t.equal(await (await files.open()).settings.get('a'), 'b')
})

t.test('a value that was moved to another row is not believed', async (t) => {
  const files = testStore(t)
  const store = await files.open()
  for (const name of ['diego', 'ana']) {
    await store.users.addUser(aUser(name))
    await store.users.setPassword(userId(name), `hash of ${name}`, 1)
    await store.users.addPasskey(aPasskey(name, `k-${name}`))
  }
  const db = new DatabaseSync(files.file)
  db.exec(
    "UPDATE passwords SET hash = (SELECT hash FROM passwords WHERE user = 'ana') WHERE user = 'diego'",
  )
  db.close()
  await t.rejects(store.users.credentials(diego), { code: 'store-unavailable' })
  t.equal((await store.users.credentials(userId('ana'))).password?.hash, 'hash of ana')
  t.equal((await store.users.passkey('k-diego'))?.user, diego, 'what is not about it still works')
})

t.test('a damaged value stops a change of keys before anything changed', async (t) => {
  const files = testStore(t)
  const store = await files.open()
  await store.settings.set('good', 'value')
  await store.settings.set('bad', 'value')
  const db = new DatabaseSync(files.file)
  db.exec("UPDATE settings SET value = x'0102' WHERE key = 'bad'")
  db.close()
  await t.rejects(store.rotateKey(), { code: 'value-damaged' })
  t.equal(await store.settings.get('good'), 'value')
  t.equal(await (await files.open()).settings.get('good'), 'value')
})

t.test('keys in a directory that cannot be read are an error, not a new key', async (t) => {
  const file = join(mkdtempSync(join(t.testdir({}), 'x-')), 'not-a-directory')
  writeFileSync(file, '')
  const keys = createKeyRing({ file: join(file, 'gatehouse.key'), secret: () => null })
  t.throws(() => keys.primary(), { code: 'key-unreadable' })
})
