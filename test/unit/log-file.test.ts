// Lines on their way to a file: batches, rotation, full disks, bounded memory.

import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  createLogFile,
  type LogFileChange,
  type LogFileOptions,
  type LogFileSystem,
} from '../../src/log-file.ts'

/** Long enough that no timer of the log runs by itself: each test says when to write. */
const byHand = { flushAfterMs: 3_600_000, retryAfterMs: 3_600_000 }

function openLog(options: LogFileOptions, fs?: LogFileSystem) {
  const changes: LogFileChange[] = []
  const report = (change: LogFileChange) => changes.push(change)
  const log = createLogFile(
    { ...byHand, ...options },
    fs === undefined ? { report } : { report, fs },
  )
  return { log, changes }
}

/** A disk in memory, with an error that can be switched on and room that can run out. */
function fakeDisk() {
  const files = new Map<string, { inode: number; text: string }>()
  const open: ({ inode: number; text: string } | null)[] = []
  let inode = 0
  const disk = {
    files,
    room: Number.POSITIVE_INFINITY,
    error: null as string | null,
    writes: 0,
    opens: 0,
  }
  const fail = (code: string) => Object.assign(new Error(`${code}: made up`), { code })
  const fs: LogFileSystem = {
    async open(path) {
      disk.opens += 1
      if (disk.error === 'EACCES') throw fail('EACCES')
      inode += 1
      const file = files.get(path) ?? { inode, text: '' }
      files.set(path, file)
      return open.push(file) - 1
    },
    async write(fd, bytes, from) {
      disk.writes += 1
      if (disk.error !== null) throw fail(disk.error)
      const count = Math.min(bytes.length - from, disk.room)
      if (count === 0) throw fail('ENOSPC')
      disk.room -= count
      const file = open[fd]
      if (file == null) throw fail('EBADF')
      file.text += bytes.toString('latin1', from, from + count)
      return count
    },
    async close(fd) {
      open[fd] = null
    },
    async statOpen(fd) {
      const file = open[fd]
      if (file == null) throw fail('EBADF')
      return { size: file.text.length, inode: file.inode, regular: true }
    },
    async statPath(path) {
      const file = files.get(path)
      return file ? { size: file.text.length, inode: file.inode, regular: true } : null
    },
    async rename(from, to) {
      const file = files.get(from)
      if (file === undefined) return
      files.set(to, file)
      files.delete(from)
    },
  }
  return { disk, fs, text: (path: string) => files.get(path)?.text ?? null }
}

const line = (i: number) => `{"n":${i}}\n`
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => line(from + i)).join('')

t.test('lines arrive in order, in few writes, in a file that only its owner reads', async (t) => {
  const path = join(t.testdir(), 'deep', 'er', 'access.log')
  const { log } = openLog({ target: path })
  for (let i = 0; i < 30_000; i++) log.append(line(i))
  await log.flush()
  t.equal(await readFile(path, 'latin1'), lines(0, 30_000))
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.match(log.stats(), { written: 30_000, dropped: 0, buffered: 0, failing: false })
  await log.close()
})

t.test('an existing file is continued', async (t) => {
  const path = join(t.testdir({ 'a.log': 'old\n' }), 'a.log')
  const { log } = openLog({ target: path })
  log.append('new\n')
  await log.close()
  t.equal(await readFile(path, 'latin1'), 'old\nnew\n')
})

t.test('lines are written without a flush, after a while', async (t) => {
  const { fs, text } = fakeDisk()
  const { log } = openLog({ target: '/a', flushAfterMs: 1 }, fs)
  log.append('x\n')
  while (text('/a') !== 'x\n') await new Promise((resolve) => setImmediate(resolve))
  t.pass('it came by itself')
})

t.test('a hundred thousand lines cost a write per block, not per line', async (t) => {
  const { disk, fs, text } = fakeDisk()
  const { log } = openLog({ target: '/a' }, fs)
  for (let i = 0; i < 100_000; i++) {
    log.append(line(i))
    if (i % 5000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await log.flush()
  t.equal(text('/a'), lines(0, 100_000))
  t.ok(disk.writes < 40, `${disk.writes} writes`)
})

t.test('a file is rotated before it grows too large; the oldest goes', async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'a.log')
  const { log } = openLog({ target: path, maxFileBytes: 100, files: 3 })
  for (let i = 0; i < 50; i++) {
    log.append(`${String(i).padStart(39, '0')}\n`)
    await log.flush()
  }
  await log.close()
  t.strictSame((await readdir(dir)).sort(), ['a.log', 'a.log.1', 'a.log.2'])
  const all = await Promise.all(['.2', '.1', ''].map((end) => readFile(path + end, 'latin1')))
  for (const text of all) t.equal(text.length, 80)
  t.equal(
    all.join(''),
    Array.from({ length: 6 }, (_, i) => `${String(i + 44).padStart(39, '0')}\n`).join(''),
  )
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.equal(log.stats().rotations, 24)
})

t.test('what was in the file before counts for the rotation', async (t) => {
  const path = join(t.testdir({ 'a.log': 'x'.repeat(99) }), 'a.log')
  const { log } = openLog({ target: path, maxFileBytes: 100 })
  log.append('new\n')
  await log.close()
  t.equal(await readFile(path, 'latin1'), 'new\n')
})

t.test(
  'a full disk stops the log once, keeps what fits in memory, and goes on later',
  async (t) => {
    const { disk, fs, text } = fakeDisk()
    const { log, changes } = openLog({ target: '/a', maxBufferBytes: 128 * 1024 }, fs)
    disk.room = 12 // ends in the middle of a line
    for (let i = 0; i < 3; i++) log.append(line(i))
    await log.flush()
    t.match(changes, [{ kind: 'failed', code: 'ENOSPC' }])
    t.equal(text('/a')?.length, 12)
    const before = disk.writes
    for (let i = 3; i < 60_000; i++) log.append(line(i))
    t.equal(disk.writes, before, 'no write is tried for each line')
    await log.flush()
    await log.flush()
    t.equal(changes.length, 1, 'it is said once')
    const { dropped, failing, buffered } = log.stats()
    t.ok(failing)
    t.ok(dropped > 40_000, `${dropped} dropped`)
    t.ok(buffered <= 128 * 1024, `${buffered} bytes wait`)

    disk.room = Number.POSITIVE_INFINITY
    await log.flush()
    t.match(changes[1], { kind: 'recovered', dropped })
    t.equal(changes.length, 2)
    const kept = 60_000 - dropped
    t.equal(text('/a'), lines(0, kept), 'no line is cut and none comes twice')
    log.append('after\n')
    await log.close()
    t.ok(text('/a')?.endsWith(`${line(kept - 1)}after\n`))
    t.match(log.stats(), { written: kept + 1, dropped, failing: false })
  },
)

t.test('a target that fails is left alone until it is time to try again', async (t) => {
  const { disk, fs, text } = fakeDisk()
  const { log } = openLog({ target: '/a', flushAfterMs: 1, retryAfterMs: 2 }, fs)
  disk.error = 'EIO'
  log.append('x\n')
  while (!log.stats().failing) await new Promise((resolve) => setImmediate(resolve))
  disk.error = null
  while (text('/a') !== 'x\n') await new Promise((resolve) => setImmediate(resolve))
  t.notOk(log.stats().failing, 'it came back by itself')
})

t.test('while the disk is full, deleting the log gives its space back', async (t) => {
  const { disk, fs, text } = fakeDisk()
  const { log } = openLog({ target: '/a' }, fs)
  disk.room = 14
  log.append(line(1))
  log.append(line(2))
  await log.flush()
  t.equal(text('/a'), line(1) + line(2).slice(0, 6))
  disk.files.delete('/a')
  disk.room = 1000
  await log.flush()
  t.equal(text('/a'), line(2), 'the new file begins with a whole line')
})

t.test('a log that cannot be opened is a failing log, not an exception', async (t) => {
  const { disk, fs, text } = fakeDisk()
  disk.error = 'EACCES'
  const { log, changes } = openLog({ target: '/a' }, fs)
  log.append('x\n')
  await log.flush()
  t.match(changes, [{ kind: 'failed', code: 'EACCES' }])
  disk.error = null
  await log.flush()
  t.equal(text('/a'), 'x\n')
})

t.test('a directory in the place of the log is told and does not end anything', async (t) => {
  const { log, changes } = openLog({ target: t.testdir() })
  log.append('x\n')
  await log.close()
  t.match(changes, [{ kind: 'failed', code: 'EISDIR' }])
  t.match(log.stats(), { written: 0, dropped: 1 })
})

t.test('/dev/full: the kernel says no space, and the log takes it as such', async (t) => {
  const { log, changes } = openLog({ target: '/dev/full' })
  log.append('x\n')
  await log.flush()
  t.match(changes, [{ kind: 'failed', code: 'ENOSPC' }])
  await log.close()
  t.equal(log.stats().dropped, 1, 'what could not be written until the end is counted')
})

t.test('/dev/null and the like are not rotated', async (t) => {
  const { log, changes } = openLog({ target: '/dev/null', maxFileBytes: 1 })
  for (let i = 0; i < 3; i++) {
    log.append('xxxx\n')
    await log.flush()
  }
  await log.close()
  t.strictSame(changes, [])
  t.match(log.stats(), { written: 3, rotations: 0 })
})

t.test('a slow pipe is waited for and is no failure', async (t) => {
  const { disk, fs, text } = fakeDisk()
  const { log, changes } = openLog({ target: '/a' }, fs)
  disk.error = 'EAGAIN'
  log.append('x\n')
  await log.flush()
  t.equal(text('/a'), '')
  disk.error = null
  await log.flush()
  t.equal(text('/a'), 'x\n')
  t.strictSame(changes, [])
})

t.test('after somebody renamed the file, reopen begins a new one', async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'a.log')
  const { log } = openLog({ target: path })
  log.append('one\n')
  await log.flush()
  await rename(path, `${path}.old`)
  log.append('two\n')
  await log.flush()
  t.equal(await readFile(`${path}.old`, 'latin1'), 'one\ntwo\n')
  log.reopen()
  log.append('three\n')
  await log.close()
  t.equal(await readFile(path, 'latin1'), 'three\n')
})

t.test('a line longer than a block is dropped and counted', async (t) => {
  const { fs, text } = fakeDisk()
  const { log } = openLog({ target: '/a' }, fs)
  log.append(`${'x'.repeat(70_000)}\n`)
  log.append('y\n')
  await log.close()
  t.equal(text('/a'), 'y\n')
  t.equal(log.stats().dropped, 1)
})

t.test('after close lines are counted as lost, and nothing is written any more', async (t) => {
  const { disk, fs, text } = fakeDisk()
  const { log } = openLog({ target: '/a' }, fs)
  log.append('x\n')
  await log.close()
  const { writes } = disk
  log.append('y\n')
  await log.flush()
  t.equal(text('/a'), 'x\n')
  t.equal(disk.writes, writes)
  t.equal(log.stats().dropped, 1)
})

t.test('a target that stands still does not keep close waiting', async (t) => {
  const { fs } = fakeDisk()
  const stuck: LogFileSystem = { ...fs, write: () => new Promise(() => {}) }
  const { log } = openLog({ target: '/a', closeWithinMs: 5 }, stuck)
  log.append('x\n')
  await log.close()
  t.equal(log.stats().dropped, 1)
})

t.test('a disk that is really full, a tmpfs of 64 kB', async (t) => {
  // Not tap's directory: that is removed before a teardown could unmount it.
  const dir = await mkdtemp(join(tmpdir(), 'gatehouse-log-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir], { stdio: 'ignore' })
  } catch {
    await rmdir(dir)
    t.pass('mounting is not allowed here; /dev/full and the disk in memory stand for it')
    return
  }
  const path = join(dir, 'a.log')
  const { log, changes } = openLog({ target: path })
  try {
    await writeFile(join(dir, 'ballast'), Buffer.alloc(32 * 1024))
    for (let i = 0; i < 5000; i++) log.append(line(i))
    await log.flush()
    t.match(changes, [{ kind: 'failed', code: 'ENOSPC' }])
    await rm(join(dir, 'ballast'))
    for (let i = 5000; i < 5100; i++) log.append(line(i))
    await log.flush()
    t.match(changes[1], { kind: 'recovered', dropped: 0 })
    t.equal(await readFile(path, 'latin1'), lines(0, 5100))
  } finally {
    await log.close()
    execFileSync('umount', [dir])
    await rmdir(dir)
  }
})
