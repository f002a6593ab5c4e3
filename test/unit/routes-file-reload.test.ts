// The running table and its file: start, reload, hold, watch, and what is left on disk.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { GatehouseError } from '../../src/errors.ts'
import type { TableDefinition } from '../../src/model.ts'
import { acceptText } from '../../src/routes-file/accepted.ts'
import { type ReadResult, readTable } from '../../src/routes-file/read.ts'
import { readTableAside } from '../../src/routes-file/read-aside.ts'
import { createReloader, type Reloader } from '../../src/routes-file/reload.ts'
import { readSnapshot, snapshotFormat, writeSnapshot } from '../../src/routes-file/snapshot.ts'
import { watchFile } from '../../src/routes-file/watch.ts'
import { tableText } from '../fixtures/table-text.ts'

const closed = tableText(['{ host: a, to: box:80 }'])
const open = tableText(['{ host: a, to: box:80, access: public, prefix: true }'])
const other = tableText(['{ host: a, to: box:80 }', '{ service: B, host: b, to: box:81 }'])
const bad = tableText(['{ host: a, to: bx:80 }'])

interface World {
  readonly file: string
  readonly snapshotFile: string
  /** Route ids of each table put in force. */
  readonly applied: string[]
  /** `level event`, with the sentence of an access change. */
  readonly events: string[]
  /** How often a text was parsed. */
  readonly reads: () => number
  readonly write: (text: string) => Promise<void>
  readonly create: (options?: {
    apply?: (definition: TableDefinition) => void
    edition?: string
    resolve?: (name: string) => Promise<readonly string[]>
    read?: (text: string) => Promise<ReadResult>
  }) => Reloader
}

function world(dir: string): World {
  const file = join(dir, 'routes.yaml')
  const snapshotFile = join(dir, 'data', 'routes.snapshot.json')
  const applied: string[] = []
  const events: string[] = []
  let reads = 0
  const level = (name: string) => (event: string, fields?: Readonly<Record<string, unknown>>) => {
    events.push([name, event, fields?.change ?? ''].join(' ').trim())
  }
  return {
    file,
    snapshotFile,
    applied,
    events,
    reads: () => reads,
    write: (text) => writeFile(file, text),
    create: (options = {}) =>
      createReloader({
        file,
        snapshotFile,
        edition: options.edition ?? '1',
        log: { info: level('info'), warn: level('warn'), error: level('error') },
        now: () => 1000,
        read: async (text): Promise<ReadResult> => {
          reads += 1
          return (options.read ?? readTable)(text)
        },
        apply: (definition) => {
          options.apply?.(definition)
          applied.push(definition.routes.map((r) => `${r.id} ${r.policy.kind}`).join(', '))
        },
        watchTimes: { debounceMs: 10, pollMs: 50 },
        ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
      }),
  }
}

const closedRoutes = 'auth/ public, proxy/ signed-in, a/ signed-in'
const openRoutes = 'auth/ public, proxy/ signed-in, a/ public'

t.test('an unchanged file starts from the snapshot without being parsed', async (t) => {
  const w = world(t.testdir())
  await w.write(closed)
  await w.create().start()
  t.equal(w.reads(), 1)
  const second = w.create()
  await second.start()
  t.equal(w.reads(), 1)
  t.strictSame(w.applied, [closedRoutes, closedRoutes])
  t.match(second.counters(), { ok: 1, failed: 0, lastOk: 1000 })
  await w.create({ edition: '2' }).start()
  t.equal(w.reads(), 2, 'another version of the program reads it again')
})

t.test('a bad file keeps the running table, says so and counts', async (t) => {
  const w = world(t.testdir())
  await w.write(closed)
  const reloader = w.create()
  await reloader.start()
  await w.write(bad)
  const outcome = await reloader.reload('signal')
  t.match(outcome, { kind: 'failed', problems: [{ code: 'unknown-vm', line: 7 }] })
  t.strictSame(w.applied, [closedRoutes])
  t.match(reloader.counters(), { ok: 1, failed: 1, lastFailed: 1000, problems: [{ line: 7 }] })
  t.ok(w.events.includes('error routes-rejected'))
  await w.write(closed)
  t.strictSame(await reloader.reload('signal'), { kind: 'unchanged' })
  t.strictSame(reloader.counters().problems, [])
  await unlink(w.file)
  t.match(await reloader.reload('signal'), { kind: 'failed', problems: [{ code: 'unreadable' }] })
  t.equal(w.applied.length, 1)
})

t.test('a bad or missing file does not stop a restart', async (t) => {
  const w = world(t.testdir())
  await w.write(closed)
  await w.create().start()
  await w.write(bad)
  await w.create().start()
  await unlink(w.file)
  const reloader = w.create()
  const table = await reloader.start()
  t.equal(table.routes.length, 3)
  t.strictSame(w.applied, [closedRoutes, closedRoutes, closedRoutes])
  t.equal(w.events.filter((event) => event === 'error routes-last-good').length, 2)
  await w.write(other)
  t.match(await reloader.reload('changed'), { kind: 'applied' })
})

t.test('without a table and without a snapshot the start fails with every problem', async (t) => {
  const w = world(t.testdir())
  await w.write(bad)
  await t.rejects(w.create().start(), {
    code: 'routes-invalid',
    message: /routes\.yaml:7:20: error/,
  })
  await unlink(w.file)
  await t.rejects(w.create().start(), { code: 'routes-unreadable' })
  t.strictSame(w.applied, [])
})

t.test('a table that cannot be put in force is as bad as one that cannot be read', async (t) => {
  const w = world(t.testdir())
  await w.write(closed)
  const apply = (definition: TableDefinition) => {
    if (definition.routes.length > 3) throw new GatehouseError('secret-missing', 'no secret X')
  }
  const reloader = w.create({ apply })
  await reloader.start()
  await w.write(other)
  t.match(await reloader.reload('signal'), {
    kind: 'failed',
    problems: [{ code: 'secret-missing' }],
  })
  const restarted = w.create({ apply })
  await restarted.start()
  t.strictSame(w.applied, [closedRoutes, closedRoutes])
  t.match(restarted.counters(), { ok: 0, failed: 1 })
})

t.test('weaker access is applied and named', async (t) => {
  const w = world(t.testdir())
  await w.write(closed)
  const reloader = w.create()
  await reloader.start()
  await w.write(open)
  t.match(await reloader.reload('signal'), { kind: 'applied', changes: [{ kind: 'weaker' }] })
  t.ok(w.events.includes('warn routes-access a/: login → public'))
  t.equal(w.applied.at(-1), openRoutes)
})

t.test('weaker access after a stop is named at the start', async (t) => {
  const w = world(t.testdir())
  await w.write(closed)
  await w.create().start()
  await w.write(open)
  await w.create().start()
  t.ok(w.events.includes('warn routes-access a/: login → public'))
})

t.test(
  'with hold, weaker access waits for the word of the owner, also over a restart',
  async (t) => {
    const w = world(t.testdir())
    const guard = (text: string) => text.replace('routes:', 'onWeakerAccess: hold\nroutes:')
    await w.write(guard(closed))
    const reloader = w.create()
    await reloader.start()
    // The edit that opens the door also lifts the guard: it is held all the same.
    await w.write(open)
    t.match(await reloader.reload('changed'), { kind: 'held' })
    t.match(reloader.counters(), { held: 1, heldChanges: [{ sentence: 'a/: login → public' }] })
    const restarted = w.create()
    await restarted.start()
    t.strictSame(w.applied, [closedRoutes, closedRoutes])
    t.ok(w.events.includes('error routes-held'))
    t.ok(w.events.includes('error routes-last-good'))

    await acceptText(w.snapshotFile, 'another text')
    t.match(await restarted.reload('signal'), { kind: 'held' }, 'another text was accepted')
    await acceptText(w.snapshotFile, open)
    t.match(await restarted.reload('signal'), { kind: 'applied' })
    t.equal(w.applied.at(-1), openRoutes)
    t.equal(existsSync(join(w.snapshotFile, '..', 'routes.accepted')), false)
  },
)

t.test('a shell can accept a held text with sha256sum', async (t) => {
  const w = world(t.testdir())
  await w.write(closed.replace('routes:', 'onWeakerAccess: hold\nroutes:'))
  const reloader = w.create()
  await reloader.start()
  await w.write(open)
  t.match(await reloader.reload('changed'), { kind: 'held' })
  const printed = execFileSync('sha256sum', [w.file])
  await writeFile(join(w.snapshotFile, '..', 'routes.accepted'), printed)
  t.match(await reloader.reload('signal'), { kind: 'applied' })
})

t.test('with hold, an edit that only closes or adds is applied at once', async (t) => {
  const w = world(t.testdir())
  await w.write(open.replace('routes:', 'onWeakerAccess: hold\nroutes:'))
  const reloader = w.create()
  await reloader.start()
  await w.write(other.replace('routes:', 'onWeakerAccess: hold\nroutes:'))
  t.match(await reloader.reload('changed'), { kind: 'applied' })
})

t.test('a name that resolves to the metadata service makes the file bad', async (t) => {
  const w = world(t.testdir())
  await w.write(tableText(['{ host: a, to: http://evil.lan }']))
  const resolve = async () => ['169.254.169.254']
  await t.rejects(w.create({ resolve }).start(), { message: /evil\.lan resolves to 169\.254/ })
})

t.test('a reader that breaks fails its own reload and none after it', async (t) => {
  const w = world(t.testdir())
  await w.write(closed)
  let broken = false
  const reloader = w.create({
    read: async (text) => {
      if (broken) throw new Error('no thread to read in')
      return readTable(text)
    },
  })
  await reloader.start()
  broken = true
  await w.write(other)
  t.match(await reloader.reload('changed'), { kind: 'failed' })
  broken = false
  t.match(await reloader.reload('changed'), { kind: 'applied' })
})

t.test('reloads asked for at once run one after the other', async (t) => {
  const w = world(t.testdir())
  await w.write(closed)
  const reloader = w.create()
  await reloader.start()
  await w.write(other)
  const outcomes = await Promise.all([reloader.reload('signal'), reloader.reload('changed')])
  t.strictSame(
    outcomes.map((o) => o.kind),
    ['applied', 'unchanged'],
  )
})

t.test('the snapshot is whole, private, and believed only in its own format', async (t) => {
  const dir = t.testdir()
  const file = join(dir, 'new', 'routes.snapshot.json')
  const { definition } = readTable(closed)
  if (definition === null) throw new Error('no table')
  t.equal(await readSnapshot(file), null)
  await writeSnapshot(file, definition, 'h1')
  // What a crash left behind does not get in the way.
  await writeFile(`${file}.new`, 'half', { mode: 0o644 })
  await writeSnapshot(file, definition, 'h2')
  t.strictSame(await readSnapshot(file), { definition, textHash: 'h2' })
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.equal((await stat(join(dir, 'new'))).mode & 0o777, 0o700)
  t.equal(existsSync(`${file}.new`), false)

  const text = await readFile(file, 'utf8')
  const damages = ['', 'x', text.slice(0, -20), text.replace('signed-in', 'public'), '{}\n{}\n']
  for (const damage of damages) {
    await writeFile(file, damage)
    await t.rejects(readSnapshot(file), { code: 'snapshot-damaged' })
  }
  await writeFile(file, text.replace(`"format":${snapshotFormat}`, '"format":0'))
  t.equal(await readSnapshot(file), null)
})

t.test('a damaged snapshot is no reason not to start', async (t) => {
  const w = world(t.testdir())
  await w.write(closed)
  await mkdir(join(w.snapshotFile, '..'))
  await writeFile(w.snapshotFile, 'rubbish')
  await w.create().start()
  t.ok(w.events.includes('warn routes-snapshot-damaged'))
  t.strictSame(w.applied, [closedRoutes])
})

t.test('a thread of its own reads as the reader does', async (t) => {
  t.strictSame(await readTableAside(closed), readTable(closed))
  t.strictSame(await readTableAside(bad), readTable(bad))
})

/** Waits until the watch is armed; `changed` resolves at the next change of the file. */
async function nextChange(file: string): Promise<{ changed: Promise<void>; close: () => void }> {
  let tell: () => void = () => {}
  const changed = new Promise<void>((resolve) => {
    tell = resolve
  })
  const watch = watchFile(file, () => tell(), { debounceMs: 10, pollMs: 50 })
  // The watch itself keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  await watch.ready
  const close = () => {
    clearInterval(alive)
    watch.close()
  }
  return { changed, close }
}

for (const [way, change] of [
  ['in place', (file: string) => writeFile(file, 'two')],
  [
    'by a rename, as editors do',
    async (file: string) => {
      await writeFile(`${file}~`, 'two')
      await rename(`${file}~`, file)
    },
  ],
  [
    'by a link to another file',
    async (file: string) => {
      await writeFile(`${file}.2`, 'two')
      await symlink(`${file}.2`, `${file}.link`)
      await rename(`${file}.link`, file)
    },
  ],
  [
    'after its directory was removed and made again',
    async (file: string) => {
      await rm(join(file, '..'), { recursive: true })
      await mkdir(join(file, '..'))
      await writeFile(file, 'two')
    },
  ],
] as const) {
  t.test(`a file that is changed ${way} is noticed`, { timeout: 10_000 }, async (t) => {
    const file = join(t.testdir({ conf: { 'routes.yaml': 'one' } }), 'conf', 'routes.yaml')
    const watch = await nextChange(file)
    await change(file)
    await watch.changed
    watch.close()
  })
}

t.test('a directory that is not there yet is waited for', { timeout: 10_000 }, async () => {
  const file = join(t.testdir(), 'later', 'routes.yaml')
  const watch = await nextChange(file)
  await mkdir(join(file, '..'))
  await writeFile(file, 'one')
  await watch.changed
  watch.close()
})

t.test(
  'a reloader that watches takes a saved file over by itself',
  { timeout: 10_000 },
  async (t) => {
    const w = world(t.testdir())
    await w.write(closed)
    const reloader = w.create()
    await reloader.start()
    await reloader.watch()
    const alive = setInterval(() => {}, 1000)
    await w.write(open)
    while (reloader.counters().ok < 2) await new Promise((resolve) => setImmediate(resolve))
    reloader.close()
    clearInterval(alive)
    t.equal(w.applied.at(-1), openRoutes)
  },
)
