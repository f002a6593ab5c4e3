// "Keep it awake until 18:00", and what a restart makes of it.

import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { VmId } from '../../src/model.ts'
import { createLeases, maxLeaseMs } from '../../src/wake/lease.ts'
import { createSmallFile } from '../../src/wake/small-file.ts'
import { createKeptLog } from '../fixtures/wake-provider.ts'

const flex = 'flex' as VmId
const hour = 3_600_000

function house(path = join(mkdtempSync(join(tmpdir(), 'lease-')), 'vms', 'leases.json')) {
  const clock = { at: Date.UTC(2026, 10, 21, 10) }
  const log = createKeptLog()
  const file = createSmallFile(path, { log })
  return { clock, log, path, file, leases: createLeases({ file, now: () => clock.at }) }
}

t.test('a machine is kept until then, and not a moment longer', async (t) => {
  const { clock, leases } = house()
  const until = clock.at + hour
  t.equal(leases.keptUntil(flex), null)
  t.equal(leases.keep(flex, until), 'ok')
  t.equal(leases.keptUntil(flex), until)
  clock.at = until - 1
  t.equal(leases.keptUntil(flex), until)
  clock.at = until
  t.equal(leases.keptUntil(flex), null)
})

t.test('no longer, and a time that has passed, end it', async (t) => {
  const { clock, leases } = house()
  leases.keep(flex, clock.at + hour)
  leases.keep(flex, null)
  t.equal(leases.keptUntil(flex), null)
  leases.keep(flex, clock.at + hour)
  t.equal(leases.keep(flex, clock.at - 1), 'ok')
  t.equal(leases.keptUntil(flex), null)
})

t.test('more than a week, for ever, and no time at all are refused', async (t) => {
  const { clock, leases } = house()
  leases.keep(flex, clock.at + hour)
  for (const until of [clock.at + maxLeaseMs + 1, Number.POSITIVE_INFINITY, Number.NaN])
    t.equal(leases.keep(flex, until), 'too-long', String(until))
  t.equal(leases.keptUntil(flex), clock.at + hour, 'and change nothing')
})

t.test('a restart keeps the promise', async (t) => {
  const first = house()
  const until = first.clock.at + hour
  first.leases.keep(flex, until)
  first.leases.skipSchedule(flex, until + hour)
  await first.leases.flush()
  const second = house(first.path)
  await second.leases.load()
  t.equal(second.leases.keptUntil(flex), until)
  t.equal(second.leases.skipsScheduleUntil(flex), until + hour)
})

t.test('what was said before the file was read is not overwritten by it', async (t) => {
  const first = house()
  first.leases.keep(flex, first.clock.at + 2 * hour)
  await first.leases.flush()
  const second = house(first.path)
  second.leases.keep(flex, second.clock.at + hour)
  await second.leases.load()
  t.equal(second.leases.keptUntil(flex), second.clock.at + hour)
})

t.test('a clock that is set back does not make a week of an hour', async (t) => {
  const { clock, leases } = house()
  leases.keep(flex, clock.at + hour)
  clock.at -= 30 * 24 * hour
  t.equal(leases.keptUntil(flex), null)
})

t.test('a file that nobody can read is reported, and promises nothing', async (t) => {
  for (const text of ['{"keep":', '[]', 'null', '{"keep":{"flex":"18:00"},"skipSchedule":7}']) {
    const first = house()
    await first.file.write({})
    writeFileSync(first.path, text)
    await first.leases.load()
    t.equal(first.leases.keptUntil(flex), null, text)
  }
  const { path, file, leases, log } = house()
  await file.write({})
  writeFileSync(path, '{"keep":')
  await leases.load()
  t.match(log.events, [{ level: 'error', event: 'vm-file-unreadable' }])
})

t.test('the file is whole: nothing lies beside it, and only its owner reads it', async (t) => {
  const { clock, leases, path } = house()
  for (let i = 1; i <= 50; i++) leases.keep(flex, clock.at + i * 1_000)
  await leases.flush()
  t.strictSame(readdirSync(join(path, '..')), ['leases.json'])
  t.equal(JSON.parse(readFileSync(path, 'utf8')).keep.flex, clock.at + 50_000)
})

t.test('a folder that cannot be written is said once and stops nobody', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lease-'))
  writeFileSync(join(folder, 'vms'), 'a file where the folder should be')
  const { clock, leases, log } = house(join(folder, 'vms', 'leases.json'))
  leases.keep(flex, clock.at + hour)
  await leases.flush()
  leases.keep(flex, clock.at + 2 * hour)
  await leases.flush()
  t.equal(leases.keptUntil(flex), clock.at + 2 * hour)
  t.equal(log.events.filter(({ event }) => event === 'vm-file-failed').length, 1)
})
