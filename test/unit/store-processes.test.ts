// Two processes on one database, processes that are killed, a disk that is full: nothing is spent twice or half written.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { parseKeyFile } from '../../src/store/key-file.ts'
import { aTotp, aUser, userId } from '../contract/records.ts'
import { testStore } from '../fixtures/store.ts'

const script = join(import.meta.dirname, '../fixtures/store-child.ts')
const diego = userId('diego')

interface Child {
  readonly process: ChildProcess
  readonly next: () => Promise<Record<string, unknown>>
  readonly ended: Promise<unknown>
}

function start(t: Test, command: string, args: readonly string[]): Child {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'exit')
  return {
    process: child,
    ended,
    async next() {
      const { value, done } = await lines.next()
      return done === true ? { ended: true } : JSON.parse(value)
    },
  }
}

const work = (t: Test, ...args: readonly string[]) => start(t, process.execPath, [script, ...args])

async function withSecrets(t: Test) {
  const files = testStore(t)
  const store = await files.open({ busyMs: 5000 })
  await store.users.addUser(aUser('diego'))
  await store.users.addTotp(aTotp('diego', 't'))
  await store.users.setPassword(diego, 'the-hash', 1)
  await store.settings.set('assertion-key', 'the-private-key')
  return { files, store }
}

t.test('two processes spend everything exactly once between them', async (t) => {
  const { files, store } = await withSecrets(t)
  const count = 40
  const numbers = Array.from({ length: count }, (_, i) => i)
  for (const i of numbers) {
    await store.users.addLink({ hash: `link-${i}`, user: diego, createdAt: 0, expiresAt: 10 })
  }
  await store.users.setRecoveryCodes(
    diego,
    numbers.map((i) => `code-${i}`),
    0,
  )
  const children = [1, 2, 3].map(() => work(t, 'spend', files.dataDir, String(count)))
  const results = await Promise.all(children.map((child) => child.next()))
  const all = (name: string) =>
    results.flatMap((result) => (Array.isArray(result[name]) ? result[name].map(Number) : []))
  t.strictSame(
    all('links').sort((a, b) => a - b),
    numbers,
  )
  t.strictSame(
    all('codes').sort((a, b) => a - b),
    numbers,
  )
  t.equal(new Set(all('steps')).size, all('steps').length, 'no step twice')
  t.ok(all('steps').includes(count - 1))
  t.strictSame(await store.check(), [])
})

t.test('a process that is killed while it writes leaves whole changes', async (t) => {
  const { files, store } = await withSecrets(t)
  for (let round = 0; round < 5; round += 1) {
    const child = work(t, 'write-forever', files.dataDir)
    t.strictSame(await child.next(), { started: true })
    // Some moments later, another one each time.
    for (let reads = 0; reads < 1 + round * 7; reads += 1) {
      t.equal((await store.users.credentials(diego)).recoveryCodes, 10)
    }
    child.process.kill('SIGKILL')
    await child.ended
    t.equal((await store.users.credentials(diego)).recoveryCodes, 10)
  }
  t.strictSame(await store.check(), [])
  t.equal(
    await store.users
      .changeUser(diego, { displayName: 'still writable' })
      .then((u) => u?.displayName),
    'still writable',
  )
})

for (const [point, keys] of [
  ['before the new key', 1],
  ['before the commit', 2],
  ['before the old key goes', 2],
  ['after the old key went', 1],
] as const) {
  t.test(`a change of keys that is killed ${point} loses nothing`, async (t) => {
    const { files, store } = await withSecrets(t)
    const before = readFileSync(files.keyFile, 'utf8')
    const child = work(t, 'rotate-and-die', files.dataDir, point)
    t.strictSame(await child.next(), { ended: true })
    t.strictSame(await child.ended, [null, 'SIGKILL'])
    const found = parseKeyFile(readFileSync(files.keyFile, 'utf8'))
    t.equal(found?.length, keys)
    t.equal(statSync(files.keyFile).mode & 0o777, 0o600)

    // The one that was open all the time, and one that starts now.
    for (const each of [store, await files.open()]) {
      const { totps, password } = await each.users.credentials(diego)
      t.equal(totps[0]?.secret, aTotp('diego', 't').secret)
      t.equal(password?.hash, 'the-hash')
      t.equal(await each.settings.get('assertion-key'), 'the-private-key')
    }
    const { from, to, values } = await store.rotateKey()
    t.not(from, to)
    t.equal(values, 4, 'the key check, a password, a secret, a setting')
    t.equal(parseKeyFile(readFileSync(files.keyFile, 'utf8'))?.length, 1, 'and tidies up')
    t.not(readFileSync(files.keyFile, 'utf8'), before)
  })
}

t.test(
  'a store that is in use goes on while keys change and their changer is killed',
  async (t) => {
    const { files, store } = await withSecrets(t)
    let value = 'the-private-key'
    for (let round = 0; round < 4; round += 1) {
      const child = work(t, 'rotate-forever', files.dataDir)
      t.strictSame(await child.next(), { started: true })
      for (let i = 0; i < 20 + round * 11; i += 1) {
        t.equal(await store.settings.get('assertion-key'), value)
        value = `round ${round}, ${i}`
        await store.settings.set('assertion-key', value)
      }
      child.process.kill('SIGKILL')
      await child.ended
      const fresh = await files.open()
      t.equal(await fresh.settings.get('assertion-key'), value)
      t.equal((await fresh.users.credentials(diego)).totps[0]?.secret, aTotp('diego', 't').secret)
    }
    t.strictSame(files.events, [])
  },
)

async function canMount(): Promise<boolean> {
  const probe = spawn('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], {
    stdio: 'ignore',
  })
  const [code] = await Promise.race([once(probe, 'exit'), once(probe, 'error').then(() => [1])])
  return code === 0
}

const mounts = await canMount()
t.test(
  'a full disk refuses changes whole, keeps what was there, and needs no restart',
  { skip: mounts ? false : 'no file system can be mounted here' },
  async (t) => {
    const disk = t.testdir({})
    const ballast = join(disk, 'ballast')
    const args = [
      '-rm',
      'sh',
      '-c',
      `mount -t tmpfs -o size=900k tmpfs "$1" && head -c 300000 /dev/zero > "$1/ballast" && mkdir "$1/data" && "$2" "$3" fill "$1/data"`,
    ]
    const child = start(t, 'unshare', [...args, 'sh', disk, process.execPath, script])
    const first = await child.next()
    t.match(first, { event: 'store-failed' }, 'the log says so, once')
    const failed = await child.next()
    t.match(failed, { code: 'store-unavailable', message: /disk is full/ })
    t.ok(Number(failed.written) > 10)
    t.strictSame(await child.next(), { outcome: 'store-unavailable' })
    t.strictSame(await child.next(), { outcome: 'store-unavailable' })
    t.strictSame(await child.next(), { kept: 'before', users: 1, listed: 50 })
    t.strictSame(await child.next(), { full: true })
    // In that namespace, seen from here.
    const seen = `/proc/${await innermost(child.process.pid ?? 0)}/root${ballast}`
    t.ok(existsSync(seen))
    rmSync(seen)
    child.process.stdin?.write('room\n')
    t.match(await child.next(), { event: 'store-recovered' })
    t.strictSame(await child.next(), {
      recovered: 'after',
      faults: [],
      written: failed.written,
      audit: 50,
    })
  },
)

/** `unshare` and `sh` may stay as parents of the process that does the work. */
async function innermost(pid: number): Promise<number> {
  const file = `/proc/${pid}/task/${pid}/children`
  const [child] = readFileSync(file, 'utf8').trim().split(' ')
  return child === undefined || child === '' ? pid : innermost(Number(child))
}
