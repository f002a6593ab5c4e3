// `gatehouse key rotate`, and the question for a passphrase.

import { EventEmitter } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { askPassphrase } from '../../src/cli/ask-passphrase.ts'
import { rotateKey } from '../../src/cli/key.ts'
import { aTotp, aUser, userId } from '../contract/records.ts'
import { createOutput } from '../fixtures/config.ts'
import { testStore } from '../fixtures/store.ts'

t.test('the key changes beside a gateway that goes on', async (t) => {
  const files = testStore(t)
  const running = await files.open()
  await running.users.addUser(aUser('diego'))
  await running.users.addTotp(aTotp('diego', 't'))
  const before = readFileSync(files.keyFile, 'utf8')
  writeFileSync(join(files.dataDir, 'gatehouse.db.before-1'), '')
  const { write, text } = createOutput()
  const config = { dataDir: files.dataDir, secret: () => null }
  t.equal(await rotateKey({ config, write }), 0)
  t.match(text(), /^2 values are encrypted with the key [0-9a-f]{16} now/)
  t.match(text(), 'gatehouse.db.before-1', 'what the new key does not open is named')
  const after = readFileSync(files.keyFile, 'utf8')
  t.not(after, before)
  for (const line of after.split('\n')) {
    if (line.startsWith('gatehouse-key')) t.notMatch(text(), line.split(' ')[1] ?? '-')
  }
  const { totps } = await running.users.credentials(userId('diego'))
  t.equal(totps[0]?.secret, aTotp('diego', 't').secret)
})

t.test('with a key from outside it says how to change it', async (t) => {
  const files = testStore(t)
  const { write, text } = createOutput()
  const secret = (name: string) =>
    name === 'ENCRYPTION_KEY' ? Buffer.alloc(32, 1).toString('base64') : null
  t.equal(await rotateKey({ config: { dataDir: files.dataDir, secret }, write }), 1)
  t.match(text(), 'ENCRYPTION_KEY_PREVIOUS')
})

function terminal(isTTY: boolean) {
  const raw: boolean[] = []
  const input = Object.assign(new EventEmitter(), {
    isTTY,
    setRawMode: (on: boolean) => raw.push(on),
    setEncoding() {},
    resume() {},
    pause() {},
  })
  return { input, raw }
}

t.test('a passphrase is read unseen, with corrections', async (t) => {
  const { input, raw } = terminal(true)
  const { write, text } = createOutput()
  const answer = askPassphrase('Passphrase: ', input, write)
  for (const piece of ['pass', 'wx', '\u007f\u007f', 'wörd 🚪', '\u007f', '!\r', 'later']) {
    input.emit('data', piece)
  }
  t.equal(await answer, 'passwörd !')
  t.equal(text(), 'Passphrase: \n')
  t.strictSame(raw, [true, false])
  t.equal(input.listenerCount('data'), 0)
})

t.test('it can be given up, and is not asked where nobody sits', async (t) => {
  const { input, raw } = terminal(true)
  const answer = askPassphrase('Passphrase: ', input, () => {})
  input.emit('data', 'abc\u0003')
  await t.rejects(answer, { code: 'interrupted' })
  t.strictSame(raw, [true, false])
  t.equal(await askPassphrase('Passphrase: ', terminal(false).input, () => {}), null)
})
